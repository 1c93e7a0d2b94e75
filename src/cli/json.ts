/** The one object that `--json` writes to stdout. Fields are named here one by one, so that nothing else slips in. */
import type { TowlineError } from '../core/errors.js';
import type { PlannedAction, SyncResult } from '../index.js';
import type { CliContext } from './context.js';

/** The object of a run. */
export function resultObject(result: SyncResult): SyncResult {
  return {
    transferred: result.transferred,
    skipped: result.skipped,
    deleted: result.deleted,
    conflicts: result.conflicts,
    failed: result.failed,
    bytesSent: result.bytesSent,
    bytesReceived: result.bytesReceived,
    durationMs: result.durationMs,
    problems: result.problems.map(({ path, code, message }) => ({ path, code, message })),
    moved: result.moved,
    kept: result.kept,
    leftOut: result.leftOut,
    directories: result.directories,
    metadata: result.metadata,
    holds: result.holds.map(({ cause, message, deletions }) => ({ cause, message, deletions })),
  };
}

/** The object of a dry run. */
export function planObject(
  actions: readonly PlannedAction[],
  totals: SyncResult,
): { actions: PlannedAction[]; totals: SyncResult } {
  return {
    actions: actions.map(({ action, path, from, bytes, reason }) => ({
      action,
      path,
      ...(from === undefined ? {} : { from }),
      bytes,
      reason,
    })),
    totals: resultObject(totals),
  };
}

/** The object of a command that ended with an error. */
export function errorObject(error: TowlineError): { error: { code: string; message: string } } {
  return { error: { code: error.code, message: error.message } };
}

/**
 * Writes one object, on one line, to stdout.
 * @returns false, with a word on stderr, when it could not be written
 */
export function writeObject(context: CliContext, object: object): boolean {
  if (context.stdout.write(`${JSON.stringify(object)}\n`)) return true;
  context.stderr.write('towline: the JSON object could not be written to standard output\n');
  return false;
}
