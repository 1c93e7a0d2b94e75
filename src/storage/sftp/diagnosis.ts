/**
 * What the server meant by "Failure". SFTP version 3 has one status for EEXIST, EISDIR, ENOTEMPTY, ENOSPC, EDQUOT, EROFS
 * and more; each function here is given what failed and asks the server which of them it was. They return the error to
 * be thrown, and cost their requests only after a failure.
 */
import { asTowlineError, hasCode, type TowlineError } from '../../core/errors.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { offers } from './capabilities.js';
import { concernsLink, failureOf, type Attempt } from './failures.js';
import { longestNameBytes, shortNameBytesMax } from './paths.js';

/** The failure of making something at `attempt.path`: `exists`, `no-space`, `name`, or what the server said. */
export async function creationFailure(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
): Promise<TowlineError> {
  return asked(channel, attempt, error, async () => {
    if (hasCode(error, 'not-found')) return failureOf(attempt, error);
    if ((await channel.lstatOrNull(attempt.path)) !== null) return failureOf(attempt, error, 'exists');
    return spaceFailure(channel, attempt, error, 1);
  });
}

/** The failure of looking at something: `name`, or what the server said. */
export async function lookFailure(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
): Promise<TowlineError> {
  return asked(channel, attempt, error, () => Promise.resolve(failureOf(attempt, error)));
}

/** The failure of writing `bytes` more: `no-space` when there is less left than that, or what the server said. */
export async function writeFailure(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
  bytes: number,
): Promise<TowlineError> {
  return asked(channel, attempt, error, () => spaceFailure(channel, attempt, error, bytes));
}

/**
 * The failure of renaming `temp` onto `attempt.path`: `not-found` when the temp itself is gone, `exists` when something
 * is there that is in the way (a directory always is; anything is when nothing may be replaced).
 */
export async function renameFailure(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
  how: { readonly temp: string; readonly replaces: boolean },
): Promise<TowlineError> {
  return asked(channel, attempt, error, async () => {
    const [target, temp] = await Promise.all([
      channel.lstatOrNull(attempt.path),
      channel.lstatOrNull(how.temp),
    ]);
    if (temp === null) return failureOf(attempt, error, 'not-found');
    const inTheWay = target !== null && (!how.replaces || ((target.mode ?? 0) & 0o170000) === 0o040000);
    if (inTheWay) return failureOf(attempt, error, 'exists');
    return spaceFailure(channel, attempt, error, 1);
  });
}

/** The failure of removing a directory: `not-empty` when something is in it, or what the server said. */
export async function directoryRemovalFailure(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
): Promise<TowlineError> {
  return asked(channel, attempt, error, async () =>
    (await holdsSomething(channel, attempt.path))
      ? failureOf(attempt, error, 'not-empty')
      : failureOf(attempt, error),
  );
}

/** Runs the questions; a lost link meanwhile is the answer, any other failure of theirs leaves the first one. */
async function asked(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
  ask: () => Promise<TowlineError>,
): Promise<TowlineError> {
  if (concernsLink(error)) return failureOf(attempt, error);
  try {
    return (await isNameTooLong(channel, attempt, error)) ? failureOf(attempt, error, 'name') : await ask();
  } catch (later) {
    return concernsLink(later) ? asTowlineError(later) : failureOf(attempt, error);
  }
}

/** Servers that do not tell what their file systems take: this is what nearly all do. */
const usualNameBytesMax = 255;

async function isNameTooLong(channel: SftpChannel, attempt: Attempt, error: unknown): Promise<boolean> {
  const longest = longestNameBytes(attempt.path);
  if (!hasCode(error, 'protocol') || longest <= shortNameBytesMax) return false;
  if (longest > usualNameBytesMax) return true;
  if (!offers(channel.extensions, 'statvfs')) return false;
  const { nameBytesMax = usualNameBytesMax } = await channel.space(directoryOf(attempt.path));
  return longest > nameBytesMax;
}

async function spaceFailure(
  channel: SftpChannel,
  attempt: Attempt,
  error: unknown,
  bytes: number,
): Promise<TowlineError> {
  if (!hasCode(error, 'protocol')) return failureOf(attempt, error);
  if (!offers(channel.extensions, 'statvfs')) return failureOf(attempt, error);
  const { freeBytes } = await channel.space(directoryOf(attempt.path));
  return failureOf(attempt, error, freeBytes < bytes ? 'no-space' : undefined);
}

function directoryOf(serverPath: string): string {
  return serverPath.replace(/\/?[^/]*$/, '') || (serverPath.startsWith('/') ? '/' : '.');
}

async function holdsSomething(channel: SftpChannel, serverPath: string): Promise<boolean> {
  const handle = await channel.openDirectory(serverPath);
  try {
    for (let part = await channel.readDirectory(handle); part !== null;) {
      if (part.length > 0) return true;
      part = await channel.readDirectory(handle);
    }
    return false;
  } finally {
    await channel.closeHandle(handle);
  }
}
