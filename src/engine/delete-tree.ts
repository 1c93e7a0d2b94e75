import { type Entry, otherSide, type Side } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import { ancestorsOf, parentOf } from '../core/path.js';
import { isMirror } from '../core/policy.js';
import type { Storage } from '../ports.js';
import { Agreement } from './agreement.js';
import { locking } from './locks.js';
import { type Context, storageOf } from './context.js';
import { type TreeDeleted, TreeDeletion } from './tree-deletion.js';

/**
 * Removes `path` and what is below it from `side`, the other side having lost it (or having something else there).
 * Every path is looked at again right before it goes; excluded content stays, and the directories above it with it.
 * The base forgets what went.
 * @param why `gone`: the other side has nothing at the path; `replaced`: it has something that is no directory
 * @throws `changed` when that is not so (any more); whatever a removal throws
 */
export async function deleteTree(
  context: Context,
  side: Side,
  path: string,
  top: Entry,
  why: 'gone' | 'replaced',
): Promise<TreeDeleted> {
  const storage = storageOf(context, side);
  const source = storageOf(context, otherSide(side));
  const check = () => requireLost(source, path, why);
  await check();
  const agreed = new Agreement(context, side);
  if ((await agreed.maybeExcluded([{ type: 'entry', path, entry: top }])).size > 0)
    return { deleted: 0, kept: top.kind === 'directory' ? [path] : [], disagreed: [] };
  if (top.kind !== 'directory') {
    if (!(await agreed.isOn(path, top))) {
      // As if the sides had never agreed on it: it is new to the side that lost it.
      if (!isMirror(context.settings.mode)) await context.ledger.commit(path, null);
      return { deleted: 0, kept: [], disagreed: [path] };
    }
    await locking(context, side, path, top, (lock) => storage.remove(path, top, lock));
    context.deletions.removed(path);
    await context.ledger.commit(path, null);
    return { deleted: 1, kept: [], disagreed: [] };
  }
  const work = new TreeDeletion(context, side, check, path, agreed);
  const result = await work.run(top);
  if (isMirror(context.settings.mode)) {
    // What others changed there is to be known as changed by the next scan too.
    await forgetBelow(context, path, new Set([...result.kept, ...result.disagreed]));
    if (!result.kept.includes(path)) await context.ledger.commit(path, null);
    return result;
  }
  // A folder that lives on for what is new in it is new itself to the side that lost it.
  const reborn = new Set(result.disagreed.flatMap((one) => [...ancestorsOf(one), one]));
  const kept = result.kept.filter((one) => !reborn.has(one));
  await forgetBelow(context, path, new Set(kept));
  if (!kept.includes(path)) await context.ledger.commit(path, null);
  return { ...result, kept };
}

/** Drops the base rows below a path that no side (or only the one that keeps it) has any more. */
export async function forgetBelow(
  context: Context,
  path: string,
  except?: ReadonlySet<string>,
): Promise<void> {
  for await (const rows of context.state.base.scan(path, context.signal)) {
    const gone = rows.filter((row) => except?.has(row.path) !== true);
    await context.state.base.commit(gone.map((row) => ({ path: row.path, pair: null })));
  }
}

/** How many paths a deletion takes, as far as the base knows: without those that are known to stay. */
export async function countGoing({ state, staying, signal }: Context, path: string): Promise<number> {
  let count = staying.has(path) ? 0 : 1;
  for await (const rows of state.base.scan(path, signal))
    count += rows.filter((row) => !staying.has(row.path)).length;
  return count;
}

/** The source still lacks what is to be deleted, and its folder is there to say so. */
async function requireLost(source: Storage, path: string, why: 'gone' | 'replaced'): Promise<void> {
  const [seen, above, root] = await source.observe([path, parentOf(path) ?? '', '']);
  if (seen instanceof TowlineError) throw seen;
  if (above instanceof TowlineError) throw above;
  if (root === null || root instanceof TowlineError) {
    throw new TowlineError('changed', 'the source folder is gone: what it lacks cannot be told', { path });
  }
  const lost = why === 'gone' ? seen === null : seen !== null && seen?.kind !== 'directory';
  if (!lost) throw new TowlineError('changed', `'${path}' changed at the source meanwhile`, { path });
}
