import type { Clock } from '../../src/ports.js';

/** A clock that moves only when it is told to. */
export class ManualClock implements Clock {
  #nowMs = 1_700_000_000_000;
  /** How far the wall clock jumped. */
  #jumpedMs = 0;
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#jumpedMs;
  }

  timer(ms: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  random(): number {
    return 0.5;
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves on, calling back each timer at its time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((one) => one.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.callback();
    }
    this.#nowMs = endMs;
  }

  /** The wall clock moves, the timers do not: a suspended machine, or a clock that was set. */
  jump(ms: number): void {
    this.#nowMs += ms;
    this.#jumpedMs += ms;
    const timers = [...this.#timers];
    this.#timers.clear();
    for (const one of timers) this.#timers.add({ ...one, dueMs: one.dueMs + ms });
  }

  /** The process stands still: time passes, and the timers that were due meanwhile are called back late. */
  stall(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }
}
