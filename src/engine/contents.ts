import { type Action, errorOf, isUnresolved, type Unresolved } from '../core/action.js';
import { otherSide, type Side, type Triple } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { sourceSideOf } from '../core/policy.js';
import { decide } from '../core/mode.js';
import type { Context } from './context.js';

/** A path whose metadata leaves open whether its content changed. */
export interface Undecided {
  readonly type: 'contents';
  readonly path: string;
  readonly triple: Triple;
  readonly wants: readonly Side[];
}

/** One side after the other may have to be read. */
const roundsMax = 3;

/** What it takes to read contents and decide by them. */
export type Reading = Pick<Context, 'hashes' | 'settings' | 'stopSignal' | 'policy'>;

/**
 * Hashes the contents that are wanted and decides again.
 * @throws `changed` when a file changed between the listing and the hash; `conflict`, `drift`, `unsupported` when the
 * verdict is to leave it alone; whatever `Storage.hash` throws
 */
export async function decideByContents(context: Reading, undecided: Undecided): Promise<Action> {
  const verdict = await verdictByContents(context, undecided);
  if (isUnresolved(verdict)) throw errorOf(verdict);
  return verdict;
}

/** The same for who wants to know of a verdict to leave it alone, too. */
export async function verdictByContents(
  context: Reading,
  undecided: Undecided,
): Promise<Action | Unresolved> {
  const { path } = undecided;
  let { triple, wants } = undecided;
  for (let round = 0; round < roundsMax; round++) {
    triple = await hashed(context, triple, wants);
    const verdict = decide(triple, context.policy());
    if (verdict.type !== 'contents') return verdict;
    wants = verdict.wants;
  }
  throw new TowlineError('internal', `the contents of '${path}' did not decide`, { path });
}

async function hashed(context: Reading, triple: Triple, wants: readonly Side[]): Promise<Triple> {
  const { path } = triple;
  const hashes = await Promise.all(wants.map((side) => hashOf(context, side, path, triple[side]?.size ?? 0)));
  return wants.reduce((known, side, index) => {
    const entry = known[side];
    if (entry === null) throw new TowlineError('internal', `nothing to hash at '${path}'`, { path });
    return { ...known, [side]: { ...entry, hash: hashes[index]! } };
  }, triple);
}

/** Where the content lies if that can be; what the server only read while it changed is seen by the checks before a rename. */
export async function hashOf(context: Reading, side: Side, path: string, size: number): Promise<string> {
  try {
    return await context.hashes[side].of(path, { size, signal: context.stopSignal });
  } catch (error) {
    // What we may replace but not read (it got the mode its source had) must not stay as it is for ever.
    if (sourceSideOf(context.settings.mode) === otherSide(side) && hasCode(error, 'permission'))
      return unreadable;
    throw error;
  }
}

/** The hash of no content: whatever it is compared with differs. */
const unreadable = 'unreadable';
