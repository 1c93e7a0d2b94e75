import { asTowlineError, endsAll, TowlineError } from '../core/errors.js';
import type { QueueRow } from '../ports-state.js';
import type { Attention } from './attention.js';
import { changesPass } from './changes-pass.js';
import type { Holder } from './claims.js';
import type { Context } from './context.js';
import type { Guardian } from './guardian.js';
import type { Scanner } from './scanner.js';
import { Tally } from './tally.js';

const rowsMax = 512;
/** Batches at once: a large file in one does not keep the next save waiting. */
const batchesMax = 4;
/** Due rows that others stand in the way of are looked at again after this. */
const blockedMs = 100;

export interface RunnerParts {
  readonly context: Context;
  readonly guardian: Guardian;
  readonly attention: Attention;
  readonly scanner: Scanner;
  readonly onBatch: (tally: Tally) => void;
  /** The state itself fails: nothing can go on. */
  readonly onFailure: (error: unknown) => void;
}

/** Takes due rows from the queue, batch by batch, while there is a link. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #running = new Set<Promise<void>>();
  #stopped = false;
  #paused = false;
  #pumping = false;
  #again = false;
  #cancelTimer: (() => void) | null = null;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** There may be something to do. */
  kick(): void {
    if (this.#stopped) return;
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    this.#pump().catch((error: unknown) => {
      this.#pumping = false;
      this.#parts.onFailure(error);
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Nothing new is begun until `resume`. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.kick();
  }

  /** Resolves when every row was dealt with, but for those that are held or wait after a failure of their own. */
  drained(): Promise<void> {
    if (this.#stopped) return Promise.reject(new TowlineError('interrupted', 'stopped'));
    const drained = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.kick();
    return drained;
  }

  /** Gives up waiting. */
  fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** Begins nothing new; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelTimer?.();
    this.fail(new TowlineError('interrupted', 'stopped'));
    await Promise.all(this.#running);
  }

  async #pump(): Promise<void> {
    do {
      while (this.#mayBegin() && (await this.#begin()));
    } while (this.#takeAgain());
    await this.#scheduleNext();
    if (this.#waiting.length > 0 && (await this.#isDrained())) {
      for (const { resolve } of this.#waiting.splice(0)) resolve();
    }
    this.#pumping = false;
    // A kick that came while the last lines awaited must not be lost.
    if (this.#takeAgain()) this.kick();
  }

  /** Whether somebody kicked since the last look. */
  #takeAgain(): boolean {
    const again = this.#again;
    this.#again = false;
    return again;
  }

  #mayBegin(): boolean {
    return (
      !this.#stopped &&
      !this.#paused &&
      !this.#parts.context.stopSignal.aborted &&
      this.#running.size < batchesMax &&
      this.#parts.context.link.state.name === 'ready'
    );
  }

  async #begin(): Promise<boolean> {
    const { claims, state, clock } = this.#parts.context;
    const rows = await state.queue.due(clock.now(), rowsMax, (path) => claims.free(path));
    const holder: Holder = {};
    const mine = rows.filter(({ path }) => claims.claim(path, holder));
    if (mine.length === 0) return false;
    const run: Promise<void> = this.#run(mine, holder).finally(() => {
      this.#running.delete(run);
      this.kick();
    });
    this.#running.add(run);
    return true;
  }

  async #run(rows: readonly QueueRow[], holder: Holder): Promise<void> {
    const { context, guardian, attention, scanner, onBatch, onFailure } = this.#parts;
    const { clock, claims, emit } = context;
    const tally = new Tally();
    const startedMs = clock.now();
    try {
      await changesPass({
        context,
        guardian,
        attention,
        rows,
        holder,
        tally,
        scanBelow: (path, by, into) => scanner.scanBelow(path, by, into),
      });
      await this.#sweepLeft();
    } catch (error) {
      onFailure(asTowlineError(error));
    } finally {
      for (const { path } of rows) claims.release(path, holder);
    }
    onBatch(tally);
    if (tally.eventful || tally.kept > 0) {
      emit({ type: 'batch', summary: tally.summary('changes', clock.now() - startedMs) });
    }
  }

  /** What keeps a temp from being removed now is met again by the next batch, or has passed by then. */
  async #sweepLeft(): Promise<void> {
    const { temps, remote, log } = this.#parts.context;
    try {
      await temps.sweepLeft(remote);
    } catch (thrown) {
      const error = asTowlineError(thrown);
      if (endsAll(error.code) || error.code === 'internal') throw error;
      log.warn('what an interrupted transfer left is removed later', { error: error.message });
    }
  }

  async #scheduleNext(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const { state, clock } = this.#parts.context;
    const nextMs = await state.queue.nextDueMs();
    if (nextMs === null || this.#stopped) return;
    const waitMs = nextMs - clock.now();
    if (waitMs <= 0 && !this.#mayBegin()) return;
    this.#cancelTimer = clock.timer(waitMs > 0 ? waitMs : blockedMs, () => this.kick());
  }

  async #isDrained(): Promise<boolean> {
    if (this.#running.size > 0) return false;
    const { state, clock } = this.#parts.context;
    const nextMs = await state.queue.nextDueMs();
    if (nextMs === null) return true;
    const { total, held, problems } = await state.queue.counts();
    return nextMs > clock.now() && total - held - problems <= 0;
  }
}
