/** What an agent tells while it works. The only way from the engine to a screen, a log or a program. */
import type { Side } from '../core/entry.js';
import type { ErrorCode } from '../core/errors.js';
import type { Hold } from '../core/guard.js';
import type { Resolution } from '../core/policy.js';
import type { LinkState } from '../ports.js';

/** What a finished batch did. A batch is one scan or one group of settled changes. */
export interface BatchSummary {
  /** A scan of everything, or changes that were seen. */
  readonly cause: 'scan' | 'changes';
  /** Files and symlinks carried from one side to the other. */
  readonly transferred: number;
  /** Directories made. */
  readonly directories: number;
  /** Paths of which only mode or times were set. */
  readonly metadata: number;
  /** Paths deleted, on either side. */
  readonly deleted: number;
  /** Renamed instead of being sent or fetched: a folder with all that is in it is one. */
  readonly moved: number;
  /** Paths that exist on the destination only and stay, since deletions were not asked for. */
  readonly kept: number;
  /** Paths left alone for their size, or since a rule closes the way they would go. */
  readonly leftOut: number;
  /** Of the transferred: those that replaced something changed by others on the destination. */
  readonly drifted: number;
  /** Paths that were equal already. */
  readonly skipped: number;
  /** Paths that failed: each is told as a problem. */
  readonly failed: number;
  /** Deletions that the guard keeps back. */
  readonly held: number;
  /** Paths that both sides changed and of which one version was kept beside or overwritten, by policy. */
  readonly conflicts: number;
  /** Bytes of content that went to the server. */
  readonly bytesSent: number;
  /** Bytes of content that came from there. */
  readonly bytesReceived: number;
  /** From its begin to its end, ms. */
  readonly durationMs: number;
  /** The first few paths that were touched, for a line on a screen. */
  readonly paths: readonly string[];
}

/** One path that failed and will be tried again. */
export interface Problem {
  /** Relative to the roots. */
  readonly path: string;
  /** What went wrong: one of a closed list. */
  readonly code: ErrorCode;
  /** For a person: what happened, and what to do. */
  readonly message: string;
}

/** A failure of one path, as it is told. */
export function problemOf(path: string, { code, message }: Pick<Problem, 'code' | 'message'>): Problem {
  return { path, code, message };
}

/** One line of a plan (`--dry-run`). */
export interface PlannedAction {
  /** What would be done; `conflict`: what the policy says about one. */
  readonly action:
    | 'upload'
    | 'download'
    | 'make-directory'
    | 'set-metadata'
    | 'delete-local'
    | 'delete-remote'
    | 'move'
    | 'conflict';
  /** Relative to the roots; of a `move` the new name. */
  readonly path: string;
  /** Of a `move`: the old name. It takes the place of sending, and of the deletion of that name. */
  readonly from?: string;
  /** Bytes of content it would send. */
  readonly bytes: number;
  /** Why, in a few words for a person. */
  readonly reason: string;
}

/** What is about to be done. Each path is looked at once more right before. */
export interface PlanPart {
  /** One for each path. */
  readonly actions: readonly PlannedAction[];
  /** How many files have content to be carried. */
  readonly files: number;
  /** How many bytes that is. */
  readonly bytes: number;
}

/** A file that is carried from one side to the other. */
export interface FileTransferStart {
  /** Relative to the roots. */
  readonly path: string;
  /** `upload`: to the server; `download`: from there. */
  readonly action: 'upload' | 'download';
  /** Bytes of the whole file. */
  readonly size: number;
}

/** A file that was carried, or was not. */
export interface FileTransferEnd extends FileTransferStart {
  /** Whether it is over there; else why it is not is told as a problem, or it is tried again at once. */
  readonly ok: boolean;
}

/**
 * Both sides (or others, where only one side should) changed a path, and what became of it. One that waits for a person is told
 * once by a run, however often it is met, and once more when it was decided.
 */
export interface ConflictEvent {
  /** For a program. */
  readonly type: 'conflict';
  /** Relative to the roots. */
  readonly path: string;
  /** `drift`: others changed the side that only follows. */
  readonly cause: 'conflict' | 'drift';
  /**
   * `local`, `remote`: this side's version is on both sides now. `both`: the other version was kept beside, as `copy`.
   * `waiting`: a person is to decide; it is a problem with the code `conflict`, too.
   */
  readonly resolution: Resolution | 'waiting';
  /** The side whose version was kept beside or overwritten; `null`: both are left alone, and it waits. */
  readonly side: Side | null;
  /** What that version is called now; `null`: it is gone, or has its name still (`waiting`). */
  readonly copy: string | null;
}

/** Something worth saying once: skipped special files, kept directories, drift, a state set aside, … */
export interface NoticeEvent {
  /** For a program. */
  readonly type: 'notice';
  /** `warn`: somebody should look at it. */
  readonly level: 'info' | 'warn';
  /** What it is about, for a program. */
  readonly code: string;
  /** For a person. */
  readonly message: string;
  /** The path that it is about, relative to the roots. */
  readonly path?: string;
  /** The side that it is about. */
  readonly side?: Side;
}

/** Everything that a run tells, by `type`. */
export type AgentEvent =
  /** The link to the server changed state. */
  | { readonly type: 'link'; readonly state: LinkState }
  /** A scan begins, for this reason. */
  | { readonly type: 'scan-start'; readonly cause: string }
  /** So many paths were compared, and so many of them have work that is not done yet. */
  | { readonly type: 'scan-progress'; readonly entries: number; readonly pending: number }
  /** Files that a scan found and will send; more may follow until `scan-listed`. */
  | {
      readonly type: 'scan-found';
      readonly files: readonly { readonly path: string; readonly size: number }[];
    }
  /** A scan has seen everything; what it found is still being sent. */
  | { readonly type: 'scan-listed'; readonly entries: number }
  /** What a scan found is dealt with. */
  | { readonly type: 'scan-end'; readonly entries: number; readonly durationMs: number }
  /** Changes are seen from here on; the first scan is still to come. */
  | { readonly type: 'watcher-ready' }
  /** The watcher is ready and the first scan is done: from here on changes follow in a moment. */
  | { readonly type: 'watching' }
  /** What a run would do, one by one. */
  | { readonly type: 'planned'; readonly action: PlannedAction }
  /** What is about to be done; large batches come in several parts. */
  | ({ readonly type: 'plan' } & PlanPart)
  /** A file begins to be carried. */
  | ({ readonly type: 'transfer-start' } & FileTransferStart)
  /** So many bytes of it are over there. */
  | ({ readonly type: 'transfer-progress'; readonly bytes: number } & FileTransferStart)
  /** It is over there, or is not. */
  | ({ readonly type: 'transfer-end' } & FileTransferEnd)
  /** Both sides (or others, where only one side should) changed a path. */
  | ConflictEvent
  /** A scan, or a group of settled changes, was dealt with. */
  | { readonly type: 'batch'; readonly summary: BatchSummary }
  /** A path failed, and is tried again later; or it waits for a person. */
  | { readonly type: 'problem'; readonly problem: Problem }
  /** A path that had a problem has none any more. */
  | { readonly type: 'solved'; readonly path: string }
  /** The holds in force changed; an empty list: none any more. */
  | { readonly type: 'holds'; readonly holds: readonly Hold[] }
  /** Something worth saying once: skipped special files, kept directories, drift, a state set aside, … */
  | NoticeEvent;

/** Hears everything that a run tells. */
export type AgentListener = (event: AgentEvent) => void;

/** How a one-shot run ended: the object of `--json`. */
export interface SyncResult {
  /** Files and symlinks carried from one side to the other. */
  readonly transferred: number;
  /** Paths that were equal already. */
  readonly skipped: number;
  /** Paths deleted, on either side. */
  readonly deleted: number;
  /** Paths that both sides changed: settled by policy, or (as problems) waiting for a person. */
  readonly conflicts: number;
  /** Paths that failed: each is in `problems`. */
  readonly failed: number;
  /** Bytes of content that went to the server. */
  readonly bytesSent: number;
  /** Bytes of content that came from there. */
  readonly bytesReceived: number;
  /** From its begin to its end, ms. */
  readonly durationMs: number;
  /** Paths that failed or wait for a person, at most 1,000. */
  readonly problems: readonly Problem[];
  /** Renamed instead of being sent or fetched. */
  readonly moved: number;
  /** Paths left on the destination that the source lacks. */
  readonly kept: number;
  /** Paths left alone for their size, or since a rule closes the way they would go. */
  readonly leftOut: number;
  /** Directories made. */
  readonly directories: number;
  /** Paths of which only mode or times were set. */
  readonly metadata: number;
  /** What kept deletions back; exit code 5 when there is any. */
  readonly holds: readonly Hold[];
}
