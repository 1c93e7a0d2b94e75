/** Where the bench works: in memory if it can, since a disk that is busy with writing back measures only itself. */
import { accessSync, constants, existsSync, mkdtempSync, realpathSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memoryFolder = '/dev/shm';
/** `f_type` of a tmpfs (statfs(2)). */
const tmpfsType = 0x01021994;

function isUsable(folder, neededBytes) {
  if (!existsSync(folder)) return false;
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return false;
  }
  const { type, bavail, bsize } = statfsSync(folder);
  return type === tmpfsType && bavail * bsize >= neededBytes;
}

/**
 * Makes a fresh folder.
 * @returns its `folder`, and the `medium` in words for the report
 */
export function makeScratch(neededBytes) {
  const base = isUsable(memoryFolder, neededBytes) ? memoryFolder : tmpdir();
  const folder = realpathSync(mkdtempSync(join(base, 'towline-bench-')));
  const inMemory = statfsSync(folder).type === tmpfsType;
  return { folder, medium: inMemory ? 'both sides in memory (tmpfs)' : 'both sides on disk' };
}
