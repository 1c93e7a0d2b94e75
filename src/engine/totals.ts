import type { Hold } from '../core/guard.js';
import type { Clock } from '../ports.js';
import type { Problem, SyncResult } from './events.js';
import type { Tally } from './tally.js';

/** The sums over all batches of a run. */
export class Totals {
  readonly #clock: Clock;
  readonly #startedMs: number;
  #transferred = 0;
  #skipped = 0;
  #deleted = 0;
  #moved = 0;
  #conflicts = 0;
  #bytesSent = 0;
  #bytesReceived = 0;
  #kept = 0;
  #leftOut = 0;
  #directories = 0;
  #metadata = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  add(tally: Tally): void {
    this.#transferred += tally.transferred;
    this.#skipped += tally.skipped;
    this.#deleted += tally.deleted;
    this.#moved += tally.moved;
    this.#conflicts += tally.conflicts;
    this.#bytesSent += tally.bytesSent;
    this.#bytesReceived += tally.bytesReceived;
    this.#kept += tally.kept;
    this.#leftOut += tally.leftOut;
    this.#directories += tally.directories;
    this.#metadata += tally.metadata;
  }

  result(problems: readonly Problem[], holds: readonly Hold[]): SyncResult {
    const failed = problems.filter(({ code }) => code !== 'conflict');
    const open = new Set(problems.filter(({ code }) => code === 'conflict').map(({ path }) => path));
    return {
      transferred: this.#transferred,
      skipped: this.#skipped,
      deleted: this.#deleted,
      conflicts: this.#conflicts + open.size,
      failed: new Set(failed.map(({ path }) => path)).size,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      durationMs: Math.round(this.#clock.now() - this.#startedMs),
      problems,
      moved: this.#moved,
      kept: this.#kept,
      leftOut: this.#leftOut,
      directories: this.#directories,
      metadata: this.#metadata,
      holds,
    };
  }
}
