import type { TowlineError } from '../core/errors.js';

/** The answers to the pieces of one write: settles when all are there, or with the first refusal. */
export class Written {
  readonly acknowledged: Promise<void>;
  readonly #resolve: () => void;
  readonly #reject: (error: TowlineError) => void;
  #open = 0;
  #allSent = false;
  #failure: TowlineError | null = null;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.acknowledged = promise;
    this.#resolve = () => resolve(undefined);
    this.#reject = reject;
    // A refusal may come before the caller was given the promise; it is the caller's to look at, not the process's.
    promise.catch(() => undefined);
  }

  /** The first refusal, or `null`. */
  get failure(): TowlineError | null {
    return this.#failure;
  }

  sent(): void {
    this.#open++;
  }

  /** There will be no more pieces. */
  allSent(): void {
    this.#allSent = true;
    this.#settle();
  }

  answered(): void {
    this.#open--;
    this.#settle();
  }

  failed(error: TowlineError): void {
    this.#failure ??= error;
    this.#reject(this.#failure);
  }

  #settle(): void {
    if (this.#allSent && this.#open === 0) this.#resolve();
  }
}
