/**
 * One run of the agent, from its start to its crash. A process that is gone hears and does nothing any more: whoever
 * waits for an answer on its behalf waits for ever.
 */
export class Life {
  alive = true;

  end(): void {
    this.alive = false;
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
