import { asTowlineError, retryClassOf, type TowlineError } from '../core/errors.js';
import { LinkStates } from '../core/link-states.js';
import type { Clock, CommandResult, Link, LinkState, Log } from '../ports.js';
import type { CommandStream } from '../ports-stream.js';
import { backoffMs, FailureCount, firstRetryMs } from './backoff.js';
import type {
  ExecOptions,
  ExecSession,
  SftpChannel,
  SftpSession,
  StreamOptions,
  StreamSession,
} from './channel.js';
import type { ConnectParameters } from './connect-parameters.js';
import { failedStream } from './exec-stream.js';
import { aliveLimits, type Keepalive, keepAlive } from './keepalive.js';
import { watchMachine } from './machine-watch.js';
import { Route } from './route.js';
import { type Purpose, Session } from './session.js';
import type { Transport } from './transport.js';

export type { ConnectParameters } from './connect-parameters.js';

export interface ConnectionOptions {
  /** `[user@]host` for people and messages. */
  readonly label: string;
  /**
   * Rejecting with `network` is retried like a refused connection; with any other code the link halts.
   */
  readonly connect: () => Promise<ConnectParameters>;
  /**
   * Says what an error of ssh2 is to the identity layer: its own `host-key` or `authentication`, or `null` when it
   * is neither. Asked once when a connection (or an attempt) ends.
   */
  readonly classify?: (error: Error) => TowlineError | null;
  /**
   * Asked when an attempt failed with an error that no retry mends: whether a person has mended it, and it is tried again
   * at once. Rejects with what it halts with instead.
   */
  readonly reconsider?: (error: TowlineError) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
  /** For TCP, key exchange and host key, and for opening a channel; default 15 s. */
  readonly connectTimeoutMs?: number;
  /** For authentication, where a person may have to touch a key; default 60 s. */
  readonly authenticationTimeoutMs?: number;
  /** From a channel's last reply; default 30 s. */
  readonly requestTimeoutMs?: number;
  /** The same while an fsync or close is under way; default 120 s. */
  readonly slowRequestTimeoutMs?: number;
  /** Silence after which the server is asked for a sign of life; default 15 s. */
  readonly keepaliveMs?: number;
  /** How long that sign may take; default 15 s. */
  readonly pingTimeoutMs?: number;
  /** Bytes under way per channel, at most; default 2 MiB. */
  readonly windowBytes?: number;
  /** Failed attempts in a row after which the link is closed; default: never. */
  readonly giveUpAfter?: number;
  /** What identifies the network this machine is in; default: its addresses. */
  readonly addresses?: () => string;
}

/** A stable handle over changing connections; it begins to connect when it is made. */
export interface Connection extends Link, SftpSession, ExecSession, StreamSession {
  /** How many connections became ready so far: what was opened under an earlier number is gone. */
  readonly epoch: number;
}

/** Starts to connect, and goes on for as long as it is not closed. See `Connection`. */
export function createConnection(options: ConnectionOptions): Connection {
  return new ReconnectingLink(options);
}

const defaults = {
  connectTimeoutMs: 15_000,
  authenticationTimeoutMs: 60_000,
  requestTimeoutMs: 30_000,
  slowRequestTimeoutMs: 120_000,
  keepaliveMs: 15_000,
  pingTimeoutMs: 15_000,
  windowBytes: 2 * 1024 * 1024,
};

/** The states of `LinkState`, and the one loop that walks through them. */
class ReconnectingLink implements Connection {
  readonly label: string;
  readonly #options: ConnectionOptions & typeof defaults;
  readonly #states: LinkStates;
  #epoch = 0;
  #route: Route | null = null;
  #session: Session | null = null;
  #keepalive: Keepalive | null = null;
  /** Of the last connection; `null` when it was never ready. */
  #life: { readonly ms: number; readonly answered: boolean } | null = null;
  readonly #failures = new FailureCount();
  #wake: () => void = () => undefined;

  constructor(options: ConnectionOptions) {
    this.label = options.label;
    this.#states = new LinkStates(options.label);
    this.#options = { ...defaults, ...options };
    const { clock, addresses } = options;
    const stopWatching = watchMachine({
      clock,
      ...(addresses === undefined ? {} : { addresses }),
      changed: () => this.#machineChanged(),
    });
    this.#states.onState(() => {
      if (this.#states.isOver()) stopWatching();
    });
    void this.#run();
  }

  get state(): LinkState {
    return this.#states.now;
  }

  get epoch(): number {
    return this.#epoch;
  }

  onState(listener: (state: LinkState) => void): () => void {
    return this.#states.onState(listener);
  }

  ready(signal?: AbortSignal): Promise<void> {
    return this.#states.ready(signal);
  }

  channel(purpose: Purpose): Promise<SftpChannel> {
    return this.#session?.channel(purpose) ?? Promise.reject(this.#states.unavailable());
  }

  exec(command: string, options: ExecOptions): Promise<CommandResult> {
    return this.#session?.exec(command, options) ?? Promise.reject(this.#states.unavailable());
  }

  stream(script: string, options: StreamOptions = {}): CommandStream {
    return this.#session?.stream(script, options) ?? failedStream(this.#states.unavailable());
  }

  async close(): Promise<void> {
    const reason = this.#states.close();
    this.#wake();
    this.#session?.fail(reason);
    await this.#route?.close(reason);
  }

  async #run(): Promise<void> {
    const { clock, log, label, giveUpAfter } = this.#options;
    let inVain = 0;
    for (let attempt = 1; !this.#states.isOver();) {
      this.#states.enter({ name: 'connecting', attempt });
      const ended = await this.#connectAndStay();
      if (this.#states.isOver()) return;
      const error = retryClassOf(ended.code) === 'link' ? ended : await this.#reconsidered(ended);
      if (error === null) continue;
      if (this.#states.isOver()) return;
      const failures = this.#failures.ended(this.#life);
      attempt = failures + 1;
      inVain = this.#life === null ? inVain + 1 : 0;
      this.#states.lastError = error;
      if (retryClassOf(error.code) !== 'link') this.#states.enter({ name: 'halted', error });
      else if (giveUpAfter !== undefined && inVain >= giveUpAfter) this.#states.enter({ name: 'closed' });
      if (this.#states.isOver()) return;
      const quick = this.#life !== null && failures === 1;
      const waitMs = quick ? firstRetryMs(clock.random()) : backoffMs(failures, clock.random());
      log.info(error.message, { host: label, retryInMs: waitMs, failures });
      this.#states.enter({ name: 'waiting', attempt: failures, retryAtMs: clock.now() + waitMs, error });
      await this.#wait(waitMs);
    }
  }

  /** The error to go on with; `null`: it was mended. */
  async #reconsidered(error: TowlineError): Promise<TowlineError | null> {
    try {
      return (await this.#options.reconsider?.(error)) === true ? null : error;
    } catch (reason) {
      return asTowlineError(reason);
    }
  }

  /** One attempt, and the whole life of the connection if it succeeds. Resolves with why it ended; never rejects. */
  async #connectAndStay(): Promise<TowlineError> {
    this.#life = null;
    try {
      const parameters = await this.#options.connect();
      if (this.#states.isOver()) return this.#states.unavailable();
      this.#route = new Route(this.#options);
      const transport = await this.#route.reach(parameters);
      const ended = new Promise<TowlineError>((resolve) => transport.onEnd(resolve));
      await transport.ready;
      return await this.#serve(transport, ended, parameters);
    } catch (error) {
      return asTowlineError(error);
    } finally {
      this.#route = null;
    }
  }

  async #serve(
    transport: Transport,
    ended: Promise<TowlineError>,
    parameters: ConnectParameters,
  ): Promise<TowlineError> {
    const { clock, log, label, connectTimeoutMs } = this.#options;
    const session = new Session(transport, { ...this.#options, openTimeoutMs: connectTimeoutMs });
    transport.onEnd((error) => {
      this.#keepalive?.stop();
      this.#keepalive = null;
      if (this.#session !== session) return;
      this.#session = null;
      // At once: who hears of a rejected request must not find the state `ready` still.
      this.#states.enter({ name: 'waiting', attempt: 0, retryAtMs: clock.now(), error });
    });
    try {
      // `ready` means that files can be worked on, not just that we were let in.
      await session.channel('transfer');
    } catch (error) {
      transport.destroy(asTowlineError(error));
      return await ended;
    }
    if (this.#states.isOver() || session.ended) return await ended;
    this.#session = session;
    const readySinceMs = clock.now();
    const answeredBefore = session.answered;
    const limits = aliveLimits(parameters.serverAlive, this.#options);
    this.#keepalive = keepAlive(transport, session, { label, clock, ...limits });
    log.debug('connected', { host: label, epoch: this.#epoch + 1 });
    this.#states.enter({ name: 'ready', epoch: ++this.#epoch });
    const error = await ended;
    this.#life = { ms: clock.now() - readySinceMs, answered: session.answered > answeredBefore };
    return error;
  }

  /** What we have may be dead by now, and what did not work may work. */
  #machineChanged(): void {
    this.#keepalive?.ask();
    if (this.#states.now.name !== 'waiting') return;
    this.#failures.reset();
    this.#wake();
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
