import type { ClientChannel } from 'ssh2';
import { TowlineError } from '../core/errors.js';
import { OutputTail } from '../core/output.js';
import type { Clock, CommandResult } from '../ports.js';
import type { ExecOptions } from './channel.js';
import { commandLine } from './exec-script.js';

/** How long the other side may take to end the command before we stop waiting for it. */
const endingMs = 4_000;
/** What it started in the background may hold its output open: its own end counts. */
const outputMs = 1_000;

export interface ExecParts {
  readonly label: string;
  readonly clock: Clock;
  /** How long a channel may take to open. */
  readonly openTimeoutMs: number;
  /** Opens a channel for a command line; calls back once. */
  readonly start: (
    line: string,
    callback: (error: Error | null, channel: ClientChannel | null) => void,
  ) => void;
}

/** One command on the server, from the opening of its channel to its end. */
export class Exec {
  /** See `ExecSession.exec`. */
  readonly result: Promise<CommandResult>;
  readonly #parts: ExecParts;
  readonly #options: ExecOptions;
  readonly #stdout = new OutputTail();
  readonly #stderr = new OutputTail();
  readonly #settled = Promise.withResolvers<CommandResult>();
  readonly #onAbort: () => void;
  #channel: ClientChannel | null = null;
  #exit: { code: number | null; signal: string | null } | null = null;
  #timedOut = false;
  #over = false;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: ExecParts, command: string, options: ExecOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#onAbort = () => {
      this.#letGo();
      this.fail(options.signal?.reason as Error);
    };
    this.result = this.#settled.promise.finally(() => {
      this.#over = true;
      this.#cancelTimer();
      options.signal?.removeEventListener('abort', this.#onAbort);
    });
    if (options.signal?.aborted === true) this.#onAbort();
    else this.#begin(command);
  }

  /** Gives up: there is no connection any more. */
  fail(reason: Error): void {
    this.#settled.reject(reason);
  }

  #begin(command: string): void {
    const { label, openTimeoutMs, start } = this.#parts;
    const { stdin = '', directory = '.', environment = {}, signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#wait(openTimeoutMs, () => this.fail(noChannelInTime(label)));
    const data = Buffer.from(stdin);
    start(commandLine(command, { stdinBytes: data.length, directory, environment }), (error, channel) => {
      this.#channel = channel;
      if (this.#over) this.#letGo();
      else if (channel === null) this.fail(commandsRefused(this.#parts.label, error));
      else this.#run(channel, data);
    });
  }

  #run(channel: ClientChannel, stdin: Buffer): void {
    this.#wait(this.#options.timeoutMs, () => {
      this.#timedOut = true;
      this.#letGo();
      this.#wait(endingMs, () => this.#cut());
    });
    channel.on('data', (data: Buffer) => this.#output('stdout', data));
    channel.stderr.on('data', (data: Buffer) => this.#output('stderr', data));
    channel.on('exit', (code: number | null, signal?: string) => {
      this.#exit = { code, signal: signal ?? null };
      this.#wait(outputMs, () => this.#cut());
    });
    channel.on('close', () => this.#end());
    // The connection's end says more than the channel's, and comes by `fail`.
    channel.on('error', () => undefined);
    channel.write(stdin);
  }

  #output(output: 'stdout' | 'stderr', data: Buffer): void {
    const text = (output === 'stdout' ? this.#stdout : this.#stderr).add(data);
    if (!this.#over) this.#options.onOutput?.(output, text);
  }

  /** Ends the command: its lifeline is its standard input, and not every server passes on a signal. */
  #letGo(): void {
    const channel = this.#channel;
    if (channel === null) return;
    channel.signal('TERM');
    channel.end();
    if (this.#over || this.#options.signal?.aborted === true) channel.close();
  }

  /** Waits no longer. */
  #cut(): void {
    this.#channel?.signal('KILL');
    this.#channel?.close();
    this.#end();
  }

  #end(): void {
    const { code = null, signal = null } = this.#exit ?? {};
    if (this.#exit === null && !this.#timedOut) {
      this.fail(channelClosed(this.#parts.label));
      return;
    }
    const timedOut = this.#timedOut;
    this.#settled.resolve({ code, signal, timedOut, stdout: this.#stdout.text, stderr: this.#stderr.text });
  }

  #wait(ms: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#parts.clock.timer(ms, callback);
  }
}

/** The server opened no channel for a command, or did not take it. */
export function commandsRefused(label: string, error: Error | null): TowlineError {
  const serverText = error?.message ?? '';
  return new TowlineError(
    'unsupported',
    `${label} runs no commands${serverText === '' ? '' : `: ${serverText}`}`,
    {
      host: label,
      serverText,
      cause: error,
    },
  );
}

/** No channel was opened for as long as we wait. */
export function noChannelInTime(label: string): TowlineError {
  return new TowlineError('network', `${label} opened no channel for a command in time`, { host: label });
}

/** The channel of a command went away without a word about how the command ended. */
export function channelClosed(label: string): TowlineError {
  return new TowlineError('network', `${label} closed the channel of a command`, { host: label });
}
