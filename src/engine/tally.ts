import type { BatchSummary } from './events.js';

const pathsShown = 10;

/** The numbers of one batch while it runs. */
export class Tally {
  transferred = 0;
  directories = 0;
  metadata = 0;
  deleted = 0;
  kept = 0;
  drifted = 0;
  skipped = 0;
  failed = 0;
  held = 0;
  bytesSent = 0;
  readonly paths: string[] = [];

  touch(path: string): void {
    if (this.paths.length < pathsShown) this.paths.push(path);
  }

  /** Whether there is anything to say about it. */
  get eventful(): boolean {
    return this.transferred + this.directories + this.metadata + this.deleted + this.failed + this.held > 0;
  }

  summary(cause: BatchSummary['cause'], durationMs: number): BatchSummary {
    return {
      cause,
      transferred: this.transferred,
      directories: this.directories,
      metadata: this.metadata,
      deleted: this.deleted,
      kept: this.kept,
      drifted: this.drifted,
      skipped: this.skipped,
      failed: this.failed,
      held: this.held,
      bytesSent: this.bytesSent,
      durationMs,
      paths: [...this.paths],
    };
  }
}
