/** How a command ends: exit codes, and the only `process.exit`. */
import { exitCodeOf, exitCodes, type TowlineError } from '../core/errors.js';
import type { SyncResult } from '../index.js';

/** The exit code of a one-shot run that came to its end. A hold outranks failed paths: both are in the summary. */
export function exitCodeOfResult(result: SyncResult): number {
  if (result.holds.length > 0) return exitCodes.held;
  // Conflicts that wait for a person are problems too.
  return result.failed > 0 || result.problems.length > 0 ? exitCodes.someFailed : exitCodes.done;
}

/** The exit code of a command that ended with an error. */
export function exitCodeOfError(error: TowlineError): number {
  return exitCodeOf(error.code);
}

/** Ends the process with `code`, at once: all output is written synchronously, so nothing is pending. */
export function exitNow(code: number): never {
  process.exit(code);
}
