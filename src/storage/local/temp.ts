/** New local files: written under a temp name, then put in place in one step. */
import {
  close,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  write,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Entry } from '../../core/entry.js';
import { errnoOf, hasCode, hasErrno, TowlineError } from '../../core/errors.js';
import { nameOf } from '../../core/path.js';
import type { Temp, TempAttributes } from '../../ports.js';
import { Acknowledged } from '../acknowledged.js';
import { checkName } from '../checked.js';
import { checkExpected } from '../expected.js';
import { inPlace } from '../in-place.js';
import { attempt, localError } from './errors.js';
import { createFlags, resumeFlags } from './flags.js';
import { observeOne } from './observe.js';
import { withPlace, type Place, type Root } from './place.js';
import { publishAt } from './publish.js';
import { entryOf } from './stats.js';
import { unixTime } from './time.js';

const writeAsync = promisify(write);
const fsyncAsync = promisify(fsync);
const closeAsync = promisify(close);

/** See `Storage.createTemp`. */
export async function createLocalTemp(root: Root, path: string, name: string): Promise<Temp> {
  checkName(name);
  const fd = await withPlace(root, path, (place) =>
    attempt('create a temp beside', join(root.path, path), () => {
      // A name that is too long is found before the content is fetched: that of the temp is short.
      lstatSync(place.at, { throwIfNoEntry: false });
      return openSync(place.beside(name), createFlags, 0o600);
    }),
  );
  return new LocalTemp(root, path, name, fd, 0);
}

/** See `Storage.resumeTemp`. */
export async function resumeLocalTemp(
  root: Root,
  path: string,
  from: string,
  to: string,
  offset: number,
): Promise<Temp | null> {
  checkName(from);
  checkName(to);
  const fd = await withPlace(root, path, (place) => openCut(place, from, to, offset));
  return fd === null ? null : new LocalTemp(root, path, to, fd, offset);
}

/** See `InPlaceStorage.openInPlace`. */
export async function openLocalInPlace(
  root: Root,
  path: string,
  expected: Entry | null,
  offset: number,
): Promise<Temp> {
  const absolute = join(root.path, path);
  const fd = await withPlace(root, path, ({ at }) =>
    attempt('write into', absolute, () =>
      expected === null ? openSync(at, createFlags, 0o600) : openExpected(at, absolute, expected, offset),
    ),
  );
  return inPlace(new LocalTemp(root, path, nameOf(path), fd, offset));
}

function openExpected(at: string, absolute: string, expected: Entry, offset: number): number {
  const fd = openSync(at, resumeFlags);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) {
      throw new TowlineError('exists', `${absolute} is no file: it cannot be written in place`, {
        path: absolute,
      });
    }
    checkExpected(absolute, expected, entryOf(stats, 'file'));
    ftruncateSync(fd, offset);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openCut(place: Place, from: string, to: string, offset: number): number | null {
  let fd: number | null = null;
  try {
    if (lstatSync(place.beside(to), { throwIfNoEntry: false }) !== undefined) return null;
    renameSync(place.beside(from), place.beside(to));
    fd = openSync(place.beside(to), resumeFlags);
    const stats = fstatSync(fd);
    // More than one name: it has been put in place, and only the second half of that is missing. Or it never was ours.
    if (stats.isFile() && stats.nlink === 1 && stats.size >= offset) {
      ftruncateSync(fd, offset);
      return fd;
    }
  } catch (error) {
    // Whatever a file system has against it: then all is sent anew.
    if (errnoOf(error) === null) throw error;
  }
  if (fd !== null) closeSync(fd);
  return null;
}

class LocalTemp implements Temp {
  readonly #root: Root;
  readonly #path: string;
  readonly #name: string;
  readonly #absolute: string;
  readonly #acknowledged: Acknowledged;
  readonly #writing = new Set<Promise<void>>();
  #fd: number | null;
  #failure: TowlineError | null = null;
  #published = false;

  /** @param start bytes that are there already */
  constructor(root: Root, path: string, name: string, fd: number, start: number) {
    this.#acknowledged = new Acknowledged(start);
    this.#root = root;
    this.#path = path;
    this.#name = name;
    this.#absolute = join(root.path, path);
    this.#fd = fd;
  }

  get acknowledged(): number {
    return this.#acknowledged.bytes;
  }

  write(data: Buffer, offset: number): Promise<void> {
    const writing = this.#write(data, offset);
    const settled = writing.catch(() => undefined).finally(() => this.#writing.delete(settled));
    this.#writing.add(settled);
    return writing;
  }

  async complete(attributes: TempAttributes): Promise<{ made: Entry; destination: Entry | null }> {
    await Promise.all(this.#writing);
    if (this.#failure !== null) throw this.#failure;
    const fd = this.#open();
    try {
      const { size } = fstatSync(fd);
      if (size !== attributes.size) {
        const what = `the temp for ${this.#absolute} holds ${size} bytes instead of ${attributes.size}`;
        throw new TowlineError('protocol', what, { path: this.#absolute });
      }
      setAttributes(fd, attributes);
      if (attributes.sync) await fsyncAsync(fd);
      // The rename will move ctime: it is not told, so that nobody compares with it.
      const made: { -readonly [Key in keyof Entry]: Entry[Key] } = entryOf(fstatSync(fd), 'file');
      delete made.ctimeMs;
      await this.#close();
      const destination = observeOne(this.#root.path, this.#path);
      if (destination instanceof TowlineError) throw destination;
      return { made, destination };
    } catch (error) {
      throw error instanceof TowlineError ? error : localError(error, 'write', this.#absolute);
    }
  }

  async publish(expected: Entry | null): Promise<void> {
    await withPlace(this.#root, this.#path, (place) =>
      publishAt(
        { from: place.beside(this.#name), to: place.at, shown: this.#absolute, kind: 'file' },
        expected,
      ),
    );
    this.#published = true;
  }

  async discard(): Promise<boolean> {
    try {
      await Promise.all(this.#writing);
      await this.#close();
      if (!this.#published)
        await withPlace(this.#root, this.#path, (place) => unlinkSync(place.beside(this.#name)));
      return true;
    } catch (error) {
      return hasErrno(error, 'ENOENT') || hasCode(error, 'not-found');
    }
  }

  async leave(): Promise<number> {
    await Promise.all(this.#writing);
    await Promise.allSettled([this.#close()]);
    return this.acknowledged;
  }

  async #write(data: Buffer, offset: number): Promise<void> {
    const fd = this.#open();
    let done = 0;
    try {
      while (done < data.length) {
        const { bytesWritten } = await writeAsync(fd, data, done, data.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (error) {
      this.#failure ??= localError(error, 'write', this.#absolute);
      throw this.#failure;
    }
    this.#acknowledged.add(offset, data.length);
  }

  #open(): number {
    if (this.#fd === null)
      throw new TowlineError('internal', `the temp for ${this.#absolute} is closed already`);
    return this.#fd;
  }

  async #close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = null;
    if (fd !== null) await closeAsync(fd);
  }
}

function setAttributes(fd: number, attributes: TempAttributes): void {
  const { owner, mode, mtimeMs } = attributes;
  if (owner !== undefined) keepOwner(fd, owner);
  // After the owner: changing that clears the set-id bits.
  if (mode !== undefined) fchmodSync(fd, mode);
  if (mtimeMs !== undefined) futimesSync(fd, unixTime(mtimeMs), unixTime(mtimeMs));
}

function keepOwner(fd: number, owner: { readonly uid: number; readonly gid: number }): void {
  try {
    fchownSync(fd, owner.uid, owner.gid);
  } catch (error) {
    // Only root may give files away: elsewhere the file is ours from now on.
    if (!hasErrno(error, 'EPERM')) throw error;
  }
}
