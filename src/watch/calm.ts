/** Waits until a stream of events has calmed. One timer whatever the number of events. */
export class Calm {
  readonly #quietMs: number;
  readonly #maxMs: number;
  readonly #onCalm: () => void;
  #timer: NodeJS.Timeout | null = null;
  #latestMs = 0;
  #endMs = 0;

  /**
   * @param options `onCalm` is called once `quietMs` passed without `touch`, or `maxMs` after the first one at the
   * latest; then it waits for the next `touch`
   */
  constructor(options: { readonly quietMs: number; readonly maxMs: number; readonly onCalm: () => void }) {
    this.#quietMs = options.quietMs;
    this.#maxMs = options.maxMs;
    this.#onCalm = options.onCalm;
  }

  /** Something happened: not calm yet. */
  touch(): void {
    this.#latestMs = performance.now();
    if (this.#timer !== null) return;
    this.#endMs = this.#latestMs + this.#maxMs;
    this.#arm();
  }

  /** No call comes any more until the next `touch`. */
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    const atMs = Math.min(this.#latestMs + this.#quietMs, this.#endMs);
    this.#timer = setTimeout(() => this.#ring(atMs), Math.max(0, atMs - performance.now()));
  }

  #ring(atMs: number): void {
    if (atMs < this.#endMs && atMs < this.#latestMs + this.#quietMs) {
      this.#arm();
      return;
    }
    this.#timer = null;
    this.#onCalm();
  }
}
