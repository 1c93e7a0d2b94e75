import type { TowlineError } from '../../src/core/errors.js';
import type { WatchHandlers } from '../../src/ports-watch.js';

/** Handlers that keep what they are told, and can be waited on. */
export class Recorder implements WatchHandlers {
  /** `kind path`, in order. */
  readonly events: string[] = [];
  readonly errors: TowlineError[] = [];
  readonly excludes: WatchHandlers['excludes'];
  #waiting: (() => void)[] = [];

  constructor(excludes: WatchHandlers['excludes'] = () => false) {
    this.excludes = excludes;
  }

  readonly event: WatchHandlers['event'] = (kind, path) => {
    this.events.push(`${kind} ${path}`);
    this.#tell();
  };

  readonly error: WatchHandlers['error'] = (error) => {
    this.errors.push(error);
    this.#tell();
  };

  /** Resolves when each of these was told since the recorder was made. */
  async all(...wanted: string[]): Promise<void> {
    await this.until(() => wanted.every((event) => this.events.includes(event)));
  }

  async failure(): Promise<TowlineError> {
    await this.until(() => this.errors.length > 0);
    return this.errors[0]!;
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
