/** Locks of paths in a memory storage: as files, so that agents which share a tree see each other's. */
import { TowlineError } from '../../core/errors.js';
import { lockExpiryMs, type PathLock } from '../../core/lock.js';
import { join, parentOf } from '../../core/path.js';
import { checkName } from '../checked.js';
import type { MemoryContext } from './context.js';

function lockBeside(path: string, lock: PathLock): string {
  checkName(lock.name);
  return join(parentOf(path) ?? '', lock.name);
}

/**
 * For what looks and changes in one step: nobody may be between a look and a change of theirs.
 * @throws `changed` when somebody has the lock; one that was left long ago is broken
 */
export function requireUnlocked({ tree }: MemoryContext, path: string, lock: PathLock | undefined): void {
  if (lock === undefined) return;
  const beside = lockBeside(path, lock);
  const there = tree.find(beside);
  if (there === null) return;
  if (tree.create('file', 0o600).mtimeMs - there.mtimeMs > lockExpiryMs) tree.unlink(beside);
  throw new TowlineError('changed', `another agent is changing ${path}`, { path });
}

/** Takes it. @throws as `requireUnlocked` */
export function takeLock(context: MemoryContext, path: string, lock: PathLock): void {
  requireUnlocked(context, path, lock);
  context.tree.link(lockBeside(path, lock), context.tree.create('file', 0o600));
}

/** Lets it go. */
export function releaseLock({ tree }: MemoryContext, path: string, lock: PathLock): void {
  tree.unlink(lockBeside(path, lock));
}
