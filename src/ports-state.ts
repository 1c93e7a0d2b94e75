/** The contracts of what survives a restart: base, queue, temps on record, small facts. See ports.ts for the others. */
import type { BasePair } from './core/entry.js';
import type { ErrorCode } from './core/errors.js';
import type { BaseRow } from './core/stream.js';

/** Why a path needs attention. */
export type Cause = 'watch' | 'scan' | 'retry' | 'deletion';

/** One path that needs attention. At most one live row per path. */
export interface QueueRow {
  readonly path: string;
  readonly cause: Cause;
  /** Grows with every `put` of this path: a row is removed only by the generation that was leased. */
  readonly generation: number;
  /** When the oldest change behind it was seen, ms since 1970: the lag counts from here. */
  readonly sinceMs: number;
  /** Failed attempts that count (see `RetryClass`). */
  readonly attempts: number;
  /** Not before, ms since 1970. */
  readonly notBeforeMs: number;
  /** A guard keeps it back. */
  readonly held: boolean;
  readonly problem: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface QueuePut {
  readonly path: string;
  readonly cause: Cause;
  readonly sinceMs: number;
  /** Default: at once. */
  readonly notBeforeMs?: number;
  /** Default: false. A `put` with false lets a held row go. */
  readonly held?: boolean;
  /** What went wrong, when the row is there because of a failure: it counts as one attempt. */
  readonly problem?: { readonly code: ErrorCode; readonly message: string };
}

export type QueueOutcome =
  | { readonly path: string; readonly generation: number; readonly type: 'done' }
  | {
      readonly path: string;
      readonly generation: number;
      readonly type: 'again';
      readonly notBeforeMs: number;
      /** Count this attempt against the path. */
      readonly counts: boolean;
      readonly held?: boolean;
      readonly problem?: { readonly code: ErrorCode; readonly message: string };
    };

export interface QueueCounts {
  readonly total: number;
  readonly held: number;
  readonly problems: number;
  /** Of rows that are neither held nor a problem: the oldest `sinceMs`, or null. */
  readonly oldestMs: number | null;
}

/**
 * The durable queue. Every promise resolves after the change is committed. A process that dies loses no row: leases
 * live in memory only.
 */
export interface QueueStore {
  /**
   * Adds or refreshes rows: the generation grows, attempts and problem of a row that exists are kept until the next
   * outcome, `notBeforeMs` becomes the new one, `sinceMs` stays the older one.
   */
  put(rows: readonly QueuePut[]): Promise<void>;
  /**
   * Up to `limit` rows that are due and not held, oldest `notBeforeMs` first, for which `free` is true. They are not
   * marked: the caller keeps paths in work out with `free`.
   */
  due(nowMs: number, limit: number, free: (path: string) => boolean): Promise<QueueRow[]>;
  /** Applies outcomes; one whose generation is no longer the row's leaves the row as it is, due at once. */
  settle(outcomes: readonly QueueOutcome[]): Promise<void>;
  /** When the next row that is not held becomes due (may be in the past), or null. */
  nextDueMs(): Promise<number | null>;
  /** Lets all held rows go. Returns how many there were. */
  release(): Promise<number>;
  counts(): Promise<QueueCounts>;
  /** Rows with a problem, in order of paths, at most `limit`. */
  problems(limit: number): Promise<QueueRow[]>;
  /** Paths of held rows, in order, at most `limit`. */
  held(limit: number): Promise<string[]>;
}

/** What both sides were when they last agreed. */
export interface BaseStore {
  /** Rows below `under` (`''`: all), in the order of `comparePaths`, in batches, read while others write. */
  scan(under: string, signal?: AbortSignal): AsyncIterable<BaseRow[]>;
  get(paths: readonly string[]): Promise<(BasePair | null)[]>;
  /** Writes (`pair`) or drops (`null`) rows in one transaction. */
  commit(rows: readonly { readonly path: string; readonly pair: BasePair | null }[]): Promise<void>;
  /** Paths recorded with this local identity (for moves). */
  byInode(dev: number, ino: number): Promise<string[]>;
  /** Paths of files recorded with this size and time on the remote side (for moves), at most `limit`. */
  byRemoteRevision(size: number, mtimeMs: number, limit: number): Promise<string[]>;
  count(): Promise<number>;
}

/** A temp that exists or may exist on a side. */
export interface PartialRow {
  /** Path of the temp itself. */
  readonly temp: string;
  /** The path it is to become. */
  readonly path: string;
  readonly side: 'local' | 'remote';
  /** Which content it is the beginning of, and since when (text of core/resume.ts); `null`: it cannot be continued. */
  readonly fingerprint: string | null;
  /** Bytes acknowledged from the start. */
  readonly offset: number;
}

/** Temps on record: written before a temp is created, dropped after it is renamed or removed. */
export interface PartialStore {
  record(rows: readonly PartialRow[]): Promise<void>;
  /** Of a temp that is not on record: nothing. */
  progress(temp: string, fingerprint: string, offset: number): Promise<void>;
  forget(temps: readonly string[]): Promise<void>;
  all(): Promise<PartialRow[]>;
}

/** Small facts about the pair that survive a restart; values are JSON. */
export interface FactStore {
  get<T>(key: string): Promise<T | null>;
  set(key: string, value: unknown): Promise<void>;
}

export interface State {
  readonly base: BaseStore;
  readonly queue: QueueStore;
  readonly partials: PartialStore;
  readonly facts: FactStore;
  close(): Promise<void>;
}
