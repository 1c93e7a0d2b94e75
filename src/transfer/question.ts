/** The hash of one file that somebody waits for. */
export class Question {
  readonly path: string;
  readonly size: number | undefined;
  readonly signal: AbortSignal;
  /** Rejects with the signal's reason as soon as it is aborted. */
  readonly answer: Promise<string>;
  /** Called when whoever asked waits no more. */
  onGivenUp: () => void = () => undefined;
  readonly #settled = Promise.withResolvers<string>();
  readonly #onAbort = (): void => {
    this.fail(this.signal.reason);
    this.onGivenUp();
  };
  #over = false;

  constructor(path: string, size: number | undefined, signal: AbortSignal) {
    this.path = path;
    this.size = size;
    this.signal = signal;
    this.answer = this.#settled.promise;
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get over(): boolean {
    return this.#over;
  }

  settle(hash: string): void {
    this.#end();
    this.#settled.resolve(hash);
  }

  fail(error: unknown): void {
    this.#end();
    this.#settled.reject(error);
  }

  #end(): void {
    this.#over = true;
    this.signal.removeEventListener('abort', this.#onAbort);
  }
}
