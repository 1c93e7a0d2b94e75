/** Puts a finished temp in the place of its destination. */
import type { Entry } from '../../core/entry.js';
import { hasCode } from '../../core/errors.js';
import { nameOf } from '../../core/path.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { clearAside, makeAside } from './aside.js';
import { kindOf } from './attributes.js';
import { offers } from './capabilities.js';
import { renameFailure } from './diagnosis.js';
import { concernsLink, refusal, type Attempt } from './failures.js';

/**
 * Renames `temp` onto `attempt.path`.
 *
 * Nothing expected there: plain RENAME, which OpenSSH refuses when something is (a server whose RENAME overwrites cannot
 * be told apart). Otherwise posix-rename, in one step; without it the old version is put aside and the new one renamed in one
 * flight, so that the destination is missing for the time between two requests.
 * @throws `exists` when something (a directory, when replacing) is in the way; `not-found` when the temp is gone;
 * `no-space`, `permission`, `protocol`, `network`. The temp is left where it is.
 */
export async function publish(
  channel: SftpChannel,
  attempt: Attempt,
  temp: string,
  expected: Entry | null,
): Promise<void> {
  try {
    if (expected === null) await channel.rename(temp, attempt.path);
    else if (offers(channel.extensions, 'posixRename')) await channel.posixRename(temp, attempt.path);
    else await replaceByAside(channel, attempt, temp);
  } catch (error) {
    throw await renameFailure(channel, attempt, error, { temp, replaces: expected !== null });
  }
}

/**
 * The old version goes into the temp's aside (aside.ts), in one flight with the new one's RENAME, and away when that is
 * done. When it is not done, or everything breaks off, the old version comes back; so it does when a session that was frozen
 * in between wakes after the temp has been taken from it.
 */
async function replaceByAside(channel: SftpChannel, attempt: Attempt, temp: string): Promise<void> {
  const destination = attempt.path;
  // Only to be diagnosed: `renameFailure` finds the directory and says `exists`.
  const inTheWay = refusal(attempt, 'protocol', 'a directory is in the way');
  const [aside, before] = await Promise.all([makeAside(channel, temp), channel.lstatOrNull(destination)]);
  const old = `${aside}/${nameOf(destination)}`;
  try {
    if (before !== null && kindOf(before) === 'directory') throw inTheWay;
    const [moved, renamed] = await Promise.allSettled([
      channel.rename(destination, old),
      channel.rename(temp, destination),
    ]);
    if (renamed.status === 'rejected') {
      // Why the old one could not be moved says more than that it was in the way; that it was gone already says nothing.
      if (moved.status === 'rejected' && !hasCode(moved.reason, 'not-found')) throw moved.reason;
      if (concernsLink(renamed.reason)) throw renamed.reason;
      // A server that works out of order may have met the old one.
      await channel.rename(temp, destination);
    }
  } catch (error) {
    if (!concernsLink(error)) await clearAside(channel, temp);
    throw error;
  }
  await Promise.allSettled([channel.removeFile(old)]);
  await clearAside(channel, temp);
}
