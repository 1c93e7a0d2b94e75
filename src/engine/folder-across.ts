import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { BaseRow } from '../core/stream.js';
import { commonHash, isInTheWay, isSurely, type Lost, stillMoved } from './across-proof.js';
import { hashOf } from './contents.js';
import type { Context } from './context.js';
import { isLeftOut, isOversize } from './left-out.js';
import { type Moved, moveRows } from './moves.js';

/**
 * Renames a folder here that was renamed on the server, in one step: when all that is in it here is what both sides agreed
 * on, and the server has all of that under the new name. What the server has there beside comes by itself.
 * @returns `null` when that is not so: what can be is renamed one by one then
 */
export async function moveFolder(
  context: Context,
  from: string,
  to: string,
  source: Entry,
  { base, here }: Lost,
): Promise<Moved | null> {
  const { local, ledger, state } = context;
  let there: Entry | null;
  let made: Entry;
  try {
    const doubtful = await compareBelow(context, from, to);
    if (doubtful === null || !(await sameContents(context, from, to, doubtful))) return null;
    await ledger.flush();
    there = await stillMoved(context, from, to, source);
    if (there === null) return null;
    made = await local.move(from, to, here);
  } catch (error) {
    if (isInTheWay(error)) return null;
    throw error;
  }
  const below = await moveRows(context, from, to);
  // The modes the sides agreed on: another one is carried over by itself.
  const pair = {
    local: { ...made, mode: base.local.mode },
    remote: { ...there, mode: base.remote.mode },
    racy: false,
  };
  await state.base.commit([
    { path: to, pair },
    { path: from, pair: null },
  ]);
  const sameModes = made.mode === base.local.mode && there.mode === base.remote.mode;
  return { side: 'local', from, to, paths: 1 + below, again: sameModes ? [] : [to] };
}

/**
 * By all but contents.
 * @returns the files that only their contents can tell from what was agreed on; `null`: something is not as agreed on, is
 * missing, or is not to be touched under one of its names
 */
async function compareBelow(context: Context, from: string, to: string): Promise<ReadonlySet<string> | null> {
  const { local, remote, filter, state, signal } = context;
  const unruled = await filter.ensure([`${from}/.`, `${to}/.`]);
  if (unruled.size > 0) return null;
  const doubtful = new Set<string>();
  let entries = 0;
  for await (const batch of local.scan({ under: from, excludes: () => false, signal })) {
    const names = batch.map(({ path }) => to + path.slice(from.length));
    const [rows, there] = await Promise.all([
      state.base.get(batch.map(({ path }) => path)),
      remote.observe(names, signal),
    ]);
    for (const [index, item] of batch.entries()) {
      if (item.type !== 'entry' || isOversize(context, item.entry)) return null;
      const { path, entry } = item;
      const name = names[index]!;
      const row = rows[index] ?? null;
      const seen = there[index] ?? null;
      if (row === null || seen === null || seen instanceof TowlineError) return null;
      if (!sameRevision(row.local, entry) || !sameRevision(row.remote, seen)) return null;
      if ([path, name].some((one) => isLeftOut(context, 'local', one, entry.kind))) return null;
      if (entry.kind === 'file' && !isSurely(entry, row)) doubtful.add(path);
      entries++;
    }
  }
  for await (const rows of state.base.scan(from, signal)) entries -= rows.length;
  return entries === 0 ? doubtful : null;
}

async function sameContents(
  context: Context,
  from: string,
  to: string,
  doubtful: ReadonlySet<string>,
): Promise<boolean> {
  const isSame = async ({ path, pair }: BaseRow): Promise<boolean> => {
    const { kind, size } = pair.local;
    if (kind !== 'file' || size === 0) return true;
    const theirs = () => hashOf(context, 'remote', to + path.slice(from.length), size);
    return (await commonHash(context, path, pair, !doubtful.has(path), theirs)) !== null;
  };
  for await (const rows of context.state.base.scan(from, context.signal)) {
    const same = await Promise.all(rows.map(isSame));
    if (same.includes(false)) return false;
  }
  return true;
}
