/** The contract of running commands of the user, on either side. See ports.ts for the others. */
import type { Side } from './core/entry.js';

/** How a command ended that was run here or on the server. */
export interface CommandResult {
  /** Its exit code; `null` when a signal or we ended it. */
  readonly code: number | null;
  /** The signal that ended it, `TERM`, or `null`. */
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** The last 64 Ki characters of each. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandRun {
  /** For a shell, in the root of the side it runs on. */
  readonly command: string;
  /** What it may read; then its standard input ends. */
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
  /** It is ended, with all it started, when it takes longer. */
  readonly timeoutMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** Called with each piece of text as it comes. */
  readonly onOutput: (output: 'stdout' | 'stderr', text: string) => void;
}

/** Runs commands of the user. */
export interface Commands {
  /**
   * Resolves when the command has ended, whatever its exit code.
   * @throws `network` (the link went, or there is none), `unsupported` (the side runs no commands), the signal's reason
   */
  run(side: Side, run: CommandRun): Promise<CommandResult>;
}
