/** What the command line needs of the world. The real one is put together in start.ts; tests pass their own. */
import type { PairOptions, PlanHooks, Prompts, RunHooks, RunningAgent, SyncResult } from '../index.js';

/** Where text goes. Writing is synchronous, so that nothing is lost when the process exits. */
export interface Output {
  /** Writes all of `text`. False when it could not be written (reader gone, disk full); never throws. */
  write(text: string): boolean;
  readonly isTTY: boolean;
  /** It goes to systemd's journal: a line may begin with its priority. Default: false. */
  readonly isJournal?: boolean;
  /** Width of the terminal in characters; asked for again each time, since windows are resized. */
  columns(): number;
}

/** Sink of log messages, as the library takes it. */
export type Log = NonNullable<RunHooks['log']>;

export interface CliContext {
  readonly version: string;
  /** `sync`, `plan` and `watch` of the library. */
  readonly sync: (options: PairOptions, hooks?: RunHooks) => Promise<SyncResult>;
  readonly plan: (options: PairOptions, hooks?: PlanHooks) => Promise<SyncResult>;
  readonly watch: (options: PairOptions, hooks?: RunHooks) => Promise<RunningAgent>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The person at the terminal; absent where standard input or standard error is none. */
  readonly prompts?: Prompts;
  readonly env: NodeJS.ProcessEnv;
  /** The working directory. */
  readonly cwd: string;
  now(): Date;
  /** Calls back whenever the process is asked to stop (SIGINT, SIGTERM, SIGHUP), until the returned function is called. */
  onSignal(listener: () => void): () => void;
  /** Ends the process at once. */
  exitNow(code: number): void;
}
