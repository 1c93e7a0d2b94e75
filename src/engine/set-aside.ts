import type { Entry, Kind, Side } from '../core/entry.js';
import { conflictName, isConflictNameOf } from '../core/conflict-name.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { join, nameOf, parentOf } from '../core/path.js';
import { type Applied, nothing } from './applied.js';
import { type Context, storageOf } from './context.js';
import { locking } from './locks.js';

/** A name that is taken is followed by the next one, this often. */
const namesMax = 20;

export interface SetAside {
  readonly side: Side;
  readonly path: string;
  /** What is there, as it was seen. */
  readonly entry: Entry;
  readonly cause: 'conflict' | 'drift';
}

/**
 * Gives one side's version a name of its own, in the same directory. The path and the copy are to be looked at again: the
 * other side's version takes the place, and the copy is a new file like others.
 * @throws `conflict` when there are as many copies as there may be; `changed` when it is not what was seen
 */
export async function setAside(context: Context, { side, path, entry, cause }: SetAside): Promise<Applied> {
  const storage = storageOf(context, side);
  await requireRoom(context, side, path);
  // Whatever happens in between: nobody takes the place that is left for a deletion.
  if (cause === 'conflict') await context.ledger.commit(path, null);
  for (let attempt = 1; ; attempt++) {
    const name = conflictName(nameOf(path), context.clock.now(), context.agentId, attempt);
    const copy = join(parentOf(path) ?? '', name);
    try {
      await locking(context, side, path, entry, (lock) => storage.move(path, copy, entry, lock));
    } catch (error) {
      if (hasCode(error, 'exists') && attempt < namesMax) continue;
      throw error;
    }
    context.emit({ type: 'conflict', path, cause, resolution: 'both', side, copy });
    const applied = { ...nothing, again: [path, copy] };
    // Where one side is right the path is still known: what others put there before it is brought again is theirs, too.
    return cause === 'conflict' ? { ...applied, pair: null } : applied;
  }
}

/**
 * Copies are never deleted: when there are many of one file, a person has to look at them first.
 * @throws `conflict` when there are as many as there may be
 */
export async function requireRoom(context: Context, side: Side, path: string): Promise<void> {
  const { maxConflictCopies } = context.settings;
  const directory = parentOf(path) ?? '';
  let copies = 0;
  const isCopy = (at: string) => isConflictNameOf(nameOf(at), nameOf(path));
  // Folders may be copies too; what is in them does not count, and no others are entered.
  const excludes = (at: string, kind: Kind) =>
    (parentOf(at) ?? '') !== directory || (kind === 'directory' && !isCopy(at));
  for await (const batch of storageOf(context, side).scan({
    under: directory,
    excludes,
    signal: context.signal,
  })) {
    for (const item of batch) if (isCopy(item.path)) copies++;
  }
  if (copies < maxConflictCopies) return;
  throw new TowlineError(
    'conflict',
    `'${path}' was changed on both sides again, and ${String(copies)} copies of it wait`,
    {
      path,
      hint: 'Merge or remove them, and it goes on by itself',
    },
  );
}
