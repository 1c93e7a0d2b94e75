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
  #bytesSent = 0;
  #kept = 0;
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
    this.#bytesSent += tally.bytesSent;
    this.#kept += tally.kept;
    this.#directories += tally.directories;
    this.#metadata += tally.metadata;
  }

  result(problems: readonly Problem[], holds: readonly Hold[]): SyncResult {
    return {
      transferred: this.#transferred,
      skipped: this.#skipped,
      deleted: this.#deleted,
      conflicts: 0,
      failed: new Set(problems.map(({ path }) => path)).size,
      bytesSent: this.#bytesSent,
      bytesReceived: 0,
      durationMs: Math.round(this.#clock.now() - this.#startedMs),
      problems,
      kept: this.#kept,
      directories: this.#directories,
      metadata: this.#metadata,
      holds,
    };
  }
}
