/** The simple operations: make a directory, set metadata, remove. */
import { sameRevision } from '../../core/compare.js';
import type { Entry } from '../../core/entry.js';
import type { PathLock } from '../../core/lock.js';
import { hasCode } from '../../core/errors.js';
import type { Attributes, SftpChannel } from '../../ssh/channel.js';
import { attributesFor, entryOf, kindOf, type MetadataChange } from './attributes.js';
import type { SftpContext } from './context.js';
import { creationFailure, directoryRemovalFailure, renameFailure } from './diagnosis.js';
import { failureOf, refusal, type Attempt } from './failures.js';
import { Lock, underLock } from './lock.js';
import { look } from './look.js';

/** See `Storage.makeDirectory`. A set-group-id bit that the server hands down is kept. */
export async function makeDirectory(context: SftpContext, path: string, mode: number): Promise<Entry> {
  const attempt = context.attempt('make the directory', context.paths.below(path));
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  const [made, seen] = await Promise.allSettled([
    channel.makeDirectory(attempt.path, { mode }),
    channel.lstat(attempt.path),
  ]);
  if (made.status === 'rejected') throw await creationFailure(channel, attempt, made.reason);
  if (seen.status === 'rejected') throw failureOf(attempt, seen.reason);
  const given = directoryOf(attempt, seen.value);
  context.directories.remember(path);
  // The server's umask may have taken bits away.
  const wanted = mode | (given.mode & 0o2000);
  return given.mode === wanted ? given : change(channel, attempt, given, { mode: wanted });
}

function directoryOf(attempt: Attempt, attributes: Attributes): Entry {
  if (kindOf(attributes) === 'directory') return entryOf('directory', attributes);
  throw refusal(attempt, 'changed', 'it was replaced at once');
}

/** See `Storage.setMetadata`. Of a symlink only the time can be set, where the server can. */
export async function setMetadata(
  context: SftpContext,
  path: string,
  expected: Entry,
  wanted: MetadataChange,
  lock?: PathLock,
): Promise<Entry> {
  const attempt = context.attempt('set mode or time of', context.paths.below(path));
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  const held = lock === undefined ? null : new Lock(context, channel, attempt, lock);
  return underLock(
    held,
    () => look(channel, attempt),
    async (present) => {
      if (present === null || !sameRevision(present, expected)) throw changed(attempt);
      return change(channel, attempt, present, wanted);
    },
  );
}

/** Sets and looks in one flight; the entry returned is what the server made of it. */
async function change(
  channel: SftpChannel,
  attempt: Attempt,
  present: Entry,
  wanted: MetadataChange,
): Promise<Entry> {
  const link = present.kind === 'symlink';
  // SETSTAT would follow the link.
  const { mtimeMs } = wanted;
  const attributes = attributesFor(link ? (mtimeMs === undefined ? {} : { mtimeMs }) : wanted);
  if (attributes === null) return present;
  const [set, seen] = await Promise.allSettled([
    link ? channel.lsetstat(attempt.path, attributes) : channel.setstat(attempt.path, attributes),
    look(channel, attempt),
  ]);
  // A server that cannot do it at all: as with new files, the entry tells what it is like, and nothing is tried for ever.
  if (set.status === 'rejected' && !hasCode(set.reason, 'unsupported')) {
    throw failureOf(attempt, set.reason, hasCode(set.reason, 'not-found') ? 'changed' : undefined);
  }
  if (seen.status === 'rejected') throw failureOf(attempt, seen.reason);
  if (seen.value?.kind !== present.kind) throw changed(attempt);
  return seen.value;
}

/** See `Storage.move`: a plain RENAME, which refuses an existing target. */
export async function move(
  context: SftpContext,
  from: string,
  to: string,
  expected: Entry,
  lock?: PathLock,
): Promise<Entry> {
  const attempt = context.attempt('rename', context.paths.below(from));
  const onto = context.attempt('rename', context.paths.below(to));
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, from);
  await context.directories.confirmParent(channel, to);
  const held = lock === undefined ? null : new Lock(context, channel, attempt, lock);
  let taken: Entry | null = null;
  const lookAtBoth = async () => {
    const [present, there] = await Promise.all([look(channel, attempt), look(channel, onto)]);
    taken = there;
    return present;
  };
  return underLock(held, lookAtBoth, async (present) => {
    if (present === null || !sameRevision(present, expected)) throw changed(attempt);
    if (taken !== null) throw refusal(onto, 'exists', 'something is there already');
    if (present.kind === 'directory') context.directories.forgetBelow(from);
    try {
      await channel.rename(attempt.path, onto.path);
    } catch (error) {
      throw await renameFailure(channel, onto, error, { temp: attempt.path, replaces: false });
    }
    return present;
  });
}

/** See `Storage.remove`. */
export async function remove(
  context: SftpContext,
  path: string,
  expected: Entry,
  lock?: PathLock,
): Promise<void> {
  const attempt = context.attempt('remove', context.paths.below(path));
  const channel = await context.channel('transfer');
  try {
    await context.directories.confirmParent(channel, path);
  } catch (error) {
    // Below something that is missing, or that is no directory, there is nothing of this tree.
    if (hasCode(error, 'not-found', 'changed')) return;
    throw error;
  }
  const held = lock === undefined ? null : new Lock(context, channel, attempt, lock);
  await underLock(
    held,
    () => look(channel, attempt),
    async (present) => {
      if (present === null) return;
      if (!sameRevision(present, expected)) throw changed(attempt);
      await removePresent(context, channel, path, attempt, present);
    },
  );
}

async function removePresent(
  context: SftpContext,
  channel: SftpChannel,
  path: string,
  attempt: Attempt,
  present: Entry,
): Promise<void> {
  const directory = present.kind === 'directory';
  if (directory) context.directories.forget(path);
  try {
    await (directory ? channel.removeDirectory(attempt.path) : channel.removeFile(attempt.path));
  } catch (error) {
    if (hasCode(error, 'not-found')) return;
    throw directory ? await directoryRemovalFailure(channel, attempt, error) : failureOf(attempt, error);
  }
}

function changed(attempt: Attempt): ReturnType<typeof refusal> {
  return refusal(attempt, 'changed', 'it is not what it was when this was planned');
}
