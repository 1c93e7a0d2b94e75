/**
 * Synchronous file system calls cost a fifth of asynchronous ones (measured on 100,000 files), but block the event loop:
 * long work is done in slices, and between two of them everything else has its turn.
 */
const sliceMs = 8;

export class Slice {
  #begunMs = performance.now();

  /** Whether it is time to `pause`. */
  get over(): boolean {
    return performance.now() - this.#begunMs >= sliceMs;
  }

  /** Lets the event loop turn once and begins the next slice. */
  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#begunMs = performance.now();
  }
}
