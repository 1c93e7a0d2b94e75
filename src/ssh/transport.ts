import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import './keep-ciphers.js';
import { Client, type ClientChannel, type SFTPWrapper } from 'ssh2';
import { TowlineError } from '../core/errors.js';
import type { Clock } from '../ports.js';
import type { ConnectParameters } from './connect-parameters.js';
import { GatheringSocket } from './gathering-socket.js';
import { expiredError, hostKeyError, levelOf, networkError, refusedError } from './failure.js';

export interface TransportOptions {
  readonly label: string;
  readonly clock: Clock;
  /** For TCP, key exchange and host key. */
  readonly connectTimeoutMs: number;
  /** From the host key to being let in. */
  readonly authenticationTimeoutMs: number;
  readonly classify?: (error: Error) => TowlineError | null;
}

/** ssh2's word for "not at the end yet": it goes on with the next way of authentication after these. */
const passingLevels: readonly (string | null)[] = ['agent', 'client-authentication'];

/**
 * One SSH connection, from the first packet to the end of its socket. The socket is ours, so that it can be destroyed:
 * ssh2's own `destroy` does nothing once it began to end.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #client = new Client();
  readonly #socket: Duplex;
  readonly #where: string;
  readonly #ready = Promise.withResolvers<undefined>();
  readonly #listeners: ((reason: TowlineError) => void)[] = [];
  #state: 'connecting' | 'ready' | 'ended' = 'connecting';
  #cause: Error | null = null;
  #reason: TowlineError | null = null;
  #hostKeyRefused = false;
  #authenticating = false;
  /** What the server said in place of its greeting. */
  #said = '';
  #cancelTimer: () => void = () => undefined;
  readonly #parameters: ConnectParameters;

  constructor(parameters: ConnectParameters, options: TransportOptions) {
    this.#options = options;
    this.#parameters = parameters;
    this.#where = `${options.label} (${parameters.host} port ${parameters.port})`;
    this.#socket = parameters.sock ?? dial(parameters);
    // Whoever waits hears of it by `ended` as well.
    this.#ready.promise.catch(() => undefined);
    this.#listen();
    this.#limit(parameters.connectTimeoutMs ?? options.connectTimeoutMs, 'connect');
    this.#start(parameters);
  }

  /** Resolves when the server let us in; rejects with the reason why it did not. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Calls back when it is over, with the reason: at once, ahead of ssh2's own cleaning up, so that nobody sends anything
   * into what is left of it. Not called when it is over already.
   */
  onEnd(listener: (reason: TowlineError) => void): void {
    this.#listeners.push(listener);
  }

  /** Calls `callback` with a channel of its own once the SFTP subsystem there answered; or with an error. */
  startSftp(callback: (error: Error | null, sftp: SFTPWrapper | null) => void): void {
    try {
      this.#client.sftp((error, sftp) => (error ? callback(error, null) : callback(null, sftp)));
    } catch (error) {
      // It throws when the socket is closing.
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  }

  /** Calls `callback` with a channel of its own on which the server runs `line`; or with an error. */
  startExec(line: string, callback: (error: Error | null, channel: ClientChannel | null) => void): void {
    try {
      this.#client.exec(line, (error, channel) => (error ? callback(error, null) : callback(null, channel)));
    } catch (error) {
      // It throws when the socket is closing.
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  }

  /** Calls `callback` with a TCP connection that the server makes to `host`; or with an error. */
  startForward(
    host: string,
    port: number,
    callback: (error: Error | null, channel: ClientChannel | null) => void,
  ): void {
    try {
      this.#client.forwardOut('127.0.0.1', 0, host, port, (error, channel) =>
        error ? callback(error, null) : callback(null, channel),
      );
    } catch (error) {
      // It throws when the socket is closing.
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  }

  /** Ends it at once, whatever the other side does. The first reason counts. */
  destroy(reason: TowlineError): void {
    this.#reason ??= reason;
    this.#socket.destroy();
    this.#end();
  }

  /** Says goodbye, then ends it. Resolves when the socket is closed. */
  async close(reason: TowlineError): Promise<void> {
    this.#reason ??= reason;
    if (this.#socket.closed) return;
    const cancel = this.#options.clock.timer(goodbyeMs, () => this.#socket.destroy());
    // Not `once` of node:events: it rejects when an error comes first, and a reset is an end as well.
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    if (this.#state === 'ready') this.#client.end();
    else this.#socket.destroy();
    await closed;
    cancel();
  }

  #start(parameters: ConnectParameters): void {
    const { ssh, hostVerifier } = parameters;
    try {
      this.#client.connect({
        ...ssh,
        algorithms: { compress: ['none'], ...ssh.algorithms },
        readyTimeout: 0,
        sock: this.#socket,
        hostVerifier: (key: Buffer) => {
          const accepted = hostVerifier(key);
          if (!accepted) this.#hostKeyRefused = true;
          return accepted;
        },
      });
    } catch (error) {
      // A key that cannot be parsed, an unknown algorithm: nothing that another attempt would mend.
      const text = error instanceof Error ? error.message : String(error);
      const details = { host: this.#options.label, cause: error };
      this.destroy(new TowlineError('configuration', `cannot connect to ${this.#where}: ${text}`, details));
    }
  }

  /** These handlers stay for ever: errors may come after the end. */
  #listen(): void {
    this.#client.on('handshake', () => {
      this.#authenticating = true;
      this.#limit(this.#options.authenticationTimeoutMs, 'authenticate');
    });
    this.#client.on('ready', () => {
      if (this.#state !== 'connecting') return;
      this.#state = 'ready';
      this.#cancelTimer();
      this.#ready.resolve(undefined);
    });
    // Nobody would answer, and the server would wait.
    this.#client.on('change password', () => this.destroy(expiredError(this.#options.label)));
    this.#client.on('error', (error) => this.#failed(error));
    this.#client.on('close', () => this.#end());
    // Our half could stay open for as long as something is left to write.
    this.#client.on('end', () => {
      this.#socket.destroy();
      this.#end();
    });
    // sshd says why it will not have us ("Exceeded MaxStartups") ahead of its greeting, and ssh2 keeps it to itself.
    this.#socket.once('data', (data: Buffer) => {
      const [line = ''] = data.toString('latin1', 0, 200).split(/[\r\n]/);
      if (!line.startsWith('SSH-')) this.#said = line;
    });
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => this.#end());
  }

  #failed(error: Error): void {
    const passing = this.#state === 'connecting' && passingLevels.includes(levelOf(error));
    if (this.#cause === null || levelOf(this.#cause) === 'agent') this.#cause = error;
    if (passing) return;
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#state === 'ended') return;
    const wasReady = this.#state === 'ready';
    this.#state = 'ended';
    this.#cancelTimer();
    const reason = this.#reason ?? this.#whyEnded(wasReady);
    this.#ready.reject(reason);
    this.#parameters.ended?.();
    for (const listener of this.#listeners) listener(reason);
  }

  #whyEnded(wasReady: boolean): TowlineError {
    const { label, classify } = this.#options;
    const doing = wasReady ? `lost the connection to ${this.#where}` : `cannot connect to ${this.#where}`;
    const cause = this.#cause ?? new Error('the server closed the connection');
    if (cause instanceof TowlineError) return cause;
    const classified = classify?.(cause) ?? null;
    if (classified !== null) return classified;
    if (this.#hostKeyRefused) return hostKeyError(label);
    if (!wasReady && this.#authenticating && isRefusal(cause)) return refusedError(label, cause);
    return networkError(label, doing, cause, this.#authenticating ? '' : printable(this.#said));
  }

  #limit(ms: number, what: string): void {
    this.#cancelTimer();
    if (this.#state !== 'connecting') return;
    this.#cancelTimer = this.#options.clock.timer(ms, () => {
      if (this.#parameters.asking?.() === true) {
        this.#limit(ms, what);
        return;
      }
      const text = `cannot ${what} to ${this.#where}: no answer within ${Math.round(ms / 1000)} s`;
      const hint = 'Check the host, the port and any firewall in between';
      this.destroy(new TowlineError('network', text, { host: this.#options.label, hint }));
    });
  }
}

/** Ways of authentication used up, here or (by its disconnect message, RFC 4253 section 11.1) there. */
function isRefusal(error: Error): boolean {
  if (levelOf(error) === 'client-authentication') return true;
  // OpenSSH says "Too many authentication failures" as a protocol error (2), others as "no more methods" (14).
  return 'code' in error && (error.code === 2 || error.code === 14);
}

/** A server that is none of SSH may say anything. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').trim();
}

/** How long the socket may take to close after we said goodbye. */
const goodbyeMs = 1000;

function dial(parameters: ConnectParameters): Socket {
  const socket = new GatheringSocket();
  // One request in flight takes 44 ms with Nagle's algorithm, and 0.2 ms without.
  socket.setNoDelay(true);
  return socket.dial({
    host: parameters.host,
    port: parameters.port,
    ...(parameters.family === undefined ? {} : { family: parameters.family }),
    ...(parameters.localAddress === undefined ? {} : { localAddress: parameters.localAddress }),
  });
}
