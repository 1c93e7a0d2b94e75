import type { Action } from '../core/action.js';
import type { Entry, Side, Triple } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import { decide } from '../core/mode.js';
import { type Context, storageOf } from './context.js';

/** A path whose metadata leaves open whether its content changed. */
export interface Undecided {
  readonly type: 'contents';
  readonly path: string;
  readonly triple: Triple;
  readonly wants: readonly Side[];
}

/** Bytes that have to be read to decide. */
export function bytesToRead({ triple, wants }: Undecided): number {
  return wants.reduce((sum, side) => sum + (triple[side]?.size ?? 0), 0);
}

/**
 * Hashes the contents that are wanted and decides again.
 * @throws `changed` when a file changed between the listing and the hash; whatever `Storage.hash` throws
 */
export async function decideByContents(context: Context, undecided: Undecided): Promise<Action> {
  const { path, triple, wants } = undecided;
  const hashed: Partial<Record<Side, Entry>> = {};
  await Promise.all(
    wants.map(async (side) => {
      const entry = triple[side];
      if (entry === null) throw new TowlineError('internal', `nothing to hash at '${path}'`, { path });
      hashed[side] = { ...entry, hash: await storageOf(context, side).hash(path, context.signal) };
    }),
  );
  const verdict = decide({ ...triple, ...hashed }, context.policy());
  if (verdict.type === 'contents' || verdict.type === 'refuse') {
    throw new TowlineError('internal', `the contents of '${path}' did not decide`, { path });
  }
  return verdict;
}
