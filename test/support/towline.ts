import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SyncResult } from '../../src/engine/events.js';
import type { SyncOptions } from '../../src/library/sync-options.js';
import { freshFolder } from './folder.js';
import type { TestSshd } from './sshd.js';

/** The built command, as a user runs it. */
export const towlineFile = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Two folders, a server between them, and a state folder: what most runs need. */
export interface TestPair {
  readonly local: string;
  /** Where the remote folder lies on this machine. */
  readonly remote: string;
  /** `HOST:PATH`, by the alias of the server's ssh_config. */
  readonly target: string;
  readonly stateDir: string;
  /** Flags that name the server, its key and the state folder. */
  readonly flags: readonly string[];
}

/** A fresh pair on `sshd`; the remote folder exists and is empty. */
export function freshPair(sshd: TestSshd): TestPair {
  const folder = freshFolder('pair');
  const local = join(folder, 'local');
  const remote = join(folder, 'remote');
  const stateDir = join(folder, 'state');
  mkdirSync(local);
  mkdirSync(remote);
  return {
    local,
    remote,
    target: `box:${remote}`,
    stateDir,
    flags: ['-F', sshd.sshConfigFile, '--state-dir', stateDir],
  };
}

/** The options of the library for such a pair. */
export function optionsOf(pair: TestPair, more: Partial<SyncOptions> = {}): SyncOptions {
  const [, sshConfig] = pair.flags;
  return { local: pair.local, remote: pair.target, sshConfig: sshConfig!, stateDir: pair.stateDir, ...more };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A command that runs ours, e.g. `setpriv …`. */
  readonly wrap?: readonly string[];
}

function launch(args: readonly string[], { cwd, env, wrap = [] }: RunOptions): ChildProcess {
  const [command, ...rest] = [...wrap, process.execPath, towlineFile, ...args];
  return spawn(command!, rest, {
    cwd: cwd ?? process.cwd(),
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs the command to its end. */
export async function towline(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = launch(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** What a command that runs once printed with `--json`, and how it ended. */
export type RunResult = SyncResult & { readonly code: number | null; readonly stderr: string };

/** Commands that run once. */
export type Verb = 'push' | 'pull' | 'sync';

/** Runs one of them with `--json` on a pair to its end. */
export async function run(
  verb: Verb,
  pair: TestPair,
  flags: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  const args = [verb, pair.local, pair.target, ...pair.flags, '--json', ...flags];
  const { code, stdout, stderr } = await towline(args, options);
  try {
    return { ...(JSON.parse(stdout) as SyncResult), code, stderr };
  } catch {
    throw new Error(`${verb} --json printed no object (exit ${String(code)}): ${stdout}\n${stderr}`);
  }
}

export function push(pair: TestPair, flags?: readonly string[], options?: RunOptions): Promise<RunResult> {
  return run('push', pair, flags, options);
}

/** One JSON line of `watch`. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event?: string; readonly msg?: string };

/** A `watch` under way. */
export interface Watching {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly lines: readonly LogLine[];
  /** The first line, printed already or to come, for which `test` is true; rejects when the process ends first. */
  line(test: (line: LogLine) => boolean, from?: number): Promise<LogLine>;
  /** Resolves once it says that it watches. */
  ready(): Promise<void>;
  /** Asks it to end and resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

/** Starts `watch` on a pair. It is killed with the test process at the latest. */
export function watch(pair: TestPair, flags: readonly string[] = [], options: RunOptions = {}): Watching {
  const child = launch(['watch', pair.local, pair.target, ...pair.flags, '--json', ...flags], options);
  const lines: LogLine[] = [];
  const wakers = new Set<() => void>();
  let over = false;
  let stderr = '';
  const wake = () => {
    for (const waker of wakers) waker();
  };
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface({ input: child.stdout! }).on('line', (text) => {
    lines.push(JSON.parse(text) as LogLine);
    wake();
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'close').then(([code]) => {
    process.removeListener('exit', kill);
    over = true;
    wake();
    return code as number | null;
  });
  const line: Watching['line'] = async (test, from = 0) => {
    for (let next = from; ;) {
      for (; next < lines.length; next++) if (test(lines[next]!)) return lines[next]!;
      if (over) throw new Error(`watch ended: ${JSON.stringify(lines.slice(-20), null, 1)}\n${stderr}`);
      await new Promise<void>((resolve) => {
        const waker = () => {
          wakers.delete(waker);
          resolve();
        };
        wakers.add(waker);
      });
    }
  };
  return {
    pid: child.pid!,
    process: child,
    lines,
    line,
    ready: async () => {
      await line(({ event }) => event === 'watching');
    },
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
    ended,
  };
}
