/** The last step of every new file and link: the temp takes the name of its destination. */
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import type { Entry, Kind } from '../../core/entry.js';
import { hasErrno, TowlineError } from '../../core/errors.js';
import { checkExpected } from '../expected.js';
import { localError } from './errors.js';
import { entryFrom } from './stats.js';

interface Publication {
  readonly from: string;
  readonly to: string;
  /** The destination as the user would write it. */
  readonly shown: string;
  readonly kind: Kind;
}

/** What a file system says that has no hard links (or no more for this file). */
const noLinks = ['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'];

/**
 * Renames `from` to `to`; see `Temp.publish` for what `expected` means.
 * @throws `exists`, `changed`, and errors of renaming
 */
export function publishAt(publication: Publication, expected: Entry | null): void {
  const { from, to, shown } = publication;
  try {
    if (expected !== null) {
      requireExpected(publication, expected);
      renameSync(from, to);
    } else if (linkTo(publication)) unlinkSync(from);
    else renameToNothing(publication);
  } catch (error) {
    if (error instanceof TowlineError) throw error;
    if (hasErrno(error, 'ENOTEMPTY')) throw taken(shown, error);
    throw localError(error, 'put the new version in the place of', shown);
  }
}

/** Whoever saved the file since it was looked at keeps what they saved. A directory is left to the rename, which refuses it. */
function requireExpected({ to, shown }: Publication, expected: Entry): void {
  const stats = lstatSync(to, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return;
  const now = stats === undefined ? null : entryFrom(stats, to, shown);
  if (now === null || now instanceof TowlineError) {
    const what = `${shown} is no longer what it was when this was planned`;
    throw new TowlineError('changed', what, { path: shown, cause: now });
  }
  checkExpected(shown, expected, now);
}

/** A hard link refuses an existing target in one step, which a rename cannot. False: not possible here. */
function linkTo({ from, to, kind }: Publication): boolean {
  // Only Linux links a symlink itself; others would link what it points to.
  if (kind === 'symlink' && process.platform !== 'linux') return false;
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasErrno(error, ...noLinks)) return false;
    throw error;
  }
}

/**
 * Renames where nothing is; between the look and the rename lies a moment.
 * @throws `exists`
 */
export function renameToNothing({ from, to, shown }: Omit<Publication, 'kind'>): void {
  if (lstatSync(to, { throwIfNoEntry: false }) !== undefined) throw taken(shown);
  renameSync(from, to);
}

/** Something is where nothing should be. */
export function taken(shown: string, cause?: unknown): TowlineError {
  return new TowlineError('exists', `something is at ${shown} already`, { path: shown, cause });
}
