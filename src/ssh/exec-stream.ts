import type { ClientChannel } from 'ssh2';
import { OutputTail } from '../core/output.js';
import type { CommandStream, StreamEnd } from '../ports-stream.js';
import type { StreamOptions } from './channel.js';
import { channelClosed, commandsRefused, type ExecParts, noChannelInTime } from './exec.js';
import { commandLine } from './exec-script.js';

/** Output held for whoever reads, bytes; beyond it the channel waits (ssh2 itself holds up to 4 MiB). */
const heldMax = 1024 * 1024;

/** One helper on the server, from the opening of its channel to its end. See `StreamSession.stream`. */
export class ExecStream implements CommandStream {
  readonly stdout: AsyncIterable<Buffer>;
  readonly ended: Promise<StreamEnd>;
  readonly #parts: ExecParts;
  readonly #options: StreamOptions;
  readonly #stderr = new OutputTail();
  readonly #settled = Promise.withResolvers<StreamEnd>();
  readonly #onAbort = (): void => this.#giveUp(this.#options.signal?.reason as Error);
  #channel: ClientChannel | null = null;
  #code: number | null = null;
  #exited = false;
  #over = false;
  #failure: { readonly reason: Error } | null = null;
  #pieces: Buffer[] = [];
  #heldBytes = 0;
  #wake: () => void = () => undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(parts: ExecParts, script: string, options: StreamOptions) {
    this.#parts = parts;
    this.#options = options;
    this.stdout = { [Symbol.asyncIterator]: () => this.#read() };
    this.ended = this.#settled.promise;
    // Who reads `stdout` is told there.
    this.ended.catch(() => undefined);
    if (options.signal?.aborted === true) this.#onAbort();
    else this.#begin(script);
  }

  /** There is no connection any more. */
  fail(reason: Error): void {
    if (this.#over) return;
    this.#failure = { reason };
    this.#pieces = [];
    this.#finish(() => this.#settled.reject(reason));
  }

  end(): void {
    if (this.#over) return;
    this.#finish(() => this.#settled.resolve({ code: null, stderr: this.#stderr.text }));
    this.#letGo();
  }

  #giveUp(reason: Error): void {
    this.fail(reason);
    this.#letGo();
  }

  #begin(script: string): void {
    const { label, clock, openTimeoutMs, start } = this.#parts;
    const { stdin = '', directory = '.', environment = {}, signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#cancelTimer = clock.timer(openTimeoutMs, () => this.#giveUp(noChannelInTime(label)));
    const data = Buffer.from(stdin);
    const options = { stdinBytes: data.length, directory, environment, shell: 'sh' } as const;
    start(commandLine(script, options), (error, channel) => {
      this.#cancelTimer();
      this.#channel = channel;
      if (this.#over) this.#letGo();
      else if (channel === null) this.fail(commandsRefused(label, error));
      else this.#run(channel, data);
    });
  }

  #run(channel: ClientChannel, stdin: Buffer): void {
    channel.on('data', (data: Buffer) => this.#hold(channel, data));
    channel.stderr.on('data', (data: Buffer) => {
      const text = this.#stderr.add(data);
      if (!this.#over) this.#options.onStderr?.(text);
    });
    channel.on('exit', (code: number | null) => {
      this.#exited = true;
      this.#code = code;
    });
    // It comes when all output was given to us.
    channel.on('close', () => this.#closed());
    // The connection's end says more than the channel's, and comes by `fail`.
    channel.on('error', () => undefined);
    channel.write(stdin);
  }

  #hold(channel: ClientChannel, data: Buffer): void {
    if (this.#over) return;
    this.#pieces.push(data);
    this.#heldBytes += data.length;
    if (this.#heldBytes > heldMax) channel.pause();
    this.#wake();
  }

  #closed(): void {
    if (!this.#exited) this.fail(channelClosed(this.#parts.label));
    else this.#finish(() => this.#settled.resolve({ code: this.#code, stderr: this.#stderr.text }));
  }

  #finish(settle: () => void): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    settle();
    this.#wake();
  }

  /** Its lifeline is its standard input, and not every server passes on a signal. What still comes is let go by. */
  #letGo(): void {
    const channel = this.#channel;
    if (channel === null) return;
    channel.resume();
    channel.signal('TERM');
    channel.end();
    channel.close();
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const pieces = this.#pieces;
        this.#pieces = [];
        this.#heldBytes = 0;
        this.#channel?.resume();
        yield* pieces;
        if (this.#failure !== null) throw this.#failure.reason;
        if (this.#pieces.length > 0) continue;
        if (this.#over) return;
        const { promise, resolve } = Promise.withResolvers<undefined>();
        this.#wake = () => resolve(undefined);
        await promise;
      }
    } finally {
      // Who stops reading wants no more of it.
      this.end();
    }
  }
}

/** A stream that never began. */
export function failedStream(reason: Error): CommandStream {
  const ended = Promise.reject<StreamEnd>(reason);
  ended.catch(() => undefined);
  return {
    stdout: {
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject<IteratorResult<Buffer>>(reason) }),
    },
    ended,
    end: () => undefined,
  };
}
