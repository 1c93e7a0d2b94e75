/**
 * One run of the agent, from its start to its crash. A process that is gone hears and does nothing any more: whoever
 * waits for an answer on its behalf waits for ever.
 */
export class Life {
  #ended = false;

  get alive(): boolean {
    return !this.#ended;
  }

  /** The same, for those who look again after they waited. */
  hasEnded(): boolean {
    return this.#ended;
  }

  end(): void {
    this.#ended = true;
  }

  /** `work` as this process lives to see it. */
  async hears<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      return this.alive ? result : await never<T>();
    } catch (error) {
      if (this.alive) throw error;
      return never<T>();
    }
  }
}

export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
