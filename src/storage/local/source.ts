/** Reads local files, and notices when they change meanwhile. */
import { close, closeSync, fstatSync, lstatSync, openSync, read, readSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Entry } from '../../core/entry.js';
import { errnoOf, hasCode, hasErrno, TowlineError } from '../../core/errors.js';
import type { Source } from '../../ports.js';
import { attempt, localError } from './errors.js';
import { readFlags } from './flags.js';
import { placeOf, type Place, type Root } from './place.js';
import { entryOf } from './stats.js';

const readAsync = promisify(read);
const closeAsync = promisify(close);

/** Files up to this size are read at opening: for many small files that is a tenth of the cost of asynchronous reads. */
const smallBytes = 256 * 1024;
const textBytesMax = 1024 * 1024;

/**
 * See `Storage.openSource`.
 * @throws `name`, `vanished`, `changed` (no regular file, or below a symlink), `permission`
 */
export function openLocalSource(root: Root, path: string): Source {
  const absolute = join(root.path, path);
  const fd = openAt(root, path, absolute);
  try {
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile()) throw notAFile(absolute);
    const content = stats.size <= smallBytes ? readNow(fd, Number(stats.size)) : null;
    return new LocalSource(absolute, fd, stats, content);
  } catch (error) {
    closeSync(fd);
    throw error instanceof TowlineError ? error : localError(error, 'read', absolute);
  }
}

/** Through handles where that is possible: what is read goes to the other side, so no link may lead away from the tree. */
function openAt(root: Root, path: string, absolute: string): number {
  let place: Place;
  try {
    place = placeOf(root, path);
  } catch (error) {
    if (hasCode(error, 'not-found')) throw vanished(absolute, error);
    throw error;
  }
  try {
    return openFile(absolute, place.at);
  } finally {
    place.close();
  }
}

/**
 * The text of a file at an absolute path; `null` when there is no regular file.
 * @throws `permission`; `unsupported` when it is larger than 1 MiB
 */
export function readSmallText(absolute: string): string | null {
  let fd: number;
  try {
    fd = openFile(absolute);
  } catch (error) {
    if (hasCode(error, 'vanished', 'changed')) return null;
    throw error;
  }
  try {
    return attempt('read', absolute, () => {
      const stats = fstatSync(fd);
      if (!stats.isFile()) return null;
      if (stats.size > textBytesMax) {
        const what = `${absolute} is too large to be read as a list of rules (more than 1 MiB)`;
        throw new TowlineError('unsupported', what, { path: absolute, hint: 'Shorten it' });
      }
      return readNow(fd, stats.size).toString('utf8');
    });
  } finally {
    closeSync(fd);
  }
}

/** @param at how it is reached, where that is not by its path */
function openFile(absolute: string, at = absolute): number {
  try {
    return openSync(at, readFlags);
  } catch (error) {
    switch (errnoOf(error) ?? '') {
      case 'ENOENT':
      case 'ENOTDIR':
        throw vanished(absolute, error);
      // ELOOP: a symlink; ENXIO: a socket; EISDIR: a directory, where those cannot be opened.
      case 'ELOOP':
      case 'EMLINK':
      case 'ENXIO':
      case 'EISDIR':
        throw notAFile(absolute, error);
      default:
        throw localError(error, 'read', absolute);
    }
  }
}

function readNow(fd: number, size: number): Buffer {
  const content = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const count = readSync(fd, content, filled, size - filled, filled);
    if (count === 0) break;
    filled += count;
  }
  return content.subarray(0, filled);
}

class LocalSource implements Source {
  readonly entry: Entry;
  readonly fingerprint: string;
  readonly #absolute: string;
  readonly #fd: number;
  readonly #opened: BigIntStats;
  readonly #content: Buffer | null;
  readonly #reading = new Set<Promise<unknown>>();
  #closed: Promise<void> | null = null;

  constructor(absolute: string, fd: number, opened: BigIntStats, content: Buffer | null) {
    this.entry = entryOf(opened, 'file');
    const { dev, ino, size, mtimeNs, ctimeNs } = opened;
    this.fingerprint = [dev, ino, size, mtimeNs, ctimeNs].join(':');
    this.#absolute = absolute;
    this.#fd = fd;
    this.#opened = opened;
    this.#content = content;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    if (this.#closed !== null)
      throw new TowlineError('internal', `${this.#absolute} was read after it was closed`);
    if (this.#content !== null) return this.#content.subarray(offset, offset + length);
    const reading = this.#read(offset, length);
    const settled = reading.catch(() => undefined).finally(() => this.#reading.delete(settled));
    this.#reading.add(settled);
    return reading;
  }

  check(): ReturnType<Source['check']> {
    return Promise.resolve().then(() => this.#check());
  }

  close(): Promise<void> {
    // A read under way must not meet another file under the same number.
    this.#closed ??= Promise.all(this.#reading).then(() => closeAsync(this.#fd));
    return this.#closed;
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    try {
      while (filled < length) {
        const { bytesRead } = await readAsync(this.#fd, buffer, filled, length - filled, offset + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
    } catch (error) {
      throw localError(error, 'read', this.#absolute);
    }
    return buffer.subarray(0, filled);
  }

  #check(): Awaited<ReturnType<Source['check']>> {
    const there = attempt('look at', this.#absolute, () => this.#lstat());
    if (there === undefined) return 'vanished';
    if (there.dev !== this.#opened.dev || there.ino !== this.#opened.ino) return 'changed';
    const held = attempt('look at', this.#absolute, () => fstatSync(this.#fd, { bigint: true }));
    if (this.#isAsOpened(held) && this.#isAsOpened(there)) return 'same';
    return held.size > this.#opened.size ? 'grown' : 'changed';
  }

  #lstat(): BigIntStats | undefined {
    try {
      return lstatSync(this.#absolute, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      if (hasErrno(error, 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** A mere chmod moves ctime too: the path is then planned again, and the plan finds only the mode. */
  #isAsOpened(stats: BigIntStats): boolean {
    const { size, mtimeNs, ctimeNs } = this.#opened;
    return stats.size === size && stats.mtimeNs === mtimeNs && stats.ctimeNs === ctimeNs;
  }
}

function vanished(absolute: string, cause: unknown): TowlineError {
  return new TowlineError('vanished', `${absolute} is not there (any more)`, { path: absolute, cause });
}

function notAFile(absolute: string, cause?: unknown): TowlineError {
  return new TowlineError('changed', `${absolute} is no regular file (any more)`, { path: absolute, cause });
}
