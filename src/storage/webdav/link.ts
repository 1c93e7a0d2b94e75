/** The link to a server that keeps no connection: it is ready while the server answers. */
import { asTowlineError, retryClassOf, type TowlineError } from '../../core/errors.js';
import { LinkStates } from '../../core/link-states.js';
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
  readonly #states: LinkStates;
  readonly #ended = new AbortController();
  #epoch = 0;
  #lose: (error: TowlineError) => void = () => undefined;
  #wake: () => void = () => undefined;
  readonly #running: Promise<void>;

  constructor(options: ProbingLinkOptions) {
    this.#options = options;
    this.#states = new LinkStates(options.label);
    this.#running = this.#run();
  }

  get state(): LinkState {
    return this.#states.now;
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#states.onState(listener);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#states.ready(signal);
  }

  /** A request failed with an error that concerns the server as a whole: it is probed again. */
  lost(error: TowlineError): void {
    if (this.#states.now.name === 'ready') this.#lose(error);
  }

  /** Why nothing can be sent now. */
  unavailable(): TowlineError {
    return this.#states.unavailable();
  }

  async close(): Promise<void> {
    this.#states.close();
    this.#ended.abort(this.#states.interrupted());
    this.#lose(this.unavailable());
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log, label, giveUpAfter } = this.#options;
    let failures = 0;
    let inVain = 0;
    while (!this.#states.isOver()) {
      this.#states.enter({ name: 'connecting', attempt: failures + 1 });
      const { error, livedMs } = await this.#probeAndStay();
      if (this.#states.isOver()) return;
      failures = livedMs !== null && livedMs >= stableMs ? 1 : failures + 1;
      inVain = livedMs === null ? inVain + 1 : 0;
      this.#states.lastError = error;
      if (retryClassOf(error.code) !== 'link') this.#states.enter({ name: 'halted', error });
      else if (giveUpAfter !== undefined && inVain >= giveUpAfter) this.#states.enter({ name: 'closed' });
      if (this.#states.isOver()) return;
      const waitMs = Math.round(backoff(firstMs, longestMs, failures - 1) * (0.75 + clock.random() / 4));
      log.info(error.message, { host: label, retryInMs: waitMs, failures });
      this.#states.enter({ name: 'waiting', attempt: failures, retryAtMs: clock.now() + waitMs, error });
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
    if (this.#states.isOver()) return { error: this.unavailable(), livedMs: null };
    const sinceMs = clock.now();
    const { promise, resolve } = Promise.withResolvers<TowlineError>();
    this.#lose = (error) => {
      this.#lose = () => undefined;
      // At once: who hears of a rejected request must not find the state `ready` still.
      this.#states.enter({ name: 'waiting', attempt: 0, retryAtMs: clock.now(), error });
      resolve(error);
    };
    this.#states.enter({ name: 'ready', epoch: ++this.#epoch });
    return { error: await promise, livedMs: clock.now() - sinceMs };
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
}
