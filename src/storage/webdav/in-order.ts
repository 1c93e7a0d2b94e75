/** Puts pieces that come in any order into the order of their offsets. */

/** Bytes that may wait for what lies before them; beyond it whoever brings more waits. */
const heldBytesMax = 4 * 2 ** 20;

/** Hands pieces on without a gap and one at a time, as fast as they are taken. */
export class InOrder {
  readonly #take: (data: Buffer) => Promise<void>;
  readonly #held = new Map<number, Buffer>();
  #heldBytes = 0;
  #next = 0;
  #taking: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(take: (data: Buffer) => Promise<void>) {
    this.#take = take;
  }

  /** Bytes handed on, or about to be. */
  get bytes(): number {
    return this.#next;
  }

  /** Whether something waits for a piece that never came. */
  get hasGap(): boolean {
    return this.#held.size > 0;
  }

  /**
   * Resolves when the piece was taken, or when it is held and there is room for more.
   * @throws what taking it failed with
   */
  async add(data: Buffer, offset: number): Promise<void> {
    if (data.length === 0) return;
    this.#held.set(offset, data);
    this.#heldBytes += data.length;
    const taken = this.#proceed();
    if (taken !== null) {
      await taken;
      return;
    }
    while (this.#heldBytes > heldBytesMax && this.#held.has(offset)) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#waiting.push(() => resolve(undefined));
      await promise;
    }
  }

  /** Resolves when all that could be handed on was taken. */
  settled(): Promise<void> {
    return this.#taking;
  }

  #proceed(): Promise<void> | null {
    let moved = false;
    for (let data = this.#held.get(this.#next); data !== undefined; data = this.#held.get(this.#next)) {
      const piece = data;
      this.#held.delete(this.#next);
      this.#heldBytes -= piece.length;
      this.#next += piece.length;
      this.#taking = this.#taking.then(() => this.#take(piece));
      moved = true;
    }
    if (!moved) return null;
    // Heard by whoever waits for it; here it must not count as unhandled.
    this.#taking.catch(() => undefined);
    for (const wake of this.#waiting.splice(0)) wake();
    return this.#taking;
  }
}
