import { TowlineError } from '../../src/core/errors.js';
import type { CliContext, Output } from '../../src/cli/context.js';
import { runCommandLine } from '../../src/cli/program.js';
import type {
  AgentControl,
  AgentEvent,
  BatchSummary,
  PairOptions,
  RunHooks,
  SyncResult,
} from '../../src/index.js';

/** Nobody asks a fake agent anything. */
const noControl: AgentControl = {
  state: 'watching',
  onState: () => () => undefined,
  status: () => Promise.reject(new Error('no status')),
  pause: () => undefined,
  resume: () => Promise.resolve(),
  flush: () => Promise.resolve(),
  rescan: () => Promise.resolve(),
  resolve: () => Promise.resolve(),
  limit: () => undefined,
};

/** A run that did nothing, and whatever is given. */
export function result(changes: Partial<SyncResult> = {}): SyncResult {
  return {
    transferred: 0,
    skipped: 0,
    deleted: 0,
    moved: 0,
    conflicts: 0,
    failed: 0,
    bytesSent: 0,
    bytesReceived: 0,
    durationMs: 40,
    problems: [],
    kept: 0,
    leftOut: 0,
    directories: 0,
    metadata: 0,
    holds: [],
    ...changes,
  };
}

/** A batch that did nothing, and whatever is given. */
export function batch(changes: Partial<BatchSummary> = {}): BatchSummary {
  return {
    cause: 'changes',
    transferred: 0,
    directories: 0,
    metadata: 0,
    deleted: 0,
    moved: 0,
    kept: 0,
    drifted: 0,
    leftOut: 0,
    skipped: 0,
    failed: 0,
    held: 0,
    conflicts: 0,
    bytesSent: 0,
    bytesReceived: 0,
    durationMs: 41,
    paths: [],
    ...changes,
  };
}

interface Screen extends Output {
  text: string;
}

function screen(isTTY: boolean): Screen {
  const self: Screen = {
    text: '',
    isTTY,
    columns: () => 100,
    write(text) {
      self.text += text;
      return true;
    },
  };
  return self;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What the library was called with, if it was. */
  readonly calls: readonly { readonly name: 'sync' | 'plan' | 'watch'; readonly options: PairOptions }[];
  /** Codes of exits that did not wait for a clean end. */
  readonly exits: readonly number[];
}

export interface World {
  /** Whether stdout and stderr are a terminal. Default: false. */
  readonly tty?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** Default: a directory that is not there. */
  readonly cwd?: string;
  /** What the library tells while it works. */
  readonly events?: readonly AgentEvent[];
  /** How the run ends: a result, or an error. */
  readonly end?: SyncResult | Error;
  /** Called with the function that sends a signal, once the library works; time is in ms. */
  readonly whileRunning?: (signal: (atMs: number) => void) => void;
  /** The agent ignores requests to stop until this resolves. */
  readonly stopping?: Promise<void>;
}

/** Runs one command line against a library that only plays a part. */
export async function run(args: readonly string[], world: World = {}): Promise<Ran> {
  const stdout = screen(world.tty ?? false);
  const stderr = screen(world.tty ?? false);
  const calls: { name: 'sync' | 'plan' | 'watch'; options: PairOptions }[] = [];
  const exits: number[] = [];
  const listeners = new Set<() => void>();
  let nowMs = new Date(2026, 10, 21, 12, 3, 4).getTime();
  const startMs = nowMs;
  const end = world.end ?? result();

  const signal = (atMs: number) => {
    nowMs = startMs + atMs;
    for (const listener of listeners) listener();
  };
  const begin = (name: 'sync' | 'plan' | 'watch', options: PairOptions, hooks: RunHooks) => {
    calls.push({ name, options });
    for (const event of world.events ?? []) hooks.onEvent?.(event);
    world.whileRunning?.(signal);
  };
  const once =
    (name: 'sync' | 'plan') =>
    async (options: PairOptions, hooks: RunHooks = {}) => {
      begin(name, options, hooks);
      if (hooks.signal?.aborted === true) throw hooks.signal.reason;
      if (end instanceof Error) throw end;
      return end;
    };

  const context: CliContext = {
    version: '1.2.3',
    sync: once('sync'),
    plan: once('plan'),
    watch: async (options, hooks) => {
      const done = Promise.withResolvers<undefined>();
      begin('watch', options, hooks ?? {});
      if (end instanceof Error) done.reject(end);
      return {
        done: done.promise,
        stop: async () => {
          await world.stopping;
          done.resolve(undefined);
        },
        summary: () => (end instanceof Error ? result() : end),
        control: noControl,
        alive: () => Promise.resolve(),
      };
    },
    stdout,
    stderr,
    env: { TERM: 'xterm', NO_COLOR: '1', ...world.env },
    cwd: world.cwd ?? '/nowhere',
    now: () => new Date(nowMs),
    onSignal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exitNow: (code) => void exits.push(code),
  };
  const code = await runCommandLine(args, context);
  if (listeners.size > 0) throw new TowlineError('internal', 'the command still listens for signals');
  return { code, stdout: stdout.text, stderr: stderr.text, calls, exits };
}

/** The objects of JSON lines. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
