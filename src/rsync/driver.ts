/** Runs rsync until it came to its end, or a person is needed. */
import { pause } from '../core/abort.js';
import { backoff } from '../core/retry.js';
import { hasCode, retryClassOf, type TowlineError } from '../core/errors.js';
import type { Clock, Log } from '../ports.js';
import { rsyncArguments, type RsyncRun } from './arguments.js';
import { type ChildEnd, runChild } from './child.js';
import { rsyncEnvironment } from './environment.js';
import { failureOf } from './failure.js';
import { notInstalled } from './installed.js';
import { type Item, readItem } from './itemized.js';

/** Runs that end with the connection, in a row. */
const attemptsMax = 4;
const pauseFirstMs = 1_000;
const pauseMaxMs = 15_000;

export interface Driver {
  /**
   * Carries these paths; what broke off is gone on with.
   * @param paths made anew for each attempt
   * @param onItem may hear of a path again after the connection went
   * @returns `null`, or why some paths were not carried
   * @throws `network` after several attempts; `authentication`, `host-key`, `unsupported`, …; what `paths` throws; the
   * signal's reason
   */
  carry(
    paths: () => AsyncIterable<string> | Iterable<string>,
    onItem: (item: Item) => void,
  ): Promise<TowlineError | null>;
}

export interface DriverParts {
  readonly run: RsyncRun;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function createDriver(parts: DriverParts): Driver {
  const { clock, log, signal } = parts;
  const args = rsyncArguments(parts.run);
  return {
    carry: async (paths, onItem) => {
      for (let failures = 1; ; failures++) {
        const { error, partial } = await attempt(parts, args, terminated(paths()), onItem);
        if (error === null || partial) return error;
        if (retryClassOf(error.code) !== 'link' || failures === attemptsMax) throw error;
        const delayMs = backoff(pauseFirstMs, pauseMaxMs, failures - 1) * (0.9 + clock.random() * 0.2);
        log.warn('rsync lost the connection and goes on in a moment', { error: error.message, delayMs });
        await pause(clock, delayMs, signal);
        signal.throwIfAborted();
      }
    },
  };
}

interface Attempted {
  /** `null`: all is well. */
  readonly error: TowlineError | null;
  readonly partial: boolean;
}

/** One run; a list that breaks off with the link is as if rsync had lost it. */
async function attempt(
  parts: DriverParts,
  args: readonly string[],
  input: AsyncIterable<string>,
  onItem: (item: Item) => void,
): Promise<Attempted> {
  const { run, env, log } = parts;
  try {
    const end = await runRsync(parts, args, env, input, onItem);
    const { code, signal, stderr } = end;
    if (code !== 0 || stderr !== '') log.debug('rsync said', { code, signal, text: stderr });
    return code === 0 ? { error: null, partial: false } : failureOf(end, run.server.label);
  } catch (error) {
    if (hasCode(error, 'network')) return { error, partial: false };
    throw error;
  }
}

async function runRsync(
  { clock, signal }: DriverParts,
  args: readonly string[],
  env: DriverParts['env'],
  input: AsyncIterable<string>,
  onItem: (item: Item) => void,
): Promise<ChildEnd> {
  const onLine = (line: string) => {
    const item = readItem(line);
    if (item !== null) onItem(item);
  };
  try {
    return await runChild({
      command: 'rsync',
      args,
      env: rsyncEnvironment(env),
      input,
      onLine,
      clock,
      signal,
    });
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn'))
      throw notInstalled(error);
    throw error;
  }
}

const chunkMax = 32 * 1024;

/** As rsync reads them: each begins with `./`, lest a hash or semicolon make it a comment, and ends with NUL. */
async function* terminated(
  paths: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string, void, undefined> {
  let chunk = '';
  for await (const path of paths) {
    chunk += `./${path}\0`;
    if (chunk.length < chunkMax) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}
