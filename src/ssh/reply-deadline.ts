import type { Clock } from '../ports.js';

export interface ReplyDeadlineOptions {
  readonly clock: Clock;
  /** Longest silence while something is asked for, ms. */
  readonly limitMs: number;
  /** The same while a request is under way that may take the server long (fsync, close). */
  readonly slowLimitMs: number;
  /** Called once, with the length of the silence. */
  readonly expired: (silentMs: number) => void;
}

/** A timer this late means that the process slept or was blocked: what was silent then was us, not the server. */
const lateMs = 5000;

/**
 * Notices that a channel answers no more. Time runs from its last reply, not from sending: requests are answered in
 * order, so as long as replies come all those behind are alive too. One timer, whatever the number of requests.
 */
export class ReplyDeadline {
  readonly #options: ReplyDeadlineOptions;
  #underWay = 0;
  #slow = 0;
  /** The last sign of life, or the moment from which one is owed. */
  #sinceMs: number;
  #lastReplyMs: number;
  #replies = 0;
  #cancel: (() => void) | null = null;
  #stopped = false;

  constructor(options: ReplyDeadlineOptions) {
    this.#options = options;
    this.#sinceMs = this.#lastReplyMs = options.clock.now();
  }

  /** When the last reply came (or the channel was opened), ms since 1970. */
  get lastReplyMs(): number {
    return this.#lastReplyMs;
  }

  /** How many replies came so far. */
  get replies(): number {
    return this.#replies;
  }

  get underWay(): number {
    return this.#underWay;
  }

  sent(slow: boolean): void {
    if (slow) this.#slow++;
    if (this.#underWay++ > 0) return;
    this.#sinceMs = this.#options.clock.now();
    if (this.#cancel === null) this.#arm(this.#options.limitMs);
  }

  replied(slow: boolean): void {
    if (slow) this.#slow--;
    this.#underWay--;
    this.#replies++;
    this.#sinceMs = this.#lastReplyMs = this.#options.clock.now();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(ms: number): void {
    if (this.#stopped) return;
    const dueMs = this.#options.clock.now() + ms;
    this.#cancel = this.#options.clock.timer(ms, () => this.#look(dueMs));
  }

  #look(dueMs: number): void {
    this.#cancel = null;
    if (this.#underWay === 0) return;
    const { clock, limitMs, slowLimitMs, expired } = this.#options;
    const nowMs = clock.now();
    // A clock that was set back would otherwise put the end off for as long.
    if (nowMs > dueMs + lateMs || nowMs < this.#sinceMs) this.#sinceMs = nowMs;
    const leftMs = this.#sinceMs + (this.#slow > 0 ? slowLimitMs : limitMs) - nowMs;
    if (leftMs > 0) {
      // The slow one may be answered and the rest fall silent: look again within the shorter time.
      this.#arm(Math.min(leftMs, limitMs));
      return;
    }
    this.stop();
    expired(nowMs - this.#sinceMs);
  }
}
