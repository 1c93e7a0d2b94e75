import { createHash } from 'node:crypto';

/** The beginning of a file, as an earlier look at it found it. */
export interface Beginning {
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of them, hex. */
  readonly digest: string;
}

/** SHA-256 of a content that passes by, and whether it begins as it did before. */
export class ContentHash {
  readonly #hash = createHash('sha256');
  readonly #before: Beginning | null;
  #bytes = 0;
  #beginsAsBefore = false;

  /** @param before what to compare the beginning with */
  constructor(before: Beginning | null) {
    this.#before = before;
  }

  update(data: Buffer): void {
    const mark = (this.#before?.size ?? 0) - this.#bytes;
    const split = mark > 0 && mark <= data.length ? mark : 0;
    if (split > 0) {
      this.#hash.update(data.subarray(0, split));
      this.#beginsAsBefore = this.#hash.copy().digest('hex') === this.#before?.digest;
    }
    this.#hash.update(split > 0 ? data.subarray(split) : data);
    this.#bytes += data.length;
  }

  /** Whether something came before, and all of it is the beginning of what passed by. */
  get beginsAsBefore(): boolean {
    return this.#beginsAsBefore;
  }

  /** What passed by; nothing can be added afterwards. */
  digest(): Beginning {
    return { size: this.#bytes, digest: this.#hash.digest('hex') };
  }
}
