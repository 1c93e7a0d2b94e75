import type { Hold } from '../core/guard.js';
import type { Clock } from '../ports.js';
import type { Problem, SyncResult } from './events.js';
import type { Tally } from './tally.js';

const summed = [
  'transferred',
  'skipped',
  'deleted',
  'moved',
  'conflicts',
  'bytesSent',
  'bytesReceived',
  'kept',
  'leftOut',
  'directories',
  'metadata',
] as const;

/** The sums over all batches of a run. */
export class Totals {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #sums = Object.fromEntries(summed.map((name) => [name, 0])) as Record<
    (typeof summed)[number],
    number
  >;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  add(tally: Tally): void {
    for (const name of summed) this.#sums[name] += tally[name];
  }

  result(problems: readonly Problem[], holds: readonly Hold[]): SyncResult {
    const failed = problems.filter(({ code }) => code !== 'conflict');
    const open = new Set(problems.filter(({ code }) => code === 'conflict').map(({ path }) => path));
    return {
      ...this.#sums,
      conflicts: this.#sums.conflicts + open.size,
      failed: new Set(failed.map(({ path }) => path)).size,
      durationMs: Math.round(this.#clock.now() - this.#startedMs),
      problems,
      holds,
    };
  }
}
