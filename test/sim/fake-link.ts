import { TowlineError } from '../../src/core/errors.js';
import type { Link, LinkState } from '../../src/ports.js';
import type { Life } from './life.js';
import type { VirtualClock } from './virtual-clock.js';

export function lost(): TowlineError {
  return new TowlineError('network', 'the connection was lost');
}

/** The link of one run of the agent: `drop` breaks it, and it comes back after a while. */
export class FakeLink implements Link {
  readonly #clock: VirtualClock;
  readonly #life: Life;
  readonly #listeners = new Set<(state: LinkState) => void>();
  #state: LinkState = { name: 'connecting', attempt: 1 };
  #epoch = 0;

  constructor(clock: VirtualClock, life: Life, connectMs: number) {
    this.#clock = clock;
    this.#life = life;
    clock.timer(connectMs, () => this.#connected());
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The connection that is there now. @throws `network` while there is none */
  get epoch(): number {
    if (this.#state.name !== 'ready') throw lost();
    return this.#state.epoch;
  }

  /** Whether this connection is still there. */
  isOpen(epoch: number): boolean {
    return this.#state.name === 'ready' && this.#state.epoch === epoch;
  }

  /** The connection breaks, and another one is there after `ms`. */
  drop(ms: number): void {
    if (this.#state.name !== 'ready') return;
    this.#change({ name: 'waiting', attempt: 1, retryAtMs: this.#clock.now() + ms, error: lost() });
    this.#clock.timer(ms, () => this.#connected());
  }

  async ready(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#state.name === 'ready') return;
    if (this.#state.name === 'closed') throw lost();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const onAbort = () => reject(signal?.reason as TowlineError);
    signal?.addEventListener('abort', onAbort, { once: true });
    const stop = this.onState((state) => {
      if (state.name === 'ready') resolve(undefined);
      else if (state.name === 'closed') reject(lost());
    });
    try {
      await promise;
    } finally {
      stop();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  onState(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> {
    if (this.#state.name !== 'closed') this.#change({ name: 'closed' });
    return Promise.resolve();
  }

  #connected(): void {
    if (!this.#life.alive || this.#state.name === 'closed') return;
    this.#change({ name: 'ready', epoch: ++this.#epoch });
  }

  #change(state: LinkState): void {
    this.#state = state;
    if (!this.#life.alive) return;
    for (const listener of [...this.#listeners]) listener(state);
  }
}
