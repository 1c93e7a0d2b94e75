/** The link to a server that keeps no connection: it is ready while the server answers. */
import { asTowlineError, retryClassOf, TowlineError } from '../../core/errors.js';
import { backoff } from '../../core/retry.js';
import type { Clock, Link, LinkState, Log } from '../../ports.js';

export interface ProbingLinkOptions {
  /** For people and messages. */
  readonly label: string;
  /**
   * Asks the server for a sign of life. Rejecting with `network` is tried again; with any other code the link halts.
   */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Failed probes in a row after which it is closed; default: never. */
  readonly giveUpAfter?: number;
}

const firstMs = 1_000;
const longestMs = 60_000;
/** A server that answered this long was well: the next failure is the first in a row. */
const stableMs = 5_000;

/** Probes until the server answers, and again whenever a request was lost. It begins when it is made. */
export class ProbingLink implements Link {
  readonly #options: ProbingLinkOptions;
  readonly #listeners = new Set<(state: LinkState) => void>();
  readonly #ended = new AbortController();
  #state: LinkState = { name: 'connecting', attempt: 1 };
  #epoch = 0;
  #lastError: TowlineError | null = null;
  #lose: (error: TowlineError) => void = () => undefined;
  #wake: () => void = () => undefined;
  readonly #running: Promise<void>;

  constructor(options: ProbingLinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get state(): LinkState {
    return this.#state;
  }

  onState(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ready(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(this.#interrupted());
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const look = () => {
      if (this.#state.name === 'ready') resolve(undefined);
      else if (this.#over()) reject(this.unavailable());
    };
    const abort = () => reject(this.#interrupted());
    const stop = this.onState(look);
    signal?.addEventListener('abort', abort);
    look();
    return promise.finally(() => {
      stop();
      signal?.removeEventListener('abort', abort);
    });
  }

  /** A request failed with an error that concerns the server as a whole: it is probed again. */
  lost(error: TowlineError): void {
    if (this.#state.name === 'ready') this.#lose(error);
  }

  /** Why nothing can be sent now. */
  unavailable(): TowlineError {
    const { label } = this.#options;
    if (this.#state.name === 'halted') return this.#state.error;
    if (this.#state.name === 'closed' && this.#lastError !== null) return this.#lastError;
    return new TowlineError('network', `there is no connection to ${label} just now`, {
      host: label,
      cause: this.#lastError ?? undefined,
    });
  }

  async close(): Promise<void> {
    const { label } = this.#options;
    if (!this.#over()) {
      this.#lastError = new TowlineError('network', `the connection to ${label} was closed by us`, {
        host: label,
      });
      this.#enter({ name: 'closed' });
    }
    this.#ended.abort(this.#interrupted());
    this.#lose(this.unavailable());
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, label, giveUpAfter } = this.#options;
    let failures = 0;
    let inVain = 0;
    while (!this.#over()) {
      this.#enter({ name: 'connecting', attempt: failures + 1 });
      const { error, livedMs } = await this.#probeAndStay();
      if (this.#over()) return;
      failures = livedMs !== null && livedMs >= stableMs ? 1 : failures + 1;
      inVain = livedMs === null ? inVain + 1 : 0;
      this.#lastError = error;
      if (retryClassOf(error.code) !== 'link') this.#enter({ name: 'halted', error });
      else if (giveUpAfter !== undefined && inVain >= giveUpAfter) this.#enter({ name: 'closed' });
      if (this.#over()) return;
      const waitMs = Math.round(backoff(firstMs, longestMs, failures - 1) * (0.75 + clock.random() / 4));
      log.info(error.message, { host: label, retryInMs: waitMs, failures });
      this.#enter({ name: 'waiting', attempt: failures, retryAtMs: clock.now() + waitMs, error });
      await this.#wait(waitMs);
    }
  }

  /** One probe, and as long as the server is well afterwards. */
  async #probeAndStay(): Promise<{ error: TowlineError; livedMs: number | null }> {
    const { clock, probe } = this.#options;
    try {
      await probe(this.#ended.signal);
    } catch (error) {
      return { error: asTowlineError(error), livedMs: null };
    }
    if (this.#over()) return { error: this.unavailable(), livedMs: null };
    const sinceMs = clock.now();
    const { promise, resolve } = Promise.withResolvers<TowlineError>();
    this.#lose = (error) => {
      this.#lose = () => undefined;
      // At once: who hears of a rejected request must not find the state `ready` still.
      this.#enter({ name: 'waiting', attempt: 0, retryAtMs: clock.now(), error });
      resolve(error);
    };
    this.#enter({ name: 'ready', epoch: ++this.#epoch });
    return { error: await promise, livedMs: clock.now() - sinceMs };
  }

  #over(): boolean {
    return this.#state.name === 'halted' || this.#state.name === 'closed';
  }

  #enter(state: LinkState): void {
    if (this.#over()) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.timer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #interrupted(): TowlineError {
    const { label } = this.#options;
    return new TowlineError('interrupted', `stopped waiting for the connection to ${label}`, { host: label });
  }
}
