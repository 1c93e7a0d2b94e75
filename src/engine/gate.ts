/** Lets work pass, or holds it until it is opened again. */
export class Gate {
  #opened: { promise: Promise<void>; resolve: () => void } | null = null;

  get isOpen(): boolean {
    return this.#opened === null;
  }

  close(): void {
    this.#opened ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.#opened?.resolve();
    this.#opened = null;
  }

  /** Resolves at once while it is open. */
  async passed(): Promise<void> {
    while (this.#opened !== null) await this.#opened.promise;
  }
}
