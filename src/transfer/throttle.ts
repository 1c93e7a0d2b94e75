/**
 * Bounds the content of all transfers together. Our own, since no current library (limiter 4, p-throttle 8) can change
 * its rate while somebody waits, give up a wait, or run on a clock that is passed in.
 */
import { TowlineError } from '../core/errors.js';
import type { Clock } from '../ports.js';

/** One piece is at most what the rate allows in this time, so that a slow rate flows instead of coming in bursts. */
const pieceMs = 125;
/** What was not used may be caught up on for this long: timers come late. */
const creditMs = 125;

/** A rate that several transfers share. */
export interface Throttle {
  /** KiB/s; `null`: no limit. */
  readonly kibPerSecond: number | null;
  /**
   * Changes the rate for all, those that wait included.
   * @param kibPerSecond above 0; `null`: no limit
   * @throws `configuration` when it is neither
   */
  set(kibPerSecond: number | null): void;
  /**
   * Waits for its turn: first come, first served, one piece each. Over any second or more no more is handed out than the
   * rate allows in that time and a quarter of a second.
   * @param bytes what is to be sent
   * @returns how much of it may be sent now: all without a limit, else one piece (at least one byte)
   * @throws the signal's reason when it is aborted
   */
  take(bytes: number, signal: AbortSignal): Promise<number>;
}

export interface ThrottleOptions {
  readonly clock: Clock;
  /** Default: no limit. */
  readonly kibPerSecond?: number | null;
}

/** A throttle at this rate. */
export function createThrottle({ clock, kibPerSecond = null }: ThrottleOptions): Throttle {
  return new FairThrottle(clock, kibPerSecond);
}

interface Waiter {
  readonly bytes: number;
  readonly grant: (bytes: number) => void;
}

class FairThrottle implements Throttle {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #waiters = new Set<Waiter>();
  #kibPerSecond: number | null;
  /** When what was handed out so far has been paid for. */
  #paidMs = -Infinity;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock, kibPerSecond: number | null) {
    this.#clock = clock;
    this.#kibPerSecond = checked(kibPerSecond);
  }

  get kibPerSecond(): number | null {
    return this.#kibPerSecond;
  }

  set(kibPerSecond: number | null): void {
    this.#kibPerSecond = checked(kibPerSecond);
    this.#serve();
  }

  async take(bytes: number, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (this.#kibPerSecond === null || bytes === 0) return bytes;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const waiter: Waiter = { bytes, grant: resolve };
    const abort = () => {
      this.#waiters.delete(waiter);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#waiters.add(waiter);
    this.#serve();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Hands out what is due, and sets the timer for the next one who waits. */
  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (const waiter of this.#waiters) {
      const waitMs = this.#waitMs();
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.timer(Math.ceil(waitMs), () => this.#serve());
        return;
      }
      this.#waiters.delete(waiter);
      waiter.grant(this.#handOut(waiter.bytes));
    }
  }

  #waitMs(): number {
    if (this.#kibPerSecond === null) return 0;
    const now = this.#clock.now();
    // More than one piece is never owed: if it looks so, the clock was set back.
    this.#paidMs = Math.min(Math.max(this.#paidMs, now - creditMs), now + pieceMs);
    return this.#paidMs - now;
  }

  #handOut(wanted: number): number {
    if (this.#kibPerSecond === null) return wanted;
    const bytesPerMs = (this.#kibPerSecond * 1024) / 1000;
    const bytes = Math.min(wanted, Math.max(1, Math.floor(bytesPerMs * pieceMs)));
    this.#paidMs += bytes / bytesPerMs;
    return bytes;
  }
}

function checked(kibPerSecond: number | null): number | null {
  if (kibPerSecond === null || (Number.isFinite(kibPerSecond) && kibPerSecond > 0)) return kibPerSecond;
  throw new TowlineError('configuration', `a rate of ${String(kibPerSecond)} KiB/s is none`, {
    hint: 'It must be above 0; without a limit there is no rate',
  });
}
