import { isErrorCode } from '../core/errors.js';
import type { Cause, QueueRow } from '../ports-state.js';
import { pathOf } from './key.js';

/** A row of the table `queue`, whole. */
export interface StoredRow {
  readonly key: Buffer;
  readonly cause: Cause;
  readonly generation: number;
  readonly since_ms: number;
  readonly attempts: number;
  readonly not_before_ms: number;
  readonly held: number;
  readonly problem_code: string | null;
  readonly problem_message: string | null;
}

/** The row as the engine sees it. */
export function decodeRow(row: StoredRow): QueueRow {
  const { problem_code: code, problem_message: message } = row;
  return {
    path: pathOf(row.key),
    cause: row.cause,
    generation: row.generation,
    sinceMs: row.since_ms,
    attempts: row.attempts,
    notBeforeMs: row.not_before_ms,
    held: row.held === 1,
    // Another version may have written what this one does not know.
    problem: code === null ? null : { code: isErrorCode(code) ? code : 'internal', message: message ?? '' },
  };
}
