import type { BasePair } from '../core/entry.js';
import type { Clock } from '../ports.js';
import type { State } from '../ports-state.js';

const rowsMax = 512;
/** Long enough for a stream of small files to share a transaction, short enough to be no wait for a single one. */
const gatherMs = 5;

/**
 * Writes what was agreed to the base, many paths in one transaction. Temps that became files (or are gone) leave the
 * record in the same flush, after the base rows: a crash in between finds a temp on record that no longer exists.
 */
export class Ledger {
  readonly #state: State;
  readonly #clock: Clock;
  #rows = new Map<string, BasePair | null>();
  #temps: string[] = [];
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #cancelTimer: (() => void) | null = null;
  #flushing: Promise<void> = Promise.resolve();

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  /** Resolves once the base holds `pair` for `path` (`null`: holds nothing). Of two calls for a path the later wins. */
  commit(path: string, pair: BasePair | null): Promise<void> {
    this.#rows.set(path, pair);
    return this.#wait();
  }

  /** The temp no longer exists: it leaves the record with the next flush. */
  tempGone(name: string): Promise<void> {
    this.#temps.push(name);
    return this.#wait();
  }

  /** Writes all that waits. */
  async flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#flushing = this.#flushing.then(() => this.#write());
    await this.#flushing;
  }

  #wait(): Promise<void> {
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#rows.size + this.#temps.length >= rowsMax) void this.flush();
    else this.#cancelTimer ??= this.#clock.timer(gatherMs, () => void this.flush());
    return written;
  }

  /** Never rejects: who waits for a row learns of the failure. */
  async #write(): Promise<void> {
    const rows = [...this.#rows].map(([path, pair]) => ({ path, pair }));
    const temps = this.#temps;
    const waiting = this.#waiting;
    this.#rows = new Map();
    this.#temps = [];
    this.#waiting = [];
    try {
      if (rows.length > 0) await this.#state.base.commit(rows);
      if (temps.length > 0) await this.#state.partials.forget(temps);
      for (const { resolve } of waiting) resolve();
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}

/** Writes nothing: for a plan, which keeps not even what it learned. */
export const noLedger: Pick<Ledger, 'commit' | 'tempGone' | 'flush'> = {
  commit: () => Promise.resolve(),
  tempGone: () => Promise.resolve(),
  flush: () => Promise.resolve(),
};
