/** What is at a path of the server now, as an entry. */
import type { Entry } from '../../core/entry.js';
import { hasCode } from '../../core/errors.js';
import type { Attributes, SftpChannel } from '../../ssh/channel.js';
import { entryOf, kindOf } from './attributes.js';
import { lookFailure } from './diagnosis.js';
import { failureOf, refusal, type Attempt } from './failures.js';

/** How often a path that changes its kind between two requests is looked at. */
const looksMax = 3;

/**
 * The entry at `attempt.path`, or `null` for nothing; a symlink is itself, with its target.
 * @throws `unsupported` for a socket, device or FIFO; what the server refused with; `network`
 */
export async function look(channel: SftpChannel, attempt: Attempt): Promise<Entry | null> {
  const attributes = await channel.lstatOrNull(attempt.path).catch(async (error: unknown) => {
    throw await lookFailure(channel, attempt, error);
  });
  return attributes === null ? null : entryFrom(channel, attempt, attributes);
}

/**
 * What is at `attempt.path`, links followed, or `null` for nothing: for the root, which may be a link.
 * @throws what the server refused with; `network`
 */
export async function statOrNull(channel: SftpChannel, attempt: Attempt): Promise<Attributes | null> {
  try {
    return await channel.stat(attempt.path);
  } catch (error) {
    if (hasCode(error, 'not-found')) return null;
    throw failureOf(attempt, error);
  }
}

/** The same as `look`, for attributes that LSTAT or a listing gave for `attempt.path` just now. */
export async function entryFrom(
  channel: SftpChannel,
  attempt: Attempt,
  attributes: Attributes,
  looks = 1,
): Promise<Entry | null> {
  const kind = kindOf(attributes);
  switch (kind) {
    case 'file':
    case 'directory':
      return entryOf(kind, attributes);
    case 'special':
      throw refusal(attempt, 'unsupported', 'it is a socket, a device or a FIFO');
    case 'unknown':
      throw refusal(attempt, 'protocol', 'the server does not tell what it is');
    case 'symlink':
  }
  try {
    const target = await channel.readSymlink(attempt.path);
    if (!isUsableTarget(target)) throw refusal(attempt, 'name', 'it points to a name that cannot be carried');
    return entryOf(kind, attributes, target);
  } catch (error) {
    // Gone, or no link any more: look again.
    if (!hasCode(error, 'not-found', 'protocol') || looks === looksMax) throw failureOf(attempt, error);
  }
  const again = await channel.lstatOrNull(attempt.path);
  return again === null ? null : entryFrom(channel, attempt, again, looks + 1);
}

/** Whether a link may point to this as far as its text goes: where that leads is nobody's business, links are not followed. */
export function isUsableTarget(target: string): boolean {
  return target !== '' && !target.includes('\0') && !target.includes('\ufffd') && target.isWellFormed();
}
