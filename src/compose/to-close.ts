/** What is to be closed again, the last one first. */
export class ToClose {
  readonly #steps: (() => unknown)[] = [];

  push(close: () => unknown): void {
    this.#steps.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#steps.splice(0).reverse()) await close();
  }
}
