/** What the parts of a memory storage share. */
import type { Capabilities } from '../../ports.js';
import type { MemoryTree } from './tree.js';

/** A step of a storage that a test can fail or hold up: a call, or a part of one that is seen from outside. */
export type MemoryOperation =
  | 'ensureRoot'
  | 'list' // one directory of a scan
  | 'observe' // one call; the path is its first
  | 'openSource'
  | 'read'
  | 'check'
  | 'readText'
  | 'hash'
  | 'hashInPlace'
  | 'move'
  | 'createTemp'
  | 'resumeTemp'
  | 'openInPlace'
  | 'write'
  | 'complete'
  | 'publish'
  | 'replace' // between the two steps of a replacement on a side without `atomicReplace`
  | 'discard'
  | 'unlock' // when a lock is let go without a change
  | 'makeDirectory'
  | 'makeSymlink'
  | 'setMetadata'
  | 'remove'
  | 'removeTemps'
  | 'freeBytes'
  | 'clockOffsetMs';

/** Waits for as long as it takes, or throws a `TowlineError` in place of an answer. */
export type MemoryHook = (operation: MemoryOperation, path: string) => void | Promise<void>;

export interface MemoryContext {
  readonly tree: MemoryTree;
  readonly capabilities: Capabilities;
  readonly identity: boolean;
  readonly before: MemoryHook;
  readonly after: MemoryHook;
}

/** One step: the hook before it, the work at once, the hook behind it. */
export async function step<T>(
  context: MemoryContext,
  operation: MemoryOperation,
  path: string,
  work: () => T | Promise<T>,
): Promise<T> {
  await context.before(operation, path);
  const result = await work();
  await context.after(operation, path);
  return result;
}
