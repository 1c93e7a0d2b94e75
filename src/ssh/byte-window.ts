import type { TowlineError } from '../core/errors.js';
import type { Clock } from '../ports.js';

/** What is under way should be answered within this. */
const clearsInMs = 2000;
/** Below this a fast link is still filling; between the two the window stays as it is. */
const growsBelowMs = clearsInMs / 2;
const startBytes = 256 * 1024;
const minBytes = 64 * 1024;

interface Waiter {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: TowlineError) => void;
}

/** What was taken from the window, to be given back with the answer. */
export interface Taken {
  readonly bytes: number;
  readonly sentAtMs: number;
  /** Bytes under way when it was sent, its own included: what the answer says was carried since. */
  readonly underWayBytes: number;
}

/**
 * Bounds the bytes of one channel that are sent but not answered: neither ssh2 nor the socket has any back-pressure.
 *
 * The bound follows the link: it starts small, doubles each round trip while answers come quickly and somebody waits,
 * and shrinks to what the link carries in 2 s when they come late. So a slow link is never so far behind that it looks
 * dead, and a fast one is kept full.
 */
export class ByteWindow {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  #limitBytes: number;
  #usedBytes = 0;
  #waiters: Waiter[] = [];
  #failure: TowlineError | null = null;

  /** @param maxBytes at least 64 KiB */
  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#limitBytes = Math.min(startBytes, maxBytes);
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** How large one piece should be, so that several fit and each is answered soon; 64 KiB at least. */
  get pieceBytes(): number {
    return Math.max(minBytes, this.#limitBytes >> 2);
  }

  /**
   * Resolves when there is room, in the order of the calls; `null` when there is room at once. The room is taken by
   * `sent`, which must follow without a pause. One piece of any size may pass while nothing is under way.
   */
  room(bytes: number): Promise<void> | null {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#waiters.length === 0 && this.#fits(bytes)) {
      this.#usedBytes += bytes;
      return null;
    }
    return new Promise((resolve, reject) => this.#waiters.push({ bytes, resolve, reject }));
  }

  /** To be called when a piece that found room goes out. */
  sent(bytes: number): Taken {
    return { bytes, sentAtMs: this.#clock.now(), underWayBytes: this.#usedBytes };
  }

  /** Gives room back that was found but not used. */
  unused(bytes: number): void {
    this.#usedBytes -= bytes;
    this.#admit();
  }

  /** The server answered this piece. */
  answered(taken: Taken): void {
    this.#usedBytes -= taken.bytes;
    const tookMs = this.#clock.now() - taken.sentAtMs;
    if (tookMs > clearsInMs) {
      const carried = Math.floor((taken.underWayBytes / tookMs) * clearsInMs);
      this.#limitBytes = Math.max(minBytes, Math.min(this.#limitBytes, carried));
    } else if (tookMs < growsBelowMs && this.#waiters.length > 0) {
      this.#limitBytes = Math.min(this.#maxBytes, this.#limitBytes + taken.bytes);
    }
    this.#admit();
  }

  /** Refuses all that wait and all that come. */
  fail(error: TowlineError): void {
    this.#failure = error;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + bytes <= this.#limitBytes;
  }

  #admit(): void {
    let admitted = 0;
    for (const waiter of this.#waiters) {
      if (!this.#fits(waiter.bytes)) break;
      this.#usedBytes += waiter.bytes;
      admitted++;
      waiter.resolve();
    }
    if (admitted > 0) this.#waiters.splice(0, admitted);
  }
}
