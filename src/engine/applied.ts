import type { Action, Change } from '../core/action.js';
import type { BasePair, Entry, Side } from '../core/entry.js';
import { racyMs } from '../core/racy.js';

/** What came of a change. */
export interface Applied {
  /** What the base is to hold; `undefined`: it was seen to already. */
  readonly pair: BasePair | null | undefined;
  readonly bytes: number;
  /** Paths removed. */
  readonly deleted: number;
  /** Directories that were to go and stay. */
  readonly kept: readonly string[];
  /** The source moved on meanwhile: look at it again. */
  readonly dirty: boolean;
  /** Paths that are to be looked at now. */
  readonly again: readonly string[];
  /** Nothing was carried over: something in the way has to get a name of its own first. */
  readonly aside?: Extract<Change, { type: 'set-aside' }>;
}

/** Nothing came of it but what is said. */
export const nothing: Applied = { pair: undefined, bytes: 0, deleted: 0, kept: [], dirty: false, again: [] };

/** The base row of a path whose `side` was just written from `source`. */
export function pairOf(side: Side, source: Entry, made: Entry, racy: boolean): BasePair {
  return side === 'remote' ? { local: source, remote: made, racy } : { local: made, remote: source, racy };
}

/** The hash of no content: whatever it is compared with differs. */
const noContent = 'unproved';

/**
 * The base row of a path whose `side` was just written, with what may not be what was sent: the side holds what we wrote, and the
 * source has changed since, whatever its size and time say.
 */
export function unprovedPair(side: Side, { source, made }: { source: Entry; made: Entry }): BasePair {
  return pairOf(side, { ...source, hash: noContent, mtimeMs: source.mtimeMs - 1_000 }, made, false);
}

/** The base row of a path that was found equal. */
export function adopted(local: Entry, remote: Entry, nowMs: number): BasePair {
  return { local, remote, racy: local.kind === 'file' && Math.abs(nowMs - local.mtimeMs) < racyMs };
}

/** Nothing is to be done on either side. */
export type Settled = Extract<Action, { type: 'none' | 'adopt' }>;

export function isSettled(action: Change | Settled): action is Settled {
  return action.type === 'none' || action.type === 'adopt';
}

/** What the base is to hold of a path where nothing was to be done; `undefined`: what it holds already. */
export function pairAfter(action: Settled, nowMs: number): BasePair | null | undefined {
  if (action.type === 'none') return undefined;
  const { local, remote } = action;
  return local === null || remote === null ? null : adopted(local, remote, nowMs);
}
