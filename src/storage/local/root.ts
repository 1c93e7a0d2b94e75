import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, hasErrno, TowlineError } from '../../core/errors.js';

/** Which directory a root is, to notice that another one stands in its place. */
export interface RootIdentity {
  readonly dev: number;
  readonly ino: number;
  /** It lies on another device than the directory above it. */
  readonly mountPoint: boolean;
}

/**
 * The real path of the local folder of a pair.
 * @throws `configuration` when it is missing, no directory, or out of reach
 */
export async function resolveRoot(path: string): Promise<string> {
  const wrong = (what: string, hint: string, cause?: unknown) =>
    new TowlineError('configuration', `the local folder '${path}' ${what}`, { path, hint, cause });
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory())
      throw wrong('is not a directory', 'Name the folder whose contents are to be synced');
    return real;
  } catch (error) {
    if (error instanceof TowlineError) throw error;
    if (hasErrno(error, 'ENOENT')) throw wrong('does not exist', 'Check the name, or make it first', error);
    throw wrong('cannot be reached', 'Check the permissions of the folders above it', error);
  }
}

/** The root as it is now, or `null` when it is gone, is no directory, or cannot be reached. */
export async function inspectRoot(root: string): Promise<RootIdentity | null> {
  try {
    const [own, above] = await Promise.all([lstat(root), lstat(dirname(root))]);
    return own.isDirectory() ? { dev: own.dev, ino: own.ino, mountPoint: own.dev !== above.dev } : null;
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    return null;
  }
}

/** Whether nothing is at `path`, and a directory above it (with `parents`: further above will do). */
export async function couldBeMade(path: string, parents: boolean): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) return false;
  }
  return parents || (await inspectRoot(dirname(path))) !== null;
}
