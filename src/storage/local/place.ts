/**
 * Reaches a path below the root without following a symlink, also when someone plants one meanwhile.
 *
 * On Linux each directory on the way is opened with O_PATH|O_DIRECTORY|O_NOFOLLOW relative to the one before, and its
 * children are reached through `/proc/self/fd/N`: what was checked is what is used. Elsewhere the directories are
 * looked at with lstat first, which leaves a window between check and use.
 */
import { closeSync, existsSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, TowlineError } from '../../core/errors.js';
import { join as joinPath, windowsNameProblem } from '../../core/path.js';
import { componentsOf } from '../checked.js';
import { localError } from './errors.js';
import { placeDirectoryFlags, rootFlags } from './flags.js';

/** Where a path lies: its directory, held open where that is possible. */
export interface Place {
  /** The path itself, to hand to `node:fs`; valid until `close`. */
  readonly at: string;
  /** Something else in the same directory. */
  readonly beside: (name: string) => string;
  close(): void;
}

/** Whether places can be held by handles on this machine. */
export const canHoldPlaces = process.platform === 'linux' && existsSync('/proc/self/fd');

/** A root that may be written below. */
export interface Root {
  /** Absolute. */
  readonly path: string;
  /** Hold places by handles; else look at the directories on the way. */
  readonly handles: boolean;
}

/**
 * The place of `path` below `root`.
 * @throws `name`; `not-found` when a directory on the way is missing; `changed` when something else is in its place
 */
export function placeOf(root: Root, path: string): Place {
  const components = componentsOf(path);
  if (process.platform === 'win32') requireWindowsNames(path, components);
  const name = components.pop() ?? '';
  if (root.handles) return heldPlace(root.path, components, name);
  checkDirectories(root.path, components);
  const directory = join(root.path, ...components);
  return { at: join(directory, name), beside: (other) => join(directory, other), close: () => undefined };
}

/** Runs `use` with the place of `path`, and lets it go. */
export async function withPlace<T>(
  root: Root,
  path: string,
  use: (place: Place) => T | Promise<T>,
): Promise<T> {
  const place = placeOf(root, path);
  try {
    return await use(place);
  } finally {
    place.close();
  }
}

/**
 * Refuses what Windows would take for another path than it looks like.
 * @throws `name`
 */
export function requireWindowsNames(path: string, components: readonly string[]): void {
  for (const component of components) {
    const problem = windowsNameProblem(component);
    if (problem === null) continue;
    const what = `${JSON.stringify(path)} is refused: ${JSON.stringify(component)} ${problem}`;
    throw new TowlineError('name', what, { path, hint: 'Rename it, or exclude it' });
  }
}

function heldPlace(root: string, directories: readonly string[], name: string): Place {
  let fd = -1;
  let shown = '';
  try {
    fd = openSync(root, rootFlags);
    for (const directory of directories) {
      shown = joinPath(shown, directory);
      const next = openSync(`/proc/self/fd/${fd}/${directory}`, placeDirectoryFlags);
      closeSync(fd);
      fd = next;
    }
  } catch (error) {
    if (fd !== -1) closeSync(fd);
    throw wayError(error, join(root, shown));
  }
  const held = fd;
  const beside = (other: string) => `/proc/self/fd/${held}/${other}`;
  return { at: beside(name), beside, close: () => closeSync(held) };
}

/**
 * Looks at each directory on the way with lstat: enough where nothing is written.
 * @param known directories already looked at, kept up to date when given
 * @throws as `placeOf`
 */
export function checkDirectories(root: string, directories: readonly string[], known?: Set<string>): void {
  let path = '';
  for (const directory of directories) {
    path = joinPath(path, directory);
    if (known?.has(path) === true) continue;
    const absolute = join(root, path);
    try {
      if (!lstatSync(absolute).isDirectory()) throw notADirectory(absolute);
    } catch (error) {
      throw error instanceof TowlineError ? error : wayError(error, absolute);
    }
    known?.add(path);
  }
}

function wayError(error: unknown, absolute: string): TowlineError {
  const name = errnoOf(error);
  return name === 'ENOTDIR' || name === 'ELOOP'
    ? notADirectory(absolute, error)
    : localError(error, 'enter', absolute);
}

function notADirectory(absolute: string, cause?: unknown): TowlineError {
  const what = `${absolute} is no directory (any more): nothing was done below it`;
  return new TowlineError('changed', what, { path: absolute, cause });
}
