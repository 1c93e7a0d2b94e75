/** Makes symlinks under a temp name and puts them in place. */
import { sameRevision } from '../../core/compare.js';
import type { Entry } from '../../core/entry.js';
import { TowlineError } from '../../core/errors.js';
import type { PathLock } from '../../core/lock.js';
import type { Attributes, SftpChannel } from '../../ssh/channel.js';
import { attributesFor, entryOf } from './attributes.js';
import { offers } from './capabilities.js';
import type { SftpContext } from './context.js';
import { creationFailure } from './diagnosis.js';
import { concernsLink, failureOf, refusal, type Attempt } from './failures.js';
import { Lock, underLock } from './lock.js';
import { isUsableTarget, look } from './look.js';
import { publish } from './publish.js';
import { tempPathBeside } from './temp.js';

/** What the link is to be. */
export interface Link {
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** See `Storage.makeSymlink`. After a failure the temp is removed, as far as that is possible. */
export async function makeSymlink(
  context: SftpContext,
  path: string,
  link: Link,
  name: string,
  expected: Entry | null,
  lock?: PathLock,
): Promise<Entry> {
  const attempt = context.attempt('put a symlink in place of', context.paths.below(path));
  const temp = tempPathBeside(context, path, name);
  checkTarget(attempt, link.target);
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  const held = lock === undefined ? null : new Lock(context, channel, attempt, lock);
  let made: Attributes | null = null;
  const makeAndLook = async () => {
    const prepared = await prepare(channel, attempt, temp, link);
    made = prepared.made;
    return prepared.destination;
  };
  try {
    await underLock(held, makeAndLook, async (destination) => {
      const inTheWay = expected === null || destination?.kind === 'directory';
      if (destination !== null && inTheWay) throw refusal(attempt, 'exists', 'something is there already');
      if (!sameRevision(destination, expected)) {
        throw refusal(attempt, 'changed', 'it is not what it was when this was planned');
      }
      await publish(channel, attempt, temp, expected);
    });
    return entryOf('symlink', made!, link.target);
  } catch (error) {
    if (!concernsLink(error)) await Promise.allSettled([channel.removeFile(temp)]);
    throw error;
  }
}

/** Makes the link and looks at it and at the destination, in one flight. */
async function prepare(
  channel: SftpChannel,
  attempt: Attempt,
  temp: string,
  link: Link,
): Promise<{ made: Attributes; destination: Entry | null }> {
  const times = offers(channel.extensions, 'lsetstat') ? attributesFor({ mtimeMs: link.mtimeMs }) : null;
  const [created, , made, destination] = await Promise.allSettled([
    channel.makeSymlink(temp, link.target),
    // A refusal shows in the entry.
    times === null ? null : channel.lsetstat(temp, times),
    channel.lstat(temp),
    look(channel, attempt),
  ]);
  if (created.status === 'rejected') {
    throw await creationFailure(
      channel,
      { ...attempt, path: temp, action: 'make the symlink' },
      created.reason,
    );
  }
  if (made.status === 'rejected') throw failureOf(attempt, made.reason);
  if (destination.status === 'rejected') throw destination.reason;
  return { made: made.value, destination: destination.value };
}

function checkTarget(attempt: Attempt, target: string): void {
  if (isUsableTarget(target)) return;
  throw new TowlineError(
    'name',
    `the symlink ${attempt.path} points to ${JSON.stringify(target)}, which SFTP cannot carry`,
    {
      path: attempt.path,
    },
  );
}
