import type { BatchSummary } from './events.js';

const pathsShown = 10;
/** Paths remembered for who wants to know what changed. */
export const changedPathsMax = 10_000;

/** What a batch changed on the other side. A directory that went with all below it is one path. */
export interface Changed {
  readonly paths: readonly string[];
  /** How many more there were. */
  readonly omitted: number;
}

/** The numbers of one batch while it runs. */
export class Tally {
  transferred = 0;
  directories = 0;
  metadata = 0;
  deleted = 0;
  moved = 0;
  kept = 0;
  drifted = 0;
  leftOut = 0;
  skipped = 0;
  failed = 0;
  held = 0;
  conflicts = 0;
  bytesSent = 0;
  bytesReceived = 0;
  readonly paths: string[] = [];
  omitted = 0;

  touch(path: string): void {
    if (this.paths.length < changedPathsMax) this.paths.push(path);
    else this.omitted++;
  }

  /** Everything is looked at once more: what was done stays counted, what was only seen is seen again. */
  lookAgain(): void {
    this.kept = 0;
    this.leftOut = 0;
    this.skipped = 0;
    this.failed = 0;
    this.held = 0;
  }

  /** Whether there is anything to say about it. */
  get eventful(): boolean {
    return (
      this.transferred +
        this.moved +
        this.directories +
        this.metadata +
        this.deleted +
        this.failed +
        this.held +
        this.conflicts >
      0
    );
  }

  summary(cause: BatchSummary['cause'], durationMs: number): BatchSummary {
    return {
      cause,
      transferred: this.transferred,
      directories: this.directories,
      metadata: this.metadata,
      deleted: this.deleted,
      moved: this.moved,
      kept: this.kept,
      drifted: this.drifted,
      leftOut: this.leftOut,
      skipped: this.skipped,
      failed: this.failed,
      held: this.held,
      conflicts: this.conflicts,
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      durationMs,
      paths: this.paths.slice(0, pathsShown),
    };
  }
}
