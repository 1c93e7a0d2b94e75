import { endsAll, retryClassOf, type TowlineError } from '../core/errors.js';
import { retryAfter } from '../core/retry.js';
import type { QueueOutcome, QueuePut, QueueRow } from '../ports-state.js';
import type { Context } from './context.js';
import { type Problem, problemOf } from './events.js';
import { conflictsMax } from './resolutions.js';

/** A file that went on growing is looked at again after this. */
const dirtyMs = 1_000;
/** A path that was looked at again this often in a row without success never holds still: a problem like others. */
const streakMax = 8;
const streaksMax = 10_000;
const problemsMax = 1_000;

/**
 * What the queue is told after a path failed, and what people are told of it. Failures that stop everything (bad
 * credentials, a changed host key, a state that cannot be written) go to `fatal` instead.
 */
export class Attention {
  readonly #context: Context;
  readonly #fatal: (error: TowlineError) => void;
  /** How often in a row a path was looked at again without success: those attempts are not counted in the queue. */
  readonly #streaks = new Map<string, number>();

  readonly #problems = new Map<string, Problem>();
  /** Conflicts that wait for a person, of which was told. */
  readonly #conflicts = new Set<string>();

  constructor(context: Context, fatal: (error: TowlineError) => void) {
    this.#context = context;
    this.#fatal = fatal;
  }

  /** Paths that failed in this run and have not succeeded since; at most a thousand. */
  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  /** Whether it was told that the path is in conflict and waits for a person. */
  waits(path: string): boolean {
    return this.#conflicts.has(path);
  }

  /** The row for a path that a scan could not finish. */
  rowAfterFailure(path: string, error: TowlineError): QueuePut {
    const { delayMs, problem } = this.#classify(path, error, 0);
    const now = this.#context.clock.now();
    return {
      path,
      cause: 'retry',
      sinceMs: now,
      notBeforeMs: now + delayMs,
      ...(problem ? { problem: { code: error.code, message: error.message } } : {}),
    };
  }

  /** The row for a path whose source moved on while it was sent, or that others work on. */
  rowAgain(path: string, dirty: boolean): QueuePut {
    const now = this.#context.clock.now();
    return { path, cause: 'retry', sinceMs: now, notBeforeMs: now + (dirty ? dirtyMs : 0) };
  }

  /** What becomes of a leased row that succeeded. */
  outcomeOfSuccess(row: QueueRow, dirty: boolean): QueueOutcome {
    const { path, generation } = row;
    this.#streaks.delete(path);
    this.#problems.delete(path);
    if (!dirty) this.#conflicts.delete(path);
    if (!dirty) this.#context.temps.settled(path);
    if (row.problem !== null) this.#context.emit({ type: 'solved', path });
    if (!dirty) return { path, generation, type: 'done' };
    return {
      path,
      generation,
      type: 'again',
      notBeforeMs: this.#context.clock.now() + dirtyMs,
      counts: false,
    };
  }

  /** What becomes of a leased row that failed. */
  outcomeOfFailure(row: QueueRow, error: TowlineError): QueueOutcome {
    const { path, generation } = row;
    const { delayMs, counts, problem } = this.#classify(path, error, row.attempts);
    return {
      path,
      generation,
      type: 'again',
      notBeforeMs: this.#context.clock.now() + delayMs,
      counts,
      ...(problem ? { problem: { code: error.code, message: error.message } } : {}),
    };
  }

  #classify(path: string, error: TowlineError, attempts: number): ReturnType<typeof retryAfter> {
    const { clock, log } = this.#context;
    const retryClass = retryClassOf(error.code);
    if (endsAll(error.code)) this.#fatal(error);
    const streak = this.#streaks.get(path) ?? 0;
    const retry =
      retryClass === 'observe' && streak >= streakMax
        ? retryAfter('changing', attempts, clock.random())
        : retryAfter(error.code, retryClass === 'observe' ? streak : attempts, clock.random());
    if (retryClass === 'observe') {
      if (this.#streaks.size >= streaksMax) this.#streaks.clear();
      this.#streaks.set(path, streak + 1);
    }
    if (retry.problem) this.#tell(problemOf(path, error));
    log.debug('path failed', { path, code: error.code, message: error.message, retryInMs: retry.delayMs });
    return retry;
  }

  /** Says once that a conflict waits, whatever its problem says from then on, until its path is settled. */
  #tellConflict(path: string): void {
    if (this.#conflicts.has(path)) return;
    if (this.#conflicts.size < conflictsMax) this.#conflicts.add(path);
    this.#context.emit({
      type: 'conflict',
      path,
      cause: 'conflict',
      resolution: 'waiting',
      side: null,
      copy: null,
    });
  }

  /** Says a problem once, and again only when it is another one. */
  #tell(problem: Problem): void {
    if (problem.code === 'conflict') this.#tellConflict(problem.path);
    const before = this.#problems.get(problem.path);
    if (before?.message === problem.message) return;
    if (before !== undefined || this.#problems.size < problemsMax) this.#problems.set(problem.path, problem);
    this.#context.emit({ type: 'problem', problem });
  }
}
