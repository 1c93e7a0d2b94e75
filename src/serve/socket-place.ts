/**
 * Where the control socket of a pair lies: `control.sock` in its state folder. The path of a unix socket has little room
 * (sun_path, unix(7)) and not every file system carries sockets; then it lies in a private folder at a short path, which
 * the file `control.path` in the state folder names.
 */
import { chmod, lstat, mkdtemp, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { hasErrno, TowlineError } from '../core/errors.js';

const socketName = 'control.sock';
const pointerName = 'control.path';
const shortFolderPrefix = 'towline-';
/** macOS has room for 104 bytes with the NUL at the end, Linux for 108. */
const pathBytesMax = 103;
const othersBits = 0o077;

type Env = Readonly<Record<string, string | undefined>>;

/** Whether a socket can have this path. */
export function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= pathBytesMax;
}

/** Where to connect for the pair of this state folder; there need not be anybody. */
export async function findSocket(folder: string): Promise<string> {
  return (await readPointer(folder)) ?? join(folder, socketName);
}

/**
 * Binds the socket of a pair by `bind`, in the first place that takes it, open to its owner only at every moment: its
 * folder is private before it is made. What a dead agent left is removed; the caller holds the pair's lock.
 * @returns removes the socket again
 * @throws `unsupported` when no place takes it, `state` when the state folder is open to others
 */
export async function bindSocket(
  folder: string,
  env: Env,
  bind: (path: string) => Promise<void>,
): Promise<() => Promise<void>> {
  await refuseOpen(folder);
  await removeOld(folder);
  const usual = join(folder, socketName);
  let failure: unknown = null;
  if (fitsSocket(usual)) {
    try {
      await bindAt(usual, bind);
      return () => rm(usual, { force: true });
    } catch (error) {
      failure = error;
    }
  }
  for (const parent of shortParents(env)) {
    try {
      return await bindShort(folder, parent, bind);
    } catch (error) {
      failure = error;
    }
  }
  throw new TowlineError('unsupported', `no control socket can be made for the state folder ${folder}`, {
    path: folder,
    hint: 'Choose a place on a local disk with --state-dir, or set XDG_RUNTIME_DIR',
    cause: failure,
  });
}

async function bindAt(path: string, bind: (path: string) => Promise<void>): Promise<void> {
  await bind(path);
  await chmod(path, 0o600);
}

async function bindShort(
  folder: string,
  parent: string,
  bind: (path: string) => Promise<void>,
): Promise<() => Promise<void>> {
  // Made for its owner only (0700), under a name that nobody can take before.
  const made = await mkdtemp(join(parent, shortFolderPrefix));
  const path = join(made, socketName);
  const remove = async () => {
    await rm(join(folder, pointerName), { force: true });
    await removeShort(path);
  };
  try {
    if (!fitsSocket(path))
      throw new TowlineError('unsupported', `${path} is too long for a socket`, { path });
    await bindAt(path, bind);
    await writePointer(folder, path);
    return remove;
  } catch (error) {
    await remove();
    throw error;
  }
}

/** systemd's RuntimeDirectory=, the session's, the usual temp folder, and one that is short everywhere. */
function shortParents(env: Env): string[] {
  const given = [env.RUNTIME_DIRECTORY?.split(':')[0], env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'];
  const absolute = given.filter((path): path is string => path !== undefined && isAbsolute(path));
  return [...new Set(absolute)];
}

async function refuseOpen(folder: string): Promise<void> {
  const stats = await lstat(folder);
  if (stats.isDirectory() && (stats.mode & othersBits) === 0) return;
  throw new TowlineError('state', `the state folder ${folder} is open to others`, {
    path: folder,
    hint: `Close it: chmod 700 ${folder}`,
  });
}

/** Only whoever owns the private state folder wrote the pointer, so what it names is ours to remove. */
async function removeOld(folder: string): Promise<void> {
  const path = await readPointer(folder);
  if (path !== null && basename(dirname(path)).startsWith(shortFolderPrefix)) await removeShort(path);
  await rm(join(folder, pointerName), { force: true });
  await rm(join(folder, socketName), { force: true });
}

/** A socket with the private folder around it. */
async function removeShort(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
    await rmdir(dirname(path));
  } catch (error) {
    // Temp folders are cleaned up by others, too; what somebody else put in its place is not ours.
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'ENOTDIR', 'EEXIST', 'EPERM', 'EACCES')) throw error;
  }
}

async function readPointer(folder: string): Promise<string | null> {
  try {
    const text = (await readFile(join(folder, pointerName), 'utf8')).trimEnd();
    return isAbsolute(text) && basename(text) === socketName ? text : null;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}

async function writePointer(folder: string, path: string): Promise<void> {
  const file = join(folder, pointerName);
  await writeFile(`${file}.new`, `${path}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
