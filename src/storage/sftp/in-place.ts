/** Writes into a file that is there: see `InPlaceStorage.openInPlace`. */
import { sameRevision } from '../../core/compare.js';
import type { Entry } from '../../core/entry.js';
import type { Temp } from '../../ports.js';
import type { Handle, SftpChannel } from '../../ssh/channel.js';
import { inPlace } from '../in-place.js';
import type { SftpContext } from './context.js';
import { creationFailure } from './diagnosis.js';
import { failureOf, refusal, type Attempt } from './failures.js';
import { look } from './look.js';
import { openCut } from './resumed-temp.js';
import { SftpTemp } from './temp.js';

/** @throws `exists`, `changed`, `not-found`, `unsupported` (the server does not cut files), `permission`, `network` */
export async function openInPlace(
  context: SftpContext,
  path: string,
  expected: Entry | null,
  offset: number,
): Promise<Temp> {
  const attempt = context.attempt('write into', context.paths.below(path));
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  const handle =
    expected === null
      ? await create(channel, attempt)
      : await openExpected(channel, attempt, expected, offset);
  return inPlace(new SftpTemp(context, channel, handle, attempt.path, attempt, offset));
}

async function create(channel: SftpChannel, attempt: Attempt): Promise<Handle> {
  try {
    return await channel.createExclusive(attempt.path, 0o600);
  } catch (error) {
    throw await creationFailure(channel, attempt, error);
  }
}

/** OPEN would follow a link, so it is looked at first; what happens in between SFTP cannot tell. */
async function openExpected(
  channel: SftpChannel,
  attempt: Attempt,
  expected: Entry,
  offset: number,
): Promise<Handle> {
  const present = await look(channel, attempt);
  if (present === null) throw refusal(attempt, 'not-found', 'it is not there (any more)');
  if (present.kind !== 'file' || !sameRevision(present, expected))
    throw refusal(attempt, 'changed', 'it is not what it was when this was planned');
  const handle = await openCut(channel, attempt.path, offset).catch((error: unknown) => {
    throw failureOf(attempt, error);
  });
  if (handle === null) throw refusal(attempt, 'unsupported', 'the server does not cut files');
  return handle;
}
