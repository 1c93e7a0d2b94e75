/** Runs a program with a list on its standard input, within bounds. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasErrno } from '../core/errors.js';
import { OutputTail } from '../core/output.js';
import type { Clock } from '../ports.js';

export interface ChildRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input, which then ends. */
  readonly input: AsyncIterable<string> | Iterable<string>;
  /** Called with each line of its output, without the end: one character for each byte (latin-1). */
  readonly onLine: (line: string) => void;
  readonly clock: Clock;
  /** Ends it, with all it started: SIGTERM, and SIGKILL two seconds later. */
  readonly signal: AbortSignal;
}

export interface ChildEnd {
  /** `null`: a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** The last 64 Ki characters. */
  readonly stderr: string;
}

const killMs = 2_000;
/** What it started in the background may hold its output open: its own end counts. */
const outputMs = 500;
const lineMax = 64 * 1024;

/**
 * Resolves when it has ended and said all it had to say.
 * @throws the error of the system when it cannot be started (`ENOENT`), what `input` throws, the signal's reason
 */
export async function runChild(run: ChildRun): Promise<ChildEnd> {
  const { command, args, env, clock, signal } = run;
  signal.throwIfAborted();
  // A group of its own: Ctrl-C is ours to answer, no terminal is there to ask on, and it ends with all it started.
  const child = spawn(command, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = (how: NodeJS.Signals) => killGroup(child.pid, how);
  const ending = new Ending(kill, clock);
  const stderr = new OutputTail();
  child.stderr.on('data', (data: Buffer) => stderr.add(data));
  const lines = new ByteLines(run.onLine);
  child.stdout.on('data', (data: Buffer) => lines.add(data));
  const onAbort = () => ending.begin();
  signal.addEventListener('abort', onAbort, { once: true });
  const fed = feed(run.input, child.stdin).then(
    () => null,
    (error: unknown) => {
      ending.begin();
      return error instanceof Error ? error : new Error(String(error));
    },
  );
  try {
    const { code, by } = await new Promise<{ code: number | null; by: string | null }>((resolve, reject) => {
      let cancel = () => undefined as void;
      const end = (exit: number | null, name: NodeJS.Signals | null) => {
        cancel();
        resolve({ code: exit, by: name });
      };
      child.once('error', reject);
      child.once('close', end);
      child.once('exit', (exit, name) => {
        cancel = clock.timer(outputMs, () => end(exit, name));
      });
    });
    child.stdin.destroy();
    const failure = await fed;
    signal.throwIfAborted();
    if (failure !== null) throw failure;
    return { code, signal: by, stderr: stderr.text };
  } finally {
    signal.removeEventListener('abort', onAbort);
    ending.dispose();
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** A program that ends early need not read all: that is no failure of the list. */
async function feed(input: ChildRun['input'], stdin: NodeJS.WritableStream): Promise<void> {
  try {
    await pipeline(Readable.from(input, { objectMode: true }), stdin);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ERR_STREAM_DESTROYED')
      throw error;
  }
}

function killGroup(pid: number | undefined, how: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, how);
  } catch (error) {
    // The whole group is gone already.
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}

class Ending {
  readonly #kill: (how: NodeJS.Signals) => void;
  readonly #clock: Clock;
  #cancel: (() => void) | null = null;
  readonly #onExit = () => this.#kill('SIGTERM');

  constructor(kill: (how: NodeJS.Signals) => void, clock: Clock) {
    this.#kill = kill;
    this.#clock = clock;
    // When this process is ended at once, it does not go on alone.
    process.once('exit', this.#onExit);
  }

  begin(): void {
    if (this.#cancel !== null) return;
    this.#cancel = this.#clock.timer(killMs, () => this.#kill('SIGKILL'));
    this.#kill('SIGTERM');
  }

  dispose(): void {
    this.#cancel?.();
    process.removeListener('exit', this.#onExit);
  }
}

/** Cuts bytes into lines; what is longer than any line of rsync is cut. */
class ByteLines {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  add(data: Buffer): void {
    const lines = (this.#rest + data.toString('latin1')).split('\n');
    this.#rest = lines.pop()!.slice(0, lineMax);
    for (const line of lines) this.#onLine(line);
  }
}
