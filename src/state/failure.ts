import Database from 'better-sqlite3';
import { statfsSync } from 'node:fs';
import { asTowlineError, TowlineError } from '../core/errors.js';

/** Which state is meant, for people. */
export interface Place {
  /** The folder that holds the database. */
  readonly folder: string;
  /** The pair it belongs to, as the user would write it. */
  readonly label: string;
}

/** What happened and what to do, by the condition the operating system or SQLite reported. */
const conditions = {
  full: ['its disk is full', 'Free some space there, or choose another place with --state-dir'],
  readOnly: [
    'it cannot be written',
    'Give this user write permission there, or choose another place with --state-dir',
  ],
  busy: [
    'another program keeps its database locked',
    'End whatever has state.sqlite open (a backup, a database viewer) and try again',
  ],
  damaged: [
    'its database is damaged',
    'Start again: the database is set aside and rebuilt by comparing both sides; nothing is deleted for it',
  ],
  notFolder: [
    'it, or something above it, is not a directory',
    'Move the file away, or choose another place with --state-dir',
  ],
  unreadable: [
    'the operating system failed to read or write it',
    'Check that disk, or choose another place with --state-dir',
  ],
} as const;

type Condition = keyof typeof conditions;

const conditionOfCode: Record<string, Condition> = {
  SQLITE_FULL: 'full',
  SQLITE_READONLY: 'readOnly',
  SQLITE_PERM: 'readOnly',
  SQLITE_CANTOPEN: 'readOnly',
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
  SQLITE_PROTOCOL: 'busy',
  SQLITE_CORRUPT: 'damaged',
  SQLITE_NOTADB: 'damaged',
  SQLITE_IOERR: 'unreadable',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EACCES: 'readOnly',
  EPERM: 'readOnly',
  EROFS: 'readOnly',
  ENOTDIR: 'notFolder',
  EEXIST: 'notFolder',
  EIO: 'unreadable',
};

/** SQLite's primary code: `SQLITE_BUSY` for `SQLITE_BUSY_SNAPSHOT`; other codes as they are. */
function primaryCode(error: unknown): string | null {
  if (error instanceof Database.SqliteError) return error.code.split('_').slice(0, 2).join('_');
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return null;
}

/** Whether SQLite found that the file is not a database, or not a whole one. */
function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB';
}

/**
 * Whether a file that is being opened is damaged. There SQLite is only asked for what every database can answer: a bare
 * SQLITE_ERROR then means a header or a schema it cannot make sense of.
 */
export function isDamageAtOpening(error: unknown): boolean {
  return isDamage(error) || primaryCode(error) === 'SQLITE_ERROR';
}

/** Whether SQLite gave up waiting for another connection's lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === 'SQLITE_BUSY';
}

/** Whether no byte or no file fits on the volume: SQLite reports some of these cases as bare I/O errors. */
function isVolumeFull(folder: string): boolean {
  try {
    const space = statfsSync(folder);
    return space.bavail === 0 || (space.files > 0 && space.ffree === 0);
  } catch {
    // This only chooses the wording for a failure that is reported in any case.
    return false;
  }
}

/**
 * The `state` error for a failure of SQLite or of the file system in the state folder, told apart by code. Our own
 * errors pass unchanged; what has no known code becomes `internal`.
 */
export function stateFailure(place: Place, error: unknown): TowlineError {
  if (error instanceof TowlineError) return error;
  const code = primaryCode(error);
  if (code === null) return asTowlineError(error);
  let condition = conditionOfCode[code] ?? 'unreadable';
  const vague = condition === 'unreadable' || code === 'SQLITE_CANTOPEN';
  if (vague && isVolumeFull(place.folder)) condition = 'full';
  const [what, hint] = conditions[condition];
  return new TowlineError(
    'state',
    `the state of ${place.label} in ${place.folder} cannot be used: ${what} (${code})`,
    {
      path: place.folder,
      hint,
      cause: error,
    },
  );
}
