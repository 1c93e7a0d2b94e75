/** The Storage of a folder on this machine. */
import { mkdirSync, statSync, type StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, hasErrno, TowlineError } from '../../core/errors.js';
import type { Capabilities } from '../../ports.js';
import type { InPlaceStorage } from '../../ports-in-place.js';
import { componentsOf, componentsOrRoot } from '../checked.js';
import { hashEach, hashSource } from '../hash.js';
import * as changes from './changes.js';
import { attempt, localError } from './errors.js';
import { observeLocal } from './observe.js';
import { canHoldPlaces, checkDirectories, type Root } from './place.js';
import { removeLocalTemps } from './removal.js';
import { respellLocal } from './respell.js';
import { scanLocal } from './scan.js';
import { openLocalSource, readSmallText } from './source.js';
import { createLocalTemp, openLocalInPlace, resumeLocalTemp } from './temp.js';

export interface LocalOptions {
  /** The folder, absolute. */
  readonly root: string;
  /** For people; the root where it is left out. */
  readonly label?: string;
  /** Default false: a side that is only a source refuses every change. */
  readonly writable?: boolean;
  /**
   * Reach what is written through handles on its directories, so that no symlink planted meanwhile is followed. Default:
   * where this machine can (Linux with /proc).
   */
  readonly handles?: boolean;
}

const isWindows = process.platform === 'win32';

const capabilities: Capabilities = {
  atomicReplace: true,
  symlinks: !isWindows,
  symlinkTimes: !isWindows,
  modes: !isWindows,
  times: true,
  fsync: true,
  space: true,
  resume: true,
  // This side is one user's: whoever else writes here knows nothing of locks.
  locks: false,
  // What Node can set: its times are doubles, in seconds.
  timeGranularityMs: 0.001,
};

/**
 * A folder on this machine as a Storage. The folder itself may be a symlink; below it none is followed.
 *
 * Errors carry the absolute path. Every change of a storage that is not `writable` is `unsupported`.
 */
export function createLocalStorage(options: LocalOptions): InPlaceStorage {
  const { root, label = root, writable = false, handles = canHoldPlaces } = options;
  const base: Root = { path: root, handles };

  /** Every change goes through here. */
  const changing = async <T>(path: string, change: () => T | Promise<T>): Promise<T> => {
    if (writable) return await change();
    const absolute = join(root, path);
    throw new TowlineError('unsupported', `${absolute} is on a side that is only read`, { path: absolute });
  };

  return {
    label,
    capabilities,
    ensureRoot: ({ parents }) => changing('', () => ensureRoot(root, parents)),
    scan: (request) => scanLocal(root, request),
    observe: (paths, signal) => observeLocal(root, paths, signal),
    openSource: (path) => promised(() => openLocalSource(base, path)),
    readText: (path) => promised(() => readText(root, path)),
    createTemp: (path, name) => changing(path, () => createLocalTemp(base, path, name)),
    resumeTemp: (path, from, to, offset) =>
      changing(path, () => resumeLocalTemp(base, path, from, to, offset)),
    openInPlace: (path, expected, offset) =>
      changing(path, () => openLocalInPlace(base, path, expected, offset)),
    makeDirectory: (path, mode) => changing(path, () => changes.makeLocalDirectory(base, path, mode)),
    makeSymlink: (path, link, name, expected) =>
      changing(path, () => changes.makeLocalSymlink(base, path, link, name, expected)),
    setMetadata: (path, expected, change) =>
      changing(path, () => changes.setLocalMetadata(base, path, expected, change)),
    move: (from, to, expected) => changing(from, () => changes.moveLocal(base, from, to, expected)),
    remove: (path, expected) => changing(path, () => changes.removeLocal(base, path, expected)),
    removeTemps: (paths) => changing('', () => removeLocalTemps(base, paths)),
    respell: (path, stored, name) => changing(path, () => respellLocal(base, path, stored, name)),
    hash: async (path, signal) => hashSource(openLocalSource(base, path), join(root, path), signal),
    hashInPlace: (files, signal) => hashEach(files, (path) => openLocalSource(base, path), signal),
    freeBytes: (path) => freeBytes(root, path),
    clockOffsetMs: () => Promise.resolve(0),
  };
}

/** Synchronous work as a promise: what it throws becomes a rejection. */
function promised<T>(call: () => T): Promise<T> {
  return Promise.resolve().then(call);
}

function ensureRoot(root: string, parents: boolean): void {
  try {
    mkdirSync(root, { recursive: parents });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) {
      const what = `cannot make ${root}: the directory that is to hold it is missing`;
      throw new TowlineError('not-found', what, {
        path: root,
        hint: 'Make it, or use --mkpath',
        cause: error,
      });
    }
    if (!hasErrno(error, 'EEXIST')) throw localError(error, 'make', root);
  }
  const isDirectory = attempt('look at', root, () => statSync(root).isDirectory());
  if (!isDirectory)
    throw new TowlineError('exists', `${root} is no directory`, { path: root, hint: 'Name a directory' });
}

function readText(root: string, path: string): string | null {
  const components = componentsOf(path);
  try {
    checkDirectories(root, components.slice(0, -1));
  } catch (error) {
    if (hasCode(error, 'not-found', 'changed')) return null;
    throw error;
  }
  return readSmallText(join(root, path));
}

/** Of the nearest directory that is there: what is asked for may not exist yet. */
async function freeBytes(root: string, path: string): Promise<number> {
  componentsOrRoot(path);
  let absolute = path === '' ? root : dirname(join(root, path));
  for (;;) {
    try {
      const space: StatsFs = await statfs(absolute);
      return space.bavail * space.bsize;
    } catch (error) {
      const above = dirname(absolute);
      const missing = hasErrno(error, 'ENOENT', 'ENOTDIR');
      if (!missing || above === absolute) throw localError(error, 'ask for the free space of', absolute);
      absolute = above;
    }
  }
}
