import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { RawSide, RawStat } from './side.js';

const run = promisify(execFile);

/** Raw hands on a real folder. Whoever can make a folder unlistable for the storage under test passes how. */
export function rawFolder(root: string, unlistable?: (absolute: string) => Promise<void>): RawSide {
  const at = (path: string) => join(root, path);
  const side: RawSide = {
    write: async (path, data, options = {}) => {
      await fs.mkdir(dirname(at(path)), { recursive: true });
      await fs.writeFile(at(path), data);
      if (options.mode !== undefined) await fs.chmod(at(path), options.mode);
      if (options.mtimeMs !== undefined)
        await fs.utimes(at(path), options.mtimeMs / 1000, options.mtimeMs / 1000);
    },
    append: (path, data) => fs.appendFile(at(path), data),
    mkdir: async (path, mode = 0o755) => {
      await fs.mkdir(at(path), { recursive: true });
      await fs.chmod(at(path), mode);
    },
    symlink: (target, path) => fs.symlink(target, at(path)),
    rename: (from, to) => fs.rename(at(from), at(to)),
    remove: (path) => fs.rm(at(path), { recursive: true, force: true }),
    read: (path) => fs.readFile(at(path)),
    stat: (path) => statOf(at(path)),
    names: async (directory) => (await fs.readdir(at(directory))).sort(),
    special: async (path) => {
      await run('mkfifo', [at(path)]);
    },
  };
  if (unlistable !== undefined) side.unlistable = (path) => unlistable(at(path));
  return side;
}

async function statOf(absolute: string): Promise<RawStat | null> {
  const stats = await fs.lstat(absolute).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (stats === null) return null;
  const { size, mtimeMs } = stats;
  const mode = stats.mode & 0o7777;
  if (stats.isSymbolicLink()) {
    return { kind: 'symlink', size, mode, mtimeMs, target: await fs.readlink(absolute) };
  }
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'special';
  return { kind, size, mode, mtimeMs };
}
