import { chmodSync, closeSync, fchmodSync, mkdirSync, openSync, statSync } from 'node:fs';
import { hasErrno } from '../core/errors.js';
import { type Place, stateFailure } from './failure.js';

const othersBits = 0o077;

/** Takes away what group and others may do. What the owner took from themselves stays as it is. */
function makePrivate(path: string): void {
  const mode = statSync(path).mode & 0o7777;
  if ((mode & othersBits) !== 0) chmodSync(path, mode & ~othersBits);
}

/**
 * Makes the state folder (and those above it) if it is missing, open to its owner only (0700) whatever the umask; one
 * that exists is closed to all others.
 * @throws `state` when it cannot be made, made private, or is not a directory
 */
export function ensureFolder(place: Place): void {
  try {
    const made = mkdirSync(place.folder, { recursive: true, mode: 0o700 });
    if (made !== undefined) chmodSync(place.folder, 0o700);
    makePrivate(place.folder);
  } catch (error) {
    throw stateFailure(place, error);
  }
}

/**
 * Makes an empty file for SQLite to fill if it is missing, readable by its owner only (0600). SQLite gives the same
 * mode to the `-wal` and `-shm` files beside it.
 *
 * A file that exists is never opened here: POSIX drops *all* of a process's locks on a file when *any* descriptor of it
 * is closed, and so would undo a lock that SQLite holds.
 * @throws whatever the file system reports
 */
export function ensurePrivateFile(file: string): void {
  let made: number;
  try {
    made = openSync(file, 'ax', 0o600);
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error;
    makePrivate(file);
    return;
  }
  fchmodSync(made, 0o600);
  closeSync(made);
}
