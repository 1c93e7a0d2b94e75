import type { Hold } from '../core/guard.js';
import type { Resolution } from '../core/policy.js';
import type { LinkState } from '../ports.js';
import type { Problem, SyncResult } from './events.js';

/** What an agent is doing, in one word. */
export type AgentState = 'starting' | 'scanning' | 'watching' | 'paused' | 'waiting' | 'halted' | 'stopped';

/** The state of an agent at one moment, as `towline status --json` shows it. Times are ms since 1970. */
export interface AgentStatus {
  /** Of the process it runs in. */
  readonly pid: number;
  /** The local folder, for people. */
  readonly local: string;
  /** The remote folder, for people. */
  readonly remote: string;
  /** The mode it runs in. */
  readonly mode: string;
  /** What it is doing. */
  readonly state: AgentState;
  /** When it started. */
  readonly startedMs: number;
  /** The connection. */
  readonly link: {
    /** Whether there is one. */
    readonly state: LinkState['name'];
    /** How many there were, this one included; `null` without one. */
    readonly epoch: number | null;
    /** Why there is none, for people. */
    readonly error: string | null;
  };
  /** Age of the oldest change that is not on the other side yet, ms; 0 when there is none. */
  readonly lagMs: number;
  /** Paths that need attention. */
  readonly queue: {
    /** All of them. */
    readonly total: number;
    /** Those that the guard keeps back. */
    readonly held: number;
    /** Those that failed. */
    readonly problems: number;
    /** Seen, not settled yet. */
    readonly settling: number;
    /** Paths being worked on. */
    readonly inFlight: number;
  };
  /** What is being sent just now. */
  readonly transfers: readonly {
    /** Relative to the roots. */
    readonly path: string;
    /** Bytes of the whole file. */
    readonly size: number;
    /** Bytes that are over there. */
    readonly bytes: number;
  }[];
  /** Paths that failed, or wait for a person: the first of them. */
  readonly problems: readonly Problem[];
  /** What keeps deletions back. */
  readonly holds: readonly Hold[];
  /** The last scan of everything; `null`: there was none yet. */
  readonly lastScan: {
    /** When it ended. */
    readonly endedMs: number;
    /** How long it took, ms. */
    readonly durationMs: number;
    /** Paths that it compared. */
    readonly entries: number;
  } | null;
  /** KiB/s, or null: no limit. */
  readonly bwlimit: number | null;
  /** What was done since it started. */
  readonly totals: SyncResult;
}

/** What can be asked of a running agent from outside. */
export interface AgentControl {
  /** What it is doing just now. */
  readonly state: AgentState;
  /** Calls back whenever that, or the link, changes, until the returned function is called. */
  onState(listener: (state: AgentState, link: LinkState) => void): () => void;
  /** All that is known of it at this moment. */
  status(): Promise<AgentStatus>;
  /** Nothing is sent or deleted until `resume`; changes are still noted. */
  pause(): void;
  /**
   * Goes on after `pause`.
   * @param options `allowDeletes`: what the guard holds back may go now
   */
  resume(options?: { readonly allowDeletes?: boolean }): Promise<void>;
  /** Resolves when every change made before the call is on the other side (or is a problem, or is held). */
  flush(): Promise<void>;
  /** Compares everything now; resolves when that is done. */
  rescan(): Promise<void>;
  /**
   * Settles a conflict that waits for a person; resolves when the path was looked at again.
   * @throws `not-found` when the path has none
   */
  resolve(path: string, keep: Resolution): Promise<void>;
  /** Bounds all transfers together: KiB/s, `null` for no limit. */
  limit(kibPerSecond: number | null): void;
}
