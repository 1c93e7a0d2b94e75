import type { SFTPWrapper } from 'ssh2';
import { asTowlineError, TowlineError } from '../core/errors.js';
import type { Clock, CommandResult, Log } from '../ports.js';
import type { CommandStream } from '../ports-stream.js';
import type { ExecOptions, StreamOptions } from './channel.js';
import { Exec, type ExecParts } from './exec.js';
import { ExecStream } from './exec-stream.js';
import { networkError } from './failure.js';
import { Ssh2Channel } from './sftp-channel.js';
import type { Transport } from './transport.js';

export type Purpose = 'transfer' | 'scan';

export interface SessionOptions {
  readonly label: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly openTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly slowRequestTimeoutMs: number;
  readonly windowBytes: number;
}

interface Slot {
  /** Present from the first call on; replaced when it died. */
  channel: Promise<Ssh2Channel>;
  /** Null while it is being opened. */
  open: Ssh2Channel | null;
}

/** A channel that dies this soon after it was opened counts as one that could not be opened. */
const stillbornMs = 1000;
const stillbornMax = 3;

/**
 * The channels of one connection: SFTP, one per purpose, opened at the first call and anew when they died; and one per
 * command.
 */
export class Session {
  readonly #transport: Transport;
  readonly #options: SessionOptions;
  readonly #slots = new Map<Purpose, Slot>();
  readonly #live = new Set<Ssh2Channel>();
  readonly #commands = new Set<Exec | ExecStream>();
  #stillborn = 0;
  /** Of the channels that are gone. */
  #repliesBefore = 0;
  #ended: TowlineError | null = null;

  constructor(transport: Transport, options: SessionOptions) {
    this.#transport = transport;
    this.#options = options;
    transport.onEnd((reason) => this.fail(reason));
  }

  /** Whether the connection is over. */
  get ended(): boolean {
    return this.#ended !== null;
  }

  /** The open channels. */
  get channels(): Ssh2Channel[] {
    return [...this.#live];
  }

  /** When the server last answered anything, ms since 1970; 0 without an open channel. */
  get lastReplyMs(): number {
    return Math.max(0, ...this.channels.map((channel) => channel.lastReplyMs));
  }

  /** How many requests were answered so far on the channels that are open. */
  get replies(): number {
    return this.channels.reduce((sum, channel) => sum + channel.replies, 0);
  }

  /** How many requests were answered in all. */
  get answered(): number {
    return this.#repliesBefore + this.replies;
  }

  /** The channel of this purpose. Rejects with `network` when it cannot be opened or the connection is over. */
  channel(purpose: Purpose): Promise<Ssh2Channel> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const present = this.#slots.get(purpose);
    if (present !== undefined && present.open?.open !== false) return present.channel;
    const slot: Slot = { channel: this.#openOrShare(purpose), open: null };
    this.#slots.set(purpose, slot);
    slot.channel.then(
      (channel) => {
        slot.open = channel;
      },
      () => {
        // Whoever asked was told; the next one who asks tries anew.
        if (this.#slots.get(purpose) === slot) this.#slots.delete(purpose);
      },
    );
    return slot.channel;
  }

  /** See `ExecSession`. */
  async exec(command: string, options: ExecOptions): Promise<CommandResult> {
    if (this.#ended !== null) throw this.#ended;
    const running = new Exec(this.#execParts(), command, options);
    this.#commands.add(running);
    try {
      return await running.result;
    } finally {
      this.#commands.delete(running);
    }
  }

  /** See `StreamSession`. */
  stream(script: string, options: StreamOptions): CommandStream {
    const running = new ExecStream(this.#execParts(), script, options);
    this.#commands.add(running);
    const over = () => this.#commands.delete(running);
    running.ended.then(over, over);
    if (this.#ended !== null) running.fail(this.#ended);
    return running;
  }

  #execParts(): ExecParts {
    const { label, clock, openTimeoutMs } = this.#options;
    return { label, clock, openTimeoutMs, start: (line, done) => this.#transport.startExec(line, done) };
  }

  /** Rejects all requests on all channels, and all later calls. */
  fail(reason: TowlineError): void {
    this.#ended ??= reason;
    this.#repliesBefore = this.answered;
    for (const channel of this.#live) channel.fail(reason);
    this.#live.clear();
    for (const command of this.#commands) command.fail(reason);
  }

  /** A server may allow one channel only: then both purposes use it. */
  async #openOrShare(purpose: Purpose): Promise<Ssh2Channel> {
    try {
      return await this.#open();
    } catch (error) {
      const other = this.channels[0];
      if (other === undefined) {
        this.#countStillborn(asTowlineError(error));
        throw error;
      }
      this.#options.log.debug('the server gives no further channel: sharing one', { purpose });
      return other;
    }
  }

  #open(): Promise<Ssh2Channel> {
    const { label, clock, openTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      let waiting = true;
      const settle = () => {
        waiting = false;
        cancel();
      };
      const startedMs = clock.now();
      const cancel = clock.timer(openTimeoutMs, () => {
        settle();
        const error = new TowlineError('network', `${label} opened no SFTP channel in time`, { host: label });
        reject(error);
        // Nothing came on the other channel either: it is the connection that is dead.
        if (this.lastReplyMs < startedMs) this.#transport.destroy(error);
      });
      this.#transport.onEnd((reason) => {
        settle();
        reject(reason);
      });
      this.#transport.startSftp((error, sftp) => {
        if (this.#ended !== null) return;
        if (!waiting) sftp?.end();
        if (!waiting) return;
        settle();
        if (sftp === null) reject(this.#notOpened(error));
        else resolve(this.#made(sftp));
      });
    });
  }

  #made(sftp: SFTPWrapper): Ssh2Channel {
    const { label, clock, requestTimeoutMs, slowRequestTimeoutMs, windowBytes } = this.#options;
    const openedMs = clock.now();
    const died = (error: TowlineError, silentMs: number) => {
      if (this.#live.delete(channel)) this.#repliesBefore += channel.replies;
      this.#died(openedMs, error, silentMs);
    };
    const limits = { requestTimeoutMs, slowRequestTimeoutMs, windowBytes };
    const channel = new Ssh2Channel(sftp, { label, clock, ...limits, died });
    this.#live.add(channel);
    return channel;
  }

  #notOpened(cause: Error | null): TowlineError {
    const { label } = this.#options;
    return networkError(label, `${label} opened no SFTP channel`, cause ?? new Error('no reason was given'));
  }

  #died(openedMs: number, error: TowlineError, silentMs: number): void {
    const nowMs = this.#options.clock.now();
    this.#options.log.debug('an SFTP channel died', { reason: error.message });
    // An answer on another channel within the same silence shows that the connection lives.
    if (silentMs > 0 && this.lastReplyMs <= nowMs - silentMs) this.#transport.destroy(error);
    if (nowMs - openedMs < stillbornMs) this.#countStillborn(error);
    else this.#stillborn = 0;
  }

  /** Channels that never live are the server's way of saying no: the connection's backoff takes over. */
  #countStillborn(error: TowlineError): void {
    if (++this.#stillborn >= stillbornMax) this.#transport.destroy(error);
  }
}
