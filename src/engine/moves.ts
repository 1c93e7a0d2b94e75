import type { Change } from '../core/action.js';
import { sameRevision } from '../core/compare.js';
import type { BasePair, Entry, Side } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { isBelow } from '../core/path.js';
import { mayDelete } from '../core/policy.js';
import { isInTheWay } from './across-proof.js';
import type { Holder } from './claims.js';
import { hashOf } from './contents.js';
import type { Context } from './context.js';
import { isLeftOut, isOversize } from './left-out.js';
import { locking } from './locks.js';

/** A folder in which more than this changed over there is not worth a rename. */
const changedMax = 1_000;

/** What was renamed instead of being carried over. */
export interface Moved {
  /** Where: what was renamed on the other one is followed here. */
  readonly side: Side;
  readonly from: string;
  readonly to: string;
  /** How many paths the base knew by it: itself, and what is in it. */
  readonly paths: number;
  /** What changed beside (a new mode, contents of the folder): to be looked at again, under the new names. */
  readonly again: readonly string[];
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
      const moved = await move(context, from, to, created);
      if (moved !== null) return moved;
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

async function move(context: Context, from: string, to: string, created: Entry): Promise<Moved | null> {
  const { local, remote, state, ledger, signal } = context;
  const [[base], [here], [there]] = await Promise.all([
    state.base.get([from]),
    local.observe([from], signal),
    remote.observe([from], signal),
  ]);
  if (base === null || base === undefined || here !== null) return null;
  // A rename takes the old name away.
  if (isLeftOut(context, 'remote', from, created.kind)) return null;
  // Whoever changed it on either side since is in the way of a rename, not of sending it.
  if (!sameRevision(created, base.local) || base.racy) return null;
  if (there instanceof TowlineError || !sameRevision(there ?? null, base.remote)) return null;
  if (created.kind === 'file' && !(await isSameFile(context, base, from, { path: to, ...created })))
    return null;
  const changed = created.kind === 'directory' ? await changedBelow(context, from, to) : [];
  if (changed === null) return null;
  await ledger.flush();
  let moved: Entry;
  try {
    moved = await locking(context, 'remote', from, base.remote, (lock) =>
      remote.move(from, to, base.remote, lock),
    );
  } catch (error) {
    if (hasCode(error, 'exists', 'changed', 'not-found', 'permission', 'protocol', 'unsupported'))
      return null;
    throw error;
  }
  const below = created.kind === 'directory' ? await moveRows(context, from, to) : 0;
  const hash = base.local.hash === undefined ? {} : { hash: base.local.hash };
  const pair: BasePair = {
    // The modes the sides agreed on: another one is carried over by itself.
    local: { ...created, ...hash, mode: base.local.mode },
    remote: { ...base.remote, ...moved, mode: base.remote.mode },
    racy: false,
  };
  await state.base.commit([
    { path: to, pair },
    { path: from, pair: null },
  ]);
  const sameModes = created.mode === base.local.mode && moved.mode === base.remote.mode;
  return { side: 'remote', from, to, paths: 1 + below, again: sameModes ? changed : [to, ...changed] };
}

/**
 * Whether the inode is still that of the same file: it is given again as soon as it is free, and the next file may bear size and
 * time of the one before (`cp -p`, builds whose files all bear one time). Where nobody read what was agreed on, a time with a
 * fraction is believed; else the server is asked, and where it cannot tell, it is sent.
 */
async function isSameFile(
  context: Context,
  { local, remote }: BasePair,
  from: string,
  { path, size, mtimeMs }: { readonly path: string } & Pick<Entry, 'size' | 'mtimeMs'>,
): Promise<boolean> {
  const known = local.hash ?? remote.hash;
  if (known === undefined && mtimeMs % 1000 !== 0) return true;
  const canTell = known !== undefined || (await context.remote.hashInPlace([], context.signal)) !== null;
  if (!canTell) return false;
  try {
    const [ours, agreed] = await Promise.all([
      hashOf(context, 'local', path, size),
      known ?? hashOf(context, 'remote', from, size),
    ]);
    return ours === agreed;
  } catch (error) {
    if (isInTheWay(error)) return false;
    throw error;
  }
}

/**
 * What is in the directory over there and not as the sides agreed on it, or not here any more, by its path after the move; `null`: it cannot be
 * moved as one, since something in it is left out, or would be under its new name, or too much has changed.
 */
async function changedBelow(context: Context, from: string, to: string): Promise<string[] | null> {
  const { local, remote, filter, state, signal } = context;
  await filter.ensure([`${from}/.`, `${to}/.`]);
  const changed: string[] = [];
  for await (const batch of remote.scan({ under: from, excludes: () => false, signal })) {
    const renamedTo = batch.map(({ path }) => to + path.slice(from.length));
    const rows = await state.base.get(batch.map(({ path }) => path));
    const here = await local.observe(renamedTo, signal);
    for (const [index, item] of batch.entries()) {
      if (item.type !== 'entry' || isOversize(context, item.entry)) return null;
      const { kind } = item.entry;
      const renamed = renamedTo[index]!;
      if ([item.path, renamed].some((path) => isLeftOut(context, 'remote', path, kind))) return null;
      const was = rows[index]?.remote ?? null;
      const asAgreed = sameRevision(was, item.entry) && was?.mode === item.entry.mode;
      if (!asAgreed || here[index] === null) changed.push(renamed);
    }
    if (changed.length > changedMax) return null;
  }
  return changed;
}

/**
 * What the base knows below the old name it knows below the new one from then on.
 * @returns how many paths these are
 */
export async function moveRows({ state, signal }: Context, from: string, to: string): Promise<number> {
  let moved = 0;
  for await (const rows of state.base.scan(from, signal)) {
    moved += rows.length;
    await state.base.commit(
      rows.flatMap(({ path, pair }) => [
        { path: to + path.slice(from.length), pair },
        { path, pair: null },
      ]),
    );
  }
  return moved;
}
