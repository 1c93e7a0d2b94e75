import type { Clock } from '../../src/ports.js';
import type { Life } from './life.js';
import type { Random } from './random.js';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/** One turn of the event loop: every promise that can go on has gone on when this resolves. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that passes only when nothing else can happen: no seed waits for a real second. */
export class VirtualClock {
  #nowMs = 1_700_000_000_000;
  #order = 0;
  /** A binary heap: the earliest is at the top. */
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#nowMs;
  }

  /** Calls back once after `ms`, unless the returned function is called first. */
  timer(ms: number, callback: () => void): () => void {
    const timer = {
      dueMs: this.#nowMs + Math.max(0, ms),
      order: this.#order++,
      callback,
      cancelled: false,
    };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** Resolves after `ms`. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.timer(ms, resolve));
  }

  /** Time passes in which no process does anything: timers are called back late. */
  standStill(ms: number): void {
    this.#nowMs += ms;
  }

  /** The clock as a process that may die sees it: its timers go with it. */
  of(life: Life, random: Random): Clock {
    return {
      now: () => this.#nowMs,
      monotonic: () => this.#nowMs,
      timer: (ms, callback) => this.timer(ms, () => life.alive && callback()),
      random: () => random.next(),
    };
  }

  /** Lets time pass, timer by timer, for `ms` at most or until `done`. Says whether it was done. */
  async run(ms: number, done: () => boolean = () => false): Promise<boolean> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await turn();
      if (done()) return true;
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#pop();
      if (next.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
    return done();
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (isBefore(heap[above]!, timer)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      if (isBefore(last, heap[below]!)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}
