/** How a connection is, and who hears of it: what all links have in common. */
import { whenAborted } from './abort.js';
import { TowlineError } from './errors.js';

/** The connection. `waiting`: to be tried again at `retryAtMs`; `halted`: until a person mends it; `closed`: for good. */
export type LinkState =
  | { readonly name: 'connecting'; readonly attempt: number }
  /** `epoch` counts connections: whatever was open in an earlier one is gone. */
  | { readonly name: 'ready'; readonly epoch: number }
  | {
      readonly name: 'waiting';
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly error: TowlineError;
    }
  | { readonly name: 'halted'; readonly error: TowlineError }
  | { readonly name: 'closed' };

/** The states of one link; of `halted` and `closed` none leads on. */
export class LinkStates {
  /** Why there was no connection the last time. */
  lastError: TowlineError | null = null;
  readonly #label: string;
  readonly #listeners = new Set<(state: LinkState) => void>();
  #now: LinkState;

  /** @param label for people and messages */
  constructor(label: string, first: LinkState = { name: 'connecting', attempt: 1 }) {
    this.#label = label;
    this.#now = first;
  }

  get now(): LinkState {
    return this.#now;
  }

  isOver(): boolean {
    return this.#now.name === 'halted' || this.#now.name === 'closed';
  }

  /** See `Link.onState`. */
  onState(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  enter(state: LinkState): void {
    if (this.isOver()) return;
    this.#now = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  /** See `Link.ready`. */
  async ready(signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const look = () => {
      if (this.#now.name === 'ready') resolve(undefined);
      else if (this.isOver()) reject(this.unavailable());
    };
    const forget = whenAborted(signal, () => reject(this.interrupted()));
    const stop = this.onState(look);
    look();
    try {
      await promise;
    } finally {
      stop();
      forget();
    }
  }

  /** Why there is no connection to be had now. */
  unavailable(): TowlineError {
    const details = { host: this.#label, cause: this.lastError ?? undefined };
    if (this.#now.name === 'halted') return this.#now.error;
    if (this.#now.name === 'closed')
      return (
        this.lastError ?? new TowlineError('network', `the connection to ${this.#label} is closed`, details)
      );
    return new TowlineError('network', `there is no connection to ${this.#label} just now`, details);
  }

  /** The end of a wait that was given up. */
  interrupted(): TowlineError {
    return new TowlineError('interrupted', `stopped waiting for the connection to ${this.#label}`, {
      host: this.#label,
    });
  }

  /** Ends it for good. Returns why nothing works from now on. */
  close(): TowlineError {
    const reason = new TowlineError('network', `the connection to ${this.#label} was closed by us`, {
      host: this.#label,
    });
    if (!this.isOver()) {
      this.lastError = reason;
      this.enter({ name: 'closed' });
    }
    return reason;
  }
}
