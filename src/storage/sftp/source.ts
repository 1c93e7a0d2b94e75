/** The read side: a regular file opened for reading. */
import { sameRevision } from '../../core/compare.js';
import type { Entry } from '../../core/entry.js';
import { hasCode, TowlineError } from '../../core/errors.js';
import type { Source } from '../../ports.js';
import type { Attributes, Handle, SftpChannel } from '../../ssh/channel.js';
import { entryOf, kindOf } from './attributes.js';
import type { SftpContext } from './context.js';
import { failureOf, refusal, type Attempt } from './failures.js';
import { Outstanding } from './outstanding.js';

/**
 * Opens a regular file: see `Storage.openSource`. It is looked at before OPEN, which would follow a link and wait for ever
 * on a FIFO, and again afterwards, so that what was opened is what is there.
 * @throws `vanished` (or its directory is gone), `changed` (no regular file, or another one by now), `permission`,
 * `network`
 */
export async function openSource(context: SftpContext, path: string): Promise<SftpSource> {
  const attempt = context.attempt('read', context.paths.below(path));
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path).catch((error: unknown) => {
    throw hasCode(error, 'not-found') ? failureOf(attempt, error, 'vanished') : error;
  });
  const before = await channel.lstatOrNull(attempt.path).catch(rethrow(attempt));
  if (before === null) throw refusal(attempt, 'vanished', 'it is not there (any more)');
  if (kindOf(before) !== 'file') throw refusal(attempt, 'changed', 'it is not a regular file');

  const handle = await channel.openRead(attempt.path).catch((error: unknown) => {
    throw failureOf(attempt, error, hasCode(error, 'not-found') ? 'vanished' : undefined);
  });
  const [opened, there] = await Promise.allSettled([
    channel.fstat(handle),
    channel.lstatOrNull(attempt.path),
  ]);
  try {
    if (opened.status === 'rejected') throw failureOf(attempt, opened.reason);
    if (there.status === 'rejected') throw failureOf(attempt, there.reason);
    const entry = entryOf('file', opened.value);
    if (!sameFile(entry, there.value))
      throw refusal(attempt, 'changed', 'it was replaced while it was opened');
    return new SftpSource(channel, handle, attempt, entry);
  } catch (error) {
    await closeQuietly(channel, handle);
    throw error;
  }
}

/**
 * Lives and dies with the channel that opened it. Times are whole seconds: an edit of the same size within a second of the
 * last one cannot be told.
 */
export class SftpSource implements Source {
  readonly entry: Entry;
  readonly fingerprint: string;
  readonly #channel: SftpChannel;
  readonly #attempt: Attempt;
  readonly #reading = new Outstanding();
  #handle: Handle | null;

  constructor(channel: SftpChannel, handle: Handle, attempt: Attempt, entry: Entry) {
    this.#channel = channel;
    this.#handle = handle;
    this.#attempt = attempt;
    this.entry = entry;
    this.fingerprint = `${String(entry.size)}:${String(entry.mtimeMs)}`;
  }

  /** All its requests are one flight. */
  async read(offset: number, length: number): Promise<Buffer> {
    const handle = this.#openHandle();
    const pieceBytes = this.#channel.maxReadBytes;
    const pieces: Promise<Buffer>[] = [];
    for (let at = 0; at < length; at += pieceBytes) {
      pieces.push(this.#piece(handle, offset + at, Math.min(length - at, pieceBytes)));
    }
    const outcomes = await Promise.allSettled(pieces);
    const read: Buffer[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw failureOf(this.#attempt, outcome.reason);
      read.push(outcome.value);
      // What lies behind a short piece was written after the end was seen: the next read gives it.
      if (outcome.value.length < pieceBytes) break;
    }
    return read.length === 1 ? read[0]! : Buffer.concat(read);
  }

  /** Asks until the piece is whole or the file ends: a server may give less than it was asked for. */
  async #piece(handle: Handle, offset: number, length: number): Promise<Buffer> {
    this.#reading.begin();
    try {
      const first = await this.#channel.read(handle, offset, length);
      const parts = [first];
      let bytes = first.length;
      for (let part = first; part.length > 0 && bytes < length; bytes += part.length) {
        part = await this.#channel.read(handle, offset + bytes, length - bytes);
        parts.push(part);
      }
      return parts.length === 1 ? first : Buffer.concat(parts, bytes);
    } finally {
      this.#reading.end();
    }
  }

  async check(): Promise<'same' | 'grown' | 'changed' | 'vanished'> {
    const [opened, there] = await Promise.all([
      this.#channel.fstat(this.#openHandle()),
      this.#channel.lstatOrNull(this.#attempt.path),
    ]).catch(rethrow(this.#attempt));
    if (there === null) return 'vanished';
    const now = entryOf('file', opened);
    if (!sameFile(now, there)) return 'changed';
    if (sameRevision(this.entry, now)) return 'same';
    return now.size > this.entry.size ? 'grown' : 'changed';
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await this.#reading.none();
    if (handle !== null) await closeQuietly(this.#channel, handle);
  }

  #openHandle(): Handle {
    if (this.#handle !== null) return this.#handle;
    throw new TowlineError('internal', `${this.#attempt.path} was read after it was closed`);
  }
}

function sameFile(entry: Entry, there: Attributes | null): boolean {
  return there !== null && kindOf(there) === 'file' && sameRevision(entry, entryOf('file', there));
}

function rethrow(attempt: Attempt): (error: unknown) => never {
  return (error) => {
    throw failureOf(attempt, error);
  };
}

/** Nothing was written through it, so that a failure to close loses nothing; a dead channel closed it anyway. */
async function closeQuietly(channel: SftpChannel, handle: Handle): Promise<void> {
  await Promise.allSettled([channel.closeHandle(handle)]);
}
