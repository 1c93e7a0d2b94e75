import type { Change } from '../core/action.js';
import { sameRevision } from '../core/compare.js';
import type { BasePair, Entry } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { isBelow } from '../core/path.js';
import { mayDelete } from '../core/policy.js';
import type { Holder } from './claims.js';
import type { Context } from './context.js';
import { isLeftOut, isOversize } from './left-out.js';

/** What was renamed on the remote side instead of being sent. */
export interface Moved {
  readonly from: string;
  readonly to: string;
}

/**
 * Renames on the remote side what was renamed here: a new path whose inode the base knows under another name that is
 * gone. A rename there is a deletion of the old name, so it takes `delete`.
 * @returns `null` when it is no move, or one that cannot be made in one step: it is sent and deleted then
 */
export async function tryMove(context: Context, change: Change, holder: Holder): Promise<Moved | null> {
  const created = createdBy(change);
  const { settings, state, claims } = context;
  if (created === null || !settings.delete || !mayDelete(settings.mode)) return null;
  const { dev, ino } = created;
  if (dev === undefined || ino === undefined) return null;
  const to = change.path;
  for (const from of await state.base.byInode(dev, ino)) {
    if (from === to || isBelow(to, from) || isBelow(from, to) || !claims.claim(from, holder)) continue;
    try {
      if (await move(context, from, to, created)) return { from, to };
    } finally {
      claims.release(from, holder);
    }
  }
  return null;
}

/** The local entry that is to be made on the remote side, where nothing is. */
function createdBy(change: Change): Entry | null {
  if (change.type === 'upload') return change.destination === null ? change.source : null;
  if (change.type !== 'make-directory' || change.side !== 'remote') return null;
  return change.destination === null ? change.source : null;
}

async function move(context: Context, from: string, to: string, created: Entry): Promise<boolean> {
  const { local, remote, state, ledger, signal } = context;
  const [[base], [here], [there]] = await Promise.all([
    state.base.get([from]),
    local.observe([from], signal),
    remote.observe([from], signal),
  ]);
  if (base === null || base === undefined || here !== null) return false;
  // A rename takes the old name away.
  if (isLeftOut(context, 'remote', from, created.kind)) return false;
  // Whoever changed it on either side since is in the way of a rename, not of sending it.
  if (!sameRevision(created, base.local) || base.racy) return false;
  if (there instanceof TowlineError || !sameRevision(there ?? null, base.remote)) return false;
  if (created.kind === 'directory' && !(await movesAsOne(context, from, to))) return false;
  await ledger.flush();
  let moved: Entry;
  try {
    moved = await remote.move(from, to, base.remote);
  } catch (error) {
    if (hasCode(error, 'exists', 'changed', 'not-found', 'permission', 'protocol', 'unsupported'))
      return false;
    throw error;
  }
  if (created.kind === 'directory') await moveRows(context, from, to);
  const hash = base.local.hash === undefined ? {} : { hash: base.local.hash };
  const pair: BasePair = {
    local: { ...created, ...hash },
    remote: { ...base.remote, ...moved },
    racy: false,
  };
  await state.base.commit([
    { path: to, pair },
    { path: from, pair: null },
  ]);
  return true;
}

/** Nothing in the directory is excluded under its old name or would be under its new one. */
async function movesAsOne(context: Context, from: string, to: string): Promise<boolean> {
  const { remote, filter, signal } = context;
  await filter.ensure([`${from}/.`, `${to}/.`]);
  for await (const batch of remote.scan({ under: from, excludes: () => false, signal })) {
    for (const item of batch) {
      if (item.type !== 'entry') return false;
      const there = to + item.path.slice(from.length);
      const names = [item.path, there];
      if (names.some((path) => isLeftOut(context, 'remote', path, item.entry.kind))) return false;
      if (isOversize(context, item.entry)) return false;
    }
  }
  return true;
}

async function moveRows({ state, signal }: Context, from: string, to: string): Promise<void> {
  for await (const rows of state.base.scan(from, signal)) {
    await state.base.commit(
      rows.flatMap(({ path, pair }) => [
        { path: to + path.slice(from.length), pair },
        { path, pair: null },
      ]),
    );
  }
}
