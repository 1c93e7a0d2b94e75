/** Tries in the remote folder what a sync does there, on a few temps that are removed again whatever happens. */
import { randomBytes } from 'node:crypto';
import { asTowlineError, hasCode, type TowlineError } from '../core/errors.js';
import { tempName } from '../core/tempname.js';
import type { Link } from '../ports.js';
import type { SftpChannel, SftpSession } from '../ssh/channel.js';
import { creationFailure, writeFailure } from '../storage/sftp/diagnosis.js';
import type { Attempt } from '../storage/sftp/failures.js';

/** What was found out; `null`: it could not be tried. */
export interface Probed {
  /** Why nothing can be written; `null`: it can. */
  readonly refused: TowlineError | null;
  readonly posixRename: boolean | null;
  readonly fsync: boolean | null;
  readonly modes: boolean | null;
  readonly times: boolean | null;
  readonly linkTimes: boolean | null;
  /** When the first temp was made: just before and after by our clock, and by the server's. */
  readonly made: { readonly beforeMs: number; readonly afterMs: number; readonly mtimeMs: number } | null;
  /** Temps that may still be there. */
  readonly left: readonly string[];
}

export interface ProbeParts {
  readonly session: SftpSession;
  readonly link: Link;
  /** The folder, as the server is told it; `''` for the one the login begins in. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** A connection that was lost is waited for this long, to remove what was made. */
const cleanUpMs = 20_000;
/** In the past, and no whole number of days: nobody sets it by accident. */
const probeSeconds = 1_000_000_007;

/** @throws `network`, the signal's reason; what was made is removed before */
export async function probeFolder(parts: ProbeParts): Promise<Probed> {
  const temps = ['a', 'b', 'c'].map((letter) => tempPath(parts.folder, letter));
  const [file = '', other = '', link = ''] = temps;
  let probed: Omit<Probed, 'left'>;
  let left: readonly string[] = temps;
  try {
    const channel = await parts.session.channel('transfer');
    probed = await tryAll(parts, channel, { file, other, link });
  } finally {
    left = await removeAll(parts, temps);
  }
  return { ...probed, left };
}

function tempPath(folder: string, letter: string): string {
  const name = tempName('doctor', `${randomBytes(8).toString('hex')}${letter}`);
  return folder === '' ? name : `${folder.replace(/\/$/, '')}/${name}`;
}

const nothing: Omit<Probed, 'left' | 'refused'> = {
  posixRename: null,
  fsync: null,
  modes: null,
  times: null,
  linkTimes: null,
  made: null,
};

interface Temps {
  readonly file: string;
  readonly other: string;
  readonly link: string;
}

async function tryAll(parts: ProbeParts, channel: SftpChannel, temps: Temps): Promise<Omit<Probed, 'left'>> {
  const { session, signal } = parts;
  const attempt: Attempt = { action: 'write in', path: temps.file, host: session.label };
  signal.throwIfAborted();
  const beforeMs = Date.now();
  let handle;
  try {
    handle = await channel.createExclusive(temps.file, 0o600);
  } catch (error) {
    const refused = await creationFailure(channel, attempt, error);
    if (refused.code === 'network') throw refused;
    return { ...nothing, refused };
  }
  const afterMs = Date.now();
  const mtimeMs = ((await channel.fstat(handle)).mtime ?? 0) * 1000;
  const written = await succeeds(async () => {
    const { acknowledged } = await channel.write(handle, Buffer.from('towline doctor\n'), 0);
    await acknowledged;
  });
  if (written !== null) {
    await channel.closeHandle(handle);
    return { ...nothing, refused: await writeFailure(channel, attempt, written, 15) };
  }
  const fsync = await offered(channel, 'fsync@openssh.com', () => channel.fsync(handle));
  await succeeds(() => channel.fsetstat(handle, { mode: 0o640, atime: probeSeconds, mtime: probeSeconds }));
  const seen = await channel.fstat(handle);
  await channel.closeHandle(handle);
  signal.throwIfAborted();
  const posixRename = await offered(channel, 'posix-rename@openssh.com', async () => {
    await channel.closeHandle(await channel.createExclusive(temps.other, 0o600));
    await channel.posixRename(temps.file, temps.other);
  });
  signal.throwIfAborted();
  return {
    refused: null,
    posixRename,
    fsync,
    modes: ((seen.mode ?? 0) & 0o777) === 0o640,
    times: seen.mtime === probeSeconds,
    linkTimes: await offered(channel, 'lsetstat@openssh.com', async () => {
      await channel.makeSymlink(temps.link, 'nowhere');
      await channel.lsetstat(temps.link, { atime: probeSeconds, mtime: probeSeconds });
    }),
    made: { beforeMs, afterMs, mtimeMs },
  };
}

/** The refusal of the server, or `null`. A lost link is none. */
async function succeeds(work: () => Promise<unknown>): Promise<TowlineError | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (hasCode(error, 'network', 'interrupted')) throw error;
    return asTowlineError(error);
  }
}

/** `null` where it was not announced. */
async function offered(
  channel: SftpChannel,
  extension: string,
  work: () => Promise<void>,
): Promise<boolean | null> {
  return channel.extensions.has(extension) ? (await succeeds(work)) === null : null;
}

/**
 * Removes the temps, on a new connection when the old one went.
 * @returns those that may still be there
 */
async function removeAll(parts: ProbeParts, temps: readonly string[]): Promise<string[]> {
  const { session, link } = parts;
  let left = [...temps];
  for (let attempt = 1; attempt <= 2 && left.length > 0; attempt++) {
    try {
      await link.ready(AbortSignal.timeout(cleanUpMs));
      const channel = await session.channel('transfer');
      const gone = await Promise.all(left.map((path) => isGone(channel, path)));
      left = left.filter((_path, index) => gone[index] !== true);
    } catch (error) {
      // There is no connection: what is left is told by its name.
      if (!hasCode(error, 'network', 'interrupted')) throw error;
    }
  }
  return left;
}

async function isGone(channel: SftpChannel, path: string): Promise<boolean> {
  try {
    await channel.removeFile(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'not-found')) return true;
    return (await succeeds(() => channel.lstat(path)))?.code === 'not-found';
  }
}
