/** Goes on with a temp that an earlier attempt left. */
import { asTowlineError, hasCode } from '../../core/errors.js';
import type { Temp } from '../../ports.js';
import type { Handle, SftpChannel } from '../../ssh/channel.js';
import { clearAside } from './aside.js';
import { kindOf } from './attributes.js';
import { offers } from './capabilities.js';
import type { SftpContext } from './context.js';
import { concernsLink, type Attempt } from './failures.js';
import { SftpTemp, tempPathBeside } from './temp.js';

/** Bytes the server copies at a time: others wait for their answers as long as that takes. */
const copiedAtOnce = 64 * 2 ** 20;

/** What is to be continued: see `Storage.resumeTemp`. */
export interface Resumption {
  readonly from: string;
  readonly to: string;
  readonly offset: number;
  readonly apart: boolean;
}

/** See `Storage.resumeTemp`. */
export async function resumeTemp(
  context: SftpContext,
  path: string,
  { from, to, offset, apart }: Resumption,
): Promise<Temp | null> {
  const attempt = context.attempt('write', context.paths.below(path));
  const [before, temp] = [tempPathBeside(context, path, from), tempPathBeside(context, path, to)];
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  const left: Left = { context, channel, before, temp, offset, attempt };
  try {
    return await (apart ? copied(left) : renamed(left));
  } catch (error) {
    if (concernsLink(error)) throw asTowlineError(error);
    return null;
  }
}

interface Left {
  readonly context: SftpContext;
  readonly channel: SftpChannel;
  /** Server paths. */
  readonly before: string;
  readonly temp: string;
  readonly offset: number;
  readonly attempt: Attempt;
}

async function renamed({ context, channel, before, temp, offset, attempt }: Left): Promise<Temp | null> {
  // First of all, and never the old name again: see DESIGN.md, section 7.
  await channel.rename(before, temp);
  // An attempt that was cut off while it published may wake, too.
  if (!offers(channel.extensions, 'posixRename')) await clearAside(channel, before);
  if (!(await holds(channel, temp, offset))) return null;
  const handle = await openCut(channel, temp, offset);
  return handle === null ? null : new SftpTemp(context, channel, handle, temp, attempt, offset);
}

/**
 * A rename leaves the file as it is to a session that still has it open: where what that one has yet to write is not what
 * we are going to, it must not be the same file. Where the server cannot copy, nothing is continued.
 */
async function copied({ context, channel, before, temp, offset, attempt }: Left): Promise<Temp | null> {
  if (!offers(channel.extensions, 'copyData') || !(await holds(channel, before, offset))) return null;
  const handle = await channel.createExclusive(temp, 0o600);
  const done = await copyInto(channel, handle, before, offset).catch(async (error: unknown) => {
    await Promise.allSettled([channel.closeHandle(handle)]);
    throw error;
  });
  if (done) return new SftpTemp(context, channel, handle, temp, attempt, offset);
  await Promise.allSettled([channel.closeHandle(handle)]);
  return null;
}

/** False when not all of it is there, or the old one could not be removed: a RENAME on its way would publish it. */
async function copyInto(
  channel: SftpChannel,
  handle: Handle,
  before: string,
  length: number,
): Promise<boolean> {
  const source = await channel.openRead(before);
  try {
    for (let at = 0; at < length; at += copiedAtOnce)
      await channel.copyData(source, handle, at, Math.min(copiedAtOnce, length - at));
  } finally {
    await Promise.allSettled([channel.closeHandle(source)]);
  }
  const [seen, removed] = await Promise.allSettled([channel.fstat(handle), channel.removeFile(before)]);
  if (seen.status === 'rejected') throw seen.reason;
  if (removed.status === 'rejected' && !hasCode(removed.reason, 'not-found')) throw removed.reason;
  return seen.value.size === length;
}

/** Whether a regular file of at least `bytes` is there. */
async function holds(channel: SftpChannel, serverPath: string, bytes: number): Promise<boolean> {
  const there = await channel.lstatOrNull(serverPath);
  return there !== null && kindOf(there) === 'file' && (there.size ?? 0) >= bytes;
}

/** Opens a file and cuts it; `null` where the server does not do that. */
export async function openCut(
  channel: SftpChannel,
  serverPath: string,
  size: number,
): Promise<Handle | null> {
  const handle = await channel.openWrite(serverPath);
  const [cut, seen] = await Promise.allSettled([channel.fsetstat(handle, { size }), channel.fstat(handle)]);
  if (cut.status === 'fulfilled' && seen.status === 'fulfilled' && seen.value.size === size) return handle;
  await Promise.allSettled([channel.closeHandle(handle)]);
  for (const answer of [cut, seen]) {
    if (answer.status === 'rejected' && concernsLink(answer.reason)) throw answer.reason;
  }
  return null;
}
