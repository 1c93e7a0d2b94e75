/** What became of the writes of one file, while many are under way. */
import { Acknowledged } from '../acknowledged.js';
import { Outstanding } from './outstanding.js';

/** Takes the promises of `SftpChannel.write` and keeps no list of those that are answered. */
export class Acknowledgements {
  readonly #acknowledged: Acknowledged;
  readonly #unanswered = new Outstanding();
  #end: number;
  #failure: { readonly error: unknown } | null = null;

  /** @param start bytes that were there before */
  constructor(start: number) {
    this.#acknowledged = new Acknowledged(start);
    this.#end = start;
  }

  /** Bytes acknowledged from the start without a gap. */
  get contiguous(): number {
    return this.#acknowledged.bytes;
  }

  /** Bytes sent and not known to be there. */
  get missing(): number {
    return this.#end - this.contiguous;
  }

  /** The first write that failed, or `null`. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  /** A write of `length` bytes at `offset` was sent. */
  add(offset: number, length: number, acknowledged: Promise<void>): void {
    this.#unanswered.begin();
    this.#end = Math.max(this.#end, offset + length);
    acknowledged.then(
      () => {
        this.#acknowledged.add(offset, length);
        this.#unanswered.end();
      },
      (error: unknown) => {
        this.#failure ??= { error };
        this.#unanswered.end();
      },
    );
  }

  /** A write of `length` bytes at `offset` failed before all of it was sent. */
  failed(offset: number, length: number, error: unknown): void {
    this.#end = Math.max(this.#end, offset + length);
    this.#failure ??= { error };
  }

  /** Resolves when every write was answered, one way or the other. */
  settled(): Promise<void> {
    return this.#unanswered.none();
  }
}
