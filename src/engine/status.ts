import type { Hold } from '../core/guard.js';
import type { Resolution } from '../core/policy.js';
import type { LinkState } from '../ports.js';
import type { Problem, SyncResult } from './events.js';

/** What an agent is doing, in one word. */
export type AgentState = 'starting' | 'scanning' | 'watching' | 'paused' | 'waiting' | 'halted' | 'stopped';

/** The state of an agent at one moment, as `towline status --json` shows it. Times are ms since 1970. */
export interface AgentStatus {
  readonly pid: number;
  /** The two sides, for people. */
  readonly local: string;
  readonly remote: string;
  readonly mode: string;
  readonly state: AgentState;
  readonly startedMs: number;
  readonly link: {
    readonly state: LinkState['name'];
    readonly epoch: number | null;
    readonly error: string | null;
  };
  /** Age of the oldest change that is not on the other side yet, ms; 0 when there is none. */
  readonly lagMs: number;
  readonly queue: {
    readonly total: number;
    readonly held: number;
    readonly problems: number;
    /** Seen, not settled yet. */
    readonly settling: number;
    /** Paths being worked on. */
    readonly inFlight: number;
  };
  /** What is being sent just now. */
  readonly transfers: readonly { readonly path: string; readonly size: number; readonly bytes: number }[];
  readonly problems: readonly Problem[];
  readonly holds: readonly Hold[];
  readonly lastScan: {
    readonly endedMs: number;
    readonly durationMs: number;
    readonly entries: number;
  } | null;
  /** KiB/s, or null: no limit. */
  readonly bwlimit: number | null;
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
  /** @param options `allowDeletes`: what the guard holds back may go now */
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
