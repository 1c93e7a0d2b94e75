/** Keeps count of the bytes that are written from the start without a gap, while pieces finish in any order. */
export class Acknowledged {
  /** Bytes from the start without a gap. */
  bytes: number;
  /** Pieces beyond the gap: start to end. At most as many as there are writes under way at once. */
  readonly #beyond = new Map<number, number>();

  /** @param bytes what was written before */
  constructor(bytes = 0) {
    this.bytes = bytes;
  }

  /** The piece of `length` bytes at `offset` is written. */
  add(offset: number, length: number): void {
    if (length === 0) return;
    this.#beyond.set(offset, Math.max(offset + length, this.#beyond.get(offset) ?? 0));
    for (let joined = true; joined;) {
      joined = false;
      for (const [start, end] of this.#beyond) {
        if (start > this.bytes) continue;
        this.bytes = Math.max(this.bytes, end);
        this.#beyond.delete(start);
        joined = true;
      }
    }
  }
}
