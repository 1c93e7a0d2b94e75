/** Removes temps, whatever they hold, and clears their asides (core/tempname.ts), without following a symlink. */
import * as fs from 'node:fs';
import { hasCode, hasErrno } from '../../core/errors.js';
import { nameOf } from '../../core/path.js';
import { asideOf, isOwnName } from '../../core/tempname.js';
import { openInside } from './inside.js';
import { withPlace, type Root } from './place.js';
import { Slice } from './slice.js';

/** How often an aside is emptied anew that others fill meanwhile. */
const emptyingsMax = 4;

/** See `Storage.removeTemps`: paths whose last component is not ours are left alone. */
export async function removeLocalTemps(root: Root, paths: readonly string[]): Promise<string[]> {
  const gone: string[] = [];
  for (const path of paths) {
    if (isOwnName(path) && (await isGone(root, path))) gone.push(path);
  }
  return gone;
}

async function isGone(root: Root, path: string): Promise<boolean> {
  try {
    await withPlace(root, path, async ({ at, beside }) => {
      clearAside(root, beside, nameOf(path));
      await removeAll(root, Buffer.from(at), new Slice());
    });
    return true;
  } catch (error) {
    // Best effort: what could not be removed is missing in the answer. Below what is no directory any more there is nothing.
    return hasCode(error, 'not-found', 'changed') || hasErrno(error, 'ENOENT');
  }
}

/** Of a file, a link or a directory; as bytes, since names in it need not be valid UTF-8. */
async function removeAll(root: Root, at: Buffer, slice: Slice): Promise<void> {
  if (slice.over) await slice.pause();
  const inside = openInside(root, at);
  if (inside === null) {
    fs.rmSync(at, { force: true });
    return;
  }
  try {
    for (const name of fs.readdirSync(inside.path, { encoding: 'buffer' })) {
      await removeAll(root, inside.child(name), slice);
    }
  } finally {
    inside.close();
  }
  fs.rmdirSync(at);
}

/**
 * Sees to it that the aside of this temp is not there (any more): what is in it goes back to its place or, when something
 * is there, away. A directory is never removed with its contents.
 * @throws errors of the system
 */
export function clearAside(root: Root, beside: (name: string) => string, temp: string): void {
  const aside = beside(asideOf(temp));
  for (let emptied = 1; ; emptied++) {
    try {
      fs.rmdirSync(aside);
      return;
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return;
      if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST') || emptied === emptyingsMax) throw error;
    }
    empty(root, aside, beside);
  }
}

function empty(root: Root, aside: string, beside: (name: string) => string): void {
  const inside = openInside(root, Buffer.from(aside));
  if (inside === null) return;
  try {
    for (const name of fs.readdirSync(inside.path, { encoding: 'buffer' })) {
      const place = Buffer.concat([Buffer.from(beside('')), name]);
      if (fs.lstatSync(place, { throwIfNoEntry: false }) === undefined) {
        fs.renameSync(inside.child(name), place);
      } else {
        fs.unlinkSync(inside.child(name));
      }
    }
  } finally {
    inside.close();
  }
}
