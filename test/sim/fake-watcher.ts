import { TowlineError } from '../../src/core/errors.js';
import type { WatchEventKind } from '../../src/core/stream.js';
import type { WatchHandlers, Watcher } from '../../src/ports-watch.js';
import type { Life } from './life.js';
import type { VirtualClock } from './virtual-clock.js';

export interface WatchEvent {
  readonly kind: WatchEventKind;
  readonly path: string;
}

/** A watcher that is told of edits by the simulation, as well or as badly as the seed wants. */
export class FakeWatcher implements Watcher {
  readonly #life: Life;
  readonly #clock: VirtualClock;
  readonly #startMs: number;
  readonly #rootIsThere: () => boolean;
  #handlers: WatchHandlers | null = null;
  #closed = false;

  constructor(life: Life, clock: VirtualClock, startMs: number, rootIsThere: () => boolean) {
    this.#life = life;
    this.#clock = clock;
    this.#startMs = startMs;
    this.#rootIsThere = rootIsThere;
  }

  get watching(): boolean {
    return this.#handlers !== null && !this.#closed && this.#life.alive;
  }

  async start(handlers: WatchHandlers): Promise<void> {
    await this.#life.hears(this.#clock.wait(this.#startMs));
    if (!this.#rootIsThere()) throw new TowlineError('not-found', 'the folder is not there');
    this.#handlers = handlers;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  tell({ kind, path }: WatchEvent): void {
    const kindOfEntry = kind === 'addDir' || kind === 'unlinkDir' ? 'directory' : 'file';
    if (!this.watching || this.#handlers?.excludes(path, kindOfEntry) === true) return;
    this.#handlers?.event(kind, path);
  }

  /** It sees nothing any more (its root is another one now), and may know it. */
  fail(error: TowlineError | null): void {
    const handlers = this.watching ? this.#handlers : null;
    this.#handlers = null;
    if (error !== null) handlers?.error(error);
  }
}
