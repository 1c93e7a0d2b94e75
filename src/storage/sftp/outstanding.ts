/**
 * Counts what is under way on a handle. A handle must not be closed while a request with it is still waiting to be sent:
 * OpenSSH gives the same number to the next file that is opened, and a late write would land there.
 */
export class Outstanding {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    this.#count--;
    if (this.#count > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when nothing is under way. */
  async none(): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.push(() => resolve(undefined));
    await promise;
  }
}
