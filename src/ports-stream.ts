/** Commands of ours on the server whose output is read as it comes: `find`, `sha256sum`, `inotifywait`. */

export interface StreamRun {
  /** Text without NUL that the command may read; then its standard input ends. Default: nothing. */
  readonly stdin?: string;
  /** Ends it at once, with all it started; reading on then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called with each piece of its standard error as it comes. */
  readonly onStderr?: (text: string) => void;
}

/** How such a command ended. */
export interface StreamEnd {
  /** Its exit code; `null` when a signal or we ended it. */
  readonly code: number | null;
  /** The last 64 Ki characters. */
  readonly stderr: string;
}

/** A command that runs, or is about to: it begins at once, whether or not anybody reads. */
export interface CommandStream {
  /**
   * Its standard output, to be read once. What is not read holds the command back, at some megabytes at most. Ends with
   * the command, whatever its exit code.
   * @throws `network`, `unsupported` (the side runs no commands), the signal's reason
   */
  readonly stdout: AsyncIterable<Buffer>;
  /** Settles when all output was read; rejects as `stdout` does. */
  readonly ended: Promise<StreamEnd>;
  /** Ends it at once, with all it started: SIGTERM, and SIGKILL two seconds later. What it wrote until then may be lost. */
  end(): void;
}

/**
 * Starts a script for a POSIX shell, in the root of the remote side.
 * @throws `unsupported` when no shell there shows that very directory, or the tool that the script needs is missing
 */
export type StartStream = (script: string, run?: StreamRun) => Promise<CommandStream>;
