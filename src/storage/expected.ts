/** The check right before something is changed or removed: is it still what the plan saw? */
import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';

/**
 * Refuses to go on when a path is no longer what was expected. Where both entries know their inode, another one is
 * another thing.
 * @throws `changed`
 */
export function checkExpected(shown: string, expected: Entry, now: Entry): void {
  const sameInode = expected.ino === undefined || now.ino === undefined || expected.ino === now.ino;
  if (sameInode && sameRevision(expected, now)) return;
  throw new TowlineError('changed', `${shown} is no longer what it was when this was planned`, {
    path: shown,
  });
}
