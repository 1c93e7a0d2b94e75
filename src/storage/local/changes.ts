/** Everything that is done to the local tree in one step, besides new files. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../core/entry.js';
import { hasCode, hasErrno, TowlineError } from '../../core/errors.js';
import { checkName } from '../checked.js';
import { checkExpected } from '../expected.js';
import { attempt, localError } from './errors.js';
import { directoryFlags, placeFlags, readFlags } from './flags.js';
import { withPlace, type Place, type Root } from './place.js';
import { publishAt, renameToNothing, taken } from './publish.js';
import { entryFrom, entryOf, kindOf } from './stats.js';
import { unixTime } from './time.js';

/** See `Storage.makeDirectory`. */
export function makeLocalDirectory(root: Root, path: string, mode: number): Promise<Entry> {
  const shown = join(root.path, path);
  return withPlace(root, path, ({ at }) =>
    attempt('make the directory', shown, () => {
      fs.mkdirSync(at, 0o700);
      try {
        return withHandle(at, directoryFlags, (fd) => {
          // By its handle: what was made is what is changed, and the umask has no say.
          fs.fchmodSync(fd, mode);
          return entryOf(fs.fstatSync(fd), 'directory');
        });
      } catch (error) {
        fs.rmdirSync(at);
        throw error;
      }
    }),
  );
}

/** See `Storage.makeSymlink`. */
export async function makeLocalSymlink(
  root: Root,
  path: string,
  link: { readonly target: string; readonly mtimeMs: number },
  name: string,
  expected: Entry | null,
): Promise<Entry> {
  checkName(name);
  const shown = join(root.path, path);
  return withPlace(root, path, (place) => {
    const from = place.beside(name);
    attempt('make the symbolic link', shown, () => fs.symlinkSync(link.target, from));
    try {
      return attempt('make the symbolic link', shown, () => {
        fs.lutimesSync(from, unixTime(link.mtimeMs), unixTime(link.mtimeMs));
        publishAt({ from, to: place.at, shown, kind: 'symlink' }, expected);
        return lookAgain(place, shown);
      });
    } catch (error) {
      fs.rmSync(from, { force: true });
      throw error;
    }
  });
}

/** See `Storage.setMetadata`; of a symlink only the time. */
export function setLocalMetadata(
  root: Root,
  path: string,
  expected: Entry,
  change: { mode?: number; mtimeMs?: number },
): Promise<Entry> {
  const shown = join(root.path, path);
  return withPlace(root, path, (place) => {
    try {
      if (expected.kind === 'symlink') return touchLink(place, shown, expected, change.mtimeMs);
      return withHandle(place.at, root.handles ? placeFlags : readFlags, (fd) => {
        const stats = fs.fstatSync(fd);
        const kind = kindOf(stats);
        // A handle on the place may be one on a symlink: it is no file of its own.
        if (kind === null || kind === 'symlink') throw changed(shown);
        checkExpected(shown, expected, entryOf(stats, kind));
        if (change.mode !== undefined) chmodHeld(root, fd, change.mode);
        if (change.mtimeMs !== undefined) utimesHeld(root, fd, stats.atimeMs, change.mtimeMs);
        return entryOf(fs.fstatSync(fd), kind);
      });
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ELOOP')) throw changed(shown, error);
      throw error instanceof TowlineError ? error : localError(error, 'set mode and time of', shown);
    }
  });
}

/** See `Storage.move`. */
export function moveLocal(root: Root, from: string, to: string, expected: Entry): Promise<Entry> {
  const shown = join(root.path, from);
  const target = join(root.path, to);
  return withPlace(root, from, (old) =>
    withPlace(root, to, (place) => {
      try {
        const now = lookAgain(old, shown);
        checkExpected(shown, expected, now);
        // A directory cannot be linked, and its rename replaces an empty one: there the look before has to do.
        if (now.kind === 'directory') renameToNothing({ from: old.at, to: place.at, shown: target });
        else publishAt({ from: old.at, to: place.at, shown: target, kind: now.kind }, null);
        return lookAgain(place, target);
      } catch (error) {
        if (hasErrno(error, 'ENOENT')) throw changed(shown, error);
        if (hasErrno(error, 'EEXIST')) throw taken(target, error);
        throw error instanceof TowlineError ? error : localError(error, 'rename', shown);
      }
    }),
  );
}

/** See `Storage.remove`. */
export async function removeLocal(root: Root, path: string, expected: Entry): Promise<void> {
  const shown = join(root.path, path);
  try {
    await withPlace(root, path, ({ at }) => {
      const stats = fs.lstatSync(at);
      const now = entryFrom(stats, at, shown);
      if (now instanceof TowlineError) throw changed(shown, now);
      checkExpected(shown, expected, now);
      if (now.kind === 'directory') fs.rmdirSync(at);
      else fs.unlinkSync(at);
    });
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasCode(error, 'not-found')) return;
    if (hasErrno(error, 'EEXIST')) throw notEmpty(shown, error);
    throw error instanceof TowlineError ? error : localError(error, 'remove', shown);
  }
}

function withHandle<T>(at: string, flags: number, use: (fd: number) => T): T {
  const fd = fs.openSync(at, flags);
  try {
    return use(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** fchmod refuses a handle that was opened with O_PATH; the path in /proc stands for the same thing. */
function chmodHeld(root: Root, fd: number, mode: number): void {
  if (root.handles) fs.chmodSync(`/proc/self/fd/${fd}`, mode);
  else fs.fchmodSync(fd, mode);
}

function utimesHeld(root: Root, fd: number, atimeMs: number, mtimeMs: number): void {
  if (root.handles) fs.utimesSync(`/proc/self/fd/${fd}`, unixTime(atimeMs), unixTime(mtimeMs));
  else fs.futimesSync(fd, unixTime(atimeMs), unixTime(mtimeMs));
}

function touchLink(place: Place, shown: string, expected: Entry, mtimeMs: number | undefined): Entry {
  checkExpected(shown, expected, lookAgain(place, shown));
  if (mtimeMs !== undefined) fs.lutimesSync(place.at, unixTime(mtimeMs), unixTime(mtimeMs));
  return lookAgain(place, shown);
}

function lookAgain({ at }: Place, shown: string): Entry {
  const entry = entryFrom(fs.lstatSync(at), at, shown);
  if (entry instanceof TowlineError) throw changed(shown, entry);
  return entry;
}

function changed(shown: string, cause?: unknown): TowlineError {
  return new TowlineError('changed', `${shown} is no longer what it was when this was planned`, {
    path: shown,
    cause,
  });
}

function notEmpty(shown: string, cause: unknown): TowlineError {
  return new TowlineError('not-empty', `the directory ${shown} still holds something`, {
    path: shown,
    cause,
  });
}
