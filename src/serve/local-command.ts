import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { hasErrno, TowlineError } from '../core/errors.js';
import { OutputTail } from '../core/output.js';
import type { Clock, CommandResult, CommandRun } from '../ports.js';
import { hookEnvironment } from './hook-environment.js';

/** From SIGTERM to SIGKILL. */
const killMs = 2_000;
/** What it started in the background may hold its output open: its own end counts. */
const outputMs = 500;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Runs a command on this machine, by its shell, in `directory`.
 * @throws `unsupported` when no shell can be started; the signal's reason
 */
export async function runLocalCommand(
  directory: string,
  run: CommandRun,
  clock: Clock,
): Promise<CommandResult> {
  run.signal.throwIfAborted();
  const child: Child = spawn(run.command, {
    shell: true,
    cwd: directory,
    env: hookEnvironment(process.env, run.environment),
    // A group of its own, so that all it starts can be ended with it, and so that Ctrl-C is ours to answer.
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout = listen(child.stdout, (text) => run.onOutput('stdout', text));
  const stderr = listen(child.stderr, (text) => run.onOutput('stderr', text));
  // A command need not read what it is given.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.stdin);
  const ending = new Ending(child, clock);
  const cancelTimeout = clock.timer(run.timeoutMs, () => ending.timeOut());
  const onAbort = () => ending.now();
  run.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { code, signal } = await ended(child, clock, run.command, directory);
    run.signal.throwIfAborted();
    return { code, signal, timedOut: ending.timedOut, stdout: stdout.text, stderr: stderr.text };
  } finally {
    cancelTimeout();
    run.signal.removeEventListener('abort', onAbort);
    ending.dispose();
  }
}

function listen(stream: Readable, onText: (text: string) => void): OutputTail {
  const tail = new OutputTail();
  stream.on('data', (data: Buffer) => onText(tail.add(data)));
  return tail;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** Resolves when it has ended and said all it had to say. */
function ended(child: Child, clock: Clock, command: string, directory: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      reject(
        new TowlineError('unsupported', `'${command}' cannot be run here: ${error.message}`, {
          path: directory,
          cause: error,
        }),
      );
    });
    let cancel: () => void = () => undefined;
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      cancel();
      // Nobody listens any more: what still holds the other ends must not keep us.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code, signal: signal?.replace(/^SIG/, '') ?? null });
    };
    child.on('exit', (code, signal) => {
      cancel = clock.timer(outputMs, () => end(code, signal));
    });
    child.on('close', end);
  });
}

/** Ends a command with all that it started. */
class Ending {
  timedOut = false;
  readonly #child: Child;
  readonly #clock: Clock;
  #cancel: () => void = () => undefined;
  readonly #onExit = () => this.#kill('SIGKILL');

  constructor(child: Child, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    // When this process is ended at once, nothing of the command stays behind.
    process.once('exit', this.#onExit);
  }

  timeOut(): void {
    this.timedOut = true;
    this.#kill('SIGTERM');
    this.#cancel = this.#clock.timer(killMs, () => this.#kill('SIGKILL'));
  }

  now(): void {
    this.#cancel();
    this.#kill('SIGKILL');
  }

  dispose(): void {
    this.#cancel();
    process.removeListener('exit', this.#onExit);
    // It ended; what it started did not, and was to.
    if (this.timedOut) this.#kill('SIGKILL');
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (process.platform === 'win32') this.#child.kill(signal);
      else process.kill(-pid, signal);
    } catch (error) {
      // The whole group is gone already.
      if (!hasErrno(error, 'ESRCH')) throw error;
    }
  }
}
