/** Reads a source for a transfer: ahead of what is being sent, and no faster than the throttle allows. */
import { TowlineError } from '../core/errors.js';
import type { Source } from '../ports.js';
import type { Throttle } from './throttle.js';

/** Bytes read at once. */
export const pieceBytes = 2 ** 20;
/** Pieces read ahead of the write that waits for room. */
const readAhead = 2;
const nothing = Buffer.alloc(0);

/** For whom is read. */
export interface Reading {
  /** For messages. */
  readonly path: string;
  /** Shared by all transfers. */
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
}

export interface Piece {
  readonly data: Buffer;
  /** What was asked for. */
  readonly length: number;
}

/** Reads a source from an offset to its length at opening, a little ahead, in pieces as large as the throttle allows. */
export class Pieces {
  readonly #job: Reading;
  readonly #source: Source;
  readonly #reads: Promise<Piece>[] = [];
  readonly #stop = new AbortController();
  /** The last piece that was asked for. */
  #granted: Promise<{ offset: number; length: number }>;

  constructor(job: Reading, source: Source, offset: number) {
    this.#job = job;
    this.#source = source;
    this.#granted = Promise.resolve({ offset, length: 0 });
  }

  /** The next piece; of length 0 at the end. */
  next(): Promise<Piece> {
    while (this.#reads.length < readAhead) this.#reads.push(this.#read());
    return this.#reads.shift()!;
  }

  /** Asks for no more; resolves when nothing is being read any more. */
  async end(): Promise<void> {
    this.#stop.abort(new TowlineError('interrupted', `'${this.#job.path}' is not read any further`));
    await Promise.allSettled(this.#reads);
  }

  #read(): Promise<Piece> {
    const granted = this.#grant(this.#granted);
    this.#granted = granted;
    const read = granted.then(async ({ offset, length }) => {
      return { data: length === 0 ? nothing : await this.#source.read(offset, length), length };
    });
    // Awaited in its turn; without this a later read's failure would count as unhandled meanwhile.
    read.catch(() => undefined);
    return read;
  }

  async #grant(
    before: Promise<{ offset: number; length: number }>,
  ): Promise<{ offset: number; length: number }> {
    const last = await before;
    const offset = last.offset + last.length;
    const wanted = Math.min(pieceBytes, this.#source.entry.size - offset);
    const { throttle, signal } = this.#job;
    if (throttle.kibPerSecond === null) return { offset, length: wanted };
    return { offset, length: await throttle.take(wanted, AbortSignal.any([signal, this.#stop.signal])) };
  }
}
