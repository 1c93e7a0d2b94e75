/** A directory opened to reach what is in it, so that a symlink that takes its name meanwhile leads nobody away. */
import { closeSync, lstatSync, openSync } from 'node:fs';
import { hasErrno } from '../../core/errors.js';
import { placeDirectoryFlags } from './flags.js';
import type { Root } from './place.js';

export interface Inside {
  /** To hand to `node:fs`; valid until `close`. */
  readonly path: Buffer;
  child(name: Buffer): Buffer;
  close(): void;
}

/**
 * The directory at `at`, itself reached by `placeOf`; `null` when something else is there.
 * @throws errors of the system
 */
export function openInside(root: Root, at: Buffer): Inside | null {
  if (!root.handles) {
    return lstatSync(at).isDirectory() ? inside(at, () => undefined) : null;
  }
  try {
    const fd = openSync(at, placeDirectoryFlags);
    return inside(Buffer.from(`/proc/self/fd/${String(fd)}`), () => closeSync(fd));
  } catch (error) {
    if (hasErrno(error, 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  }
}

function inside(path: Buffer, close: () => void): Inside {
  return { path, child: (name) => Buffer.concat([path, Buffer.from('/'), name]), close };
}
