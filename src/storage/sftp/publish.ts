/** Puts a finished temp in the place of its destination. */
import type { Entry } from '../../core/entry.js';
import { hasCode } from '../../core/errors.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { offers } from './capabilities.js';
import { renameFailure } from './diagnosis.js';
import { concernsLink, type Attempt } from './failures.js';

/**
 * Renames `temp` onto `attempt.path`.
 *
 * Nothing expected there: plain RENAME, which OpenSSH refuses when something is (a server whose RENAME overwrites cannot
 * be told apart). Otherwise posix-rename, in one step; without it REMOVE and RENAME in one flight, so that the
 * destination is missing for the time between two requests.
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
    else await removeAndRename(channel, temp, attempt.path);
  } catch (error) {
    throw await renameFailure(channel, attempt, error, { temp, replaces: expected !== null });
  }
}

async function removeAndRename(channel: SftpChannel, temp: string, destination: string): Promise<void> {
  const [removed, renamed] = await Promise.allSettled([
    channel.removeFile(destination),
    channel.rename(temp, destination),
  ]);
  if (renamed.status === 'fulfilled') return;
  // Why it could not be removed says more than that it was in the way; that it was gone already says nothing.
  const first = removed.status === 'rejected' && !hasCode(removed.reason, 'not-found');
  throw first && !concernsLink(renamed.reason) ? removed.reason : renamed.reason;
}
