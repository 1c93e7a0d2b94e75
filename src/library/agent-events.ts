/** The events of an agent of the library, by name. */
import type { Hold } from '../core/guard.js';
import type {
  BatchSummary,
  ConflictEvent,
  FileTransferEnd,
  NoticeEvent,
  PlanPart,
  Problem,
} from '../engine/events.js';
import type { FileProgress, TotalProgress } from '../engine/progress.js';
import type { AgentState } from '../engine/status.js';
import type { LinkState } from '../ports.js';

/** A step of a file that is carried. */
export interface TransferEvent extends FileProgress {
  /** All files since the agent last had nothing to do. */
  readonly total: TotalProgress;
}

/** A file was carried, or was not. */
export interface TransferEndEvent extends TransferEvent, Pick<FileTransferEnd, 'ok'> {}

/** The agent or its link came into another state. */
export interface StateEvent {
  /** What the agent does now. */
  readonly state: AgentState;
  /** How its link is now. */
  readonly link: LinkState;
}

/** A path that had a problem has none any more. */
export interface SolvedEvent {
  /** Relative to the roots. */
  readonly path: string;
}

/** What a listener of each name is given. */
export interface AgentEvents {
  /** What is about to be done. A large batch is told in several parts, while the first ones are carried out. */
  readonly plan: PlanPart;
  /** A file begins to be carried. */
  readonly 'transfer-start': TransferEvent;
  /** A piece of it arrived. */
  readonly 'transfer-progress': TransferEvent;
  /** It is over there, or is not: then it is told as a problem, or tried again at once. */
  readonly 'transfer-end': TransferEndEvent;
  /** A scan, or a group of settled changes, was dealt with. */
  readonly batch: BatchSummary;
  /**
   * Both sides changed a path: `resolution` says how that was settled, by policy or as a person decided, or that it waits for
   * one. The latter is told once, and is a `problem` with the code `conflict`, too.
   */
  readonly conflict: ConflictEvent;
  /** A path failed, and is tried again later; or it waits for a person. */
  readonly problem: Problem;
  /** A path that had a problem has none any more. */
  readonly solved: SolvedEvent;
  /** The guard holds deletions back, for these reasons; none: not any more. */
  readonly holds: readonly Hold[];
  /** Something worth saying once. */
  readonly notice: NoticeEvent;
  /** The agent, or its link, came into another state. */
  readonly state: StateEvent;
}
