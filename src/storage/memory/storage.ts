/** A Storage in memory, with knobs for whatever a real side might do to us. */
import { TowlineError } from '../../core/errors.js';
import type { Capabilities, Storage } from '../../ports.js';
import type { InPlaceStorage } from '../../ports-in-place.js';
import { componentsOrRoot } from '../checked.js';
import { hashEach, hashSource } from '../hash.js';
import * as changes from './changes.js';
import { step, type MemoryContext, type MemoryHook } from './context.js';
import { MemoryEdit } from './edit.js';
import { requireUnlocked } from './lock.js';
import { observeMemory, openMemorySource, readMemoryText, scanMemory } from './reading.js';
import { createMemoryTemp, openMemoryInPlace, resumeMemoryTemp } from './temp.js';
import { MemoryTree } from './tree.js';

export interface MemoryOptions {
  readonly label?: string;
  /** Our clock, ms since 1970; default: the machine's. */
  readonly now?: () => number;
  /** How far this side's clock is ahead of ours, ms; default 0. */
  readonly clockOffsetMs?: number;
  /** Times are cut to whole multiples of this; default 1. */
  readonly timeGranularityMs?: number;
  /** Names that differ in case only are one; default false. */
  readonly foldCase?: boolean;
  /** Entries carry `dev`, `ino` and `ctimeMs`, and sources are known by them; default true. False: as over SFTP. */
  readonly identity?: boolean;
  /** Default: all of them. What is missing is missing in deed: no modes are kept without `modes`. */
  readonly capabilities?: Partial<Omit<Capabilities, 'timeGranularityMs'>>;
  /** Bytes of content that fit; `null` (default): no end. `capacity` of the storage changes it. */
  readonly capacityBytes?: number | null;
  /** `missing`: no root yet; `far`: its parent is missing too. Default `present`. */
  readonly root?: 'present' | 'missing' | 'far';
  /** Before each step: may wait, or throw a `TowlineError` so that nothing happens. */
  readonly before?: MemoryHook;
  /** After each step that was done: what it throws is a lost answer. */
  readonly after?: MemoryHook;
}

export interface MemoryStorage extends InPlaceStorage {
  /** Raw hands on the tree. */
  readonly edit: MemoryEdit;
  /** Changes how many bytes of content fit; `null`: no end. */
  capacity(bytes: number | null): void;
}

/**
 * A side that lives in memory. It keeps every promise of `Storage`, and the owner's permission bits count: a directory
 * without read or search permission cannot be listed, one without write permission not changed.
 */
export function createMemoryStorage(options: MemoryOptions = {}): MemoryStorage {
  const {
    now = Date.now,
    clockOffsetMs = 0,
    timeGranularityMs = 1,
    foldCase = false,
    identity = true,
  } = options;
  const tree = new MemoryTree({ now: () => now() + clockOffsetMs, timeGranularityMs, foldCase, identity });
  tree.capacityBytes = options.capacityBytes ?? null;
  if ((options.root ?? 'present') === 'present') tree.root = tree.create('directory', 0o755);
  const context: MemoryContext = {
    tree,
    identity,
    capabilities: { ...allCapabilities, ...options.capabilities, timeGranularityMs },
    before: options.before ?? (() => undefined),
    after: options.after ?? (() => undefined),
  };
  return {
    label: options.label ?? 'memory',
    capabilities: context.capabilities,
    edit: new MemoryEdit(tree),
    capacity: (bytes) => {
      tree.capacityBytes = bytes;
    },
    ...reading(context, clockOffsetMs),
    ...writing(context, options.root === 'far'),
  };
}

const allCapabilities: Omit<Capabilities, 'timeGranularityMs'> = {
  atomicReplace: true,
  symlinks: true,
  symlinkTimes: true,
  modes: true,
  times: true,
  fsync: true,
  space: true,
  resume: true,
  locks: true,
};

type Reading =
  'scan' | 'observe' | 'openSource' | 'readText' | 'hash' | 'hashInPlace' | 'freeBytes' | 'clockOffsetMs';

function reading(context: MemoryContext, clockOffsetMs: number): Pick<Storage, Reading> {
  return {
    scan: (request) => scanMemory(context, request),
    observe: (paths, signal) => observeMemory(context, paths, signal),
    openSource: (path) => step(context, 'openSource', path, () => openMemorySource(context, path)),
    readText: (path) => step(context, 'readText', path, () => readMemoryText(context, path)),
    hash: (path, signal) =>
      step(context, 'hash', path, () => hashSource(openMemorySource(context, path), path, signal)),
    hashInPlace: (files, signal) =>
      step(context, 'hashInPlace', files[0]?.path ?? '', () =>
        hashEach(files, (path) => openMemorySource(context, path), signal),
      ),
    freeBytes: (path) => step(context, 'freeBytes', path, () => freeBytes(context, path)),
    clockOffsetMs: () => step(context, 'clockOffsetMs', '', () => clockOffsetMs),
  };
}

type Writing =
  | 'ensureRoot'
  | 'createTemp'
  | 'resumeTemp'
  | 'openInPlace'
  | 'makeDirectory'
  | 'makeSymlink'
  | 'setMetadata'
  | 'move'
  | 'remove'
  | 'removeTemps';

function writing(context: MemoryContext, far: boolean): Pick<InPlaceStorage, Writing> {
  return {
    ensureRoot: ({ parents }) => step(context, 'ensureRoot', '', () => ensureRoot(context, parents || !far)),
    createTemp: (path, name) =>
      step(context, 'createTemp', path, () => createMemoryTemp(context, path, name)),
    resumeTemp: (path, from, to, offset, apart = false) =>
      step(context, 'resumeTemp', path, () => resumeMemoryTemp(context, path, from, to, offset, apart)),
    openInPlace: (path, expected, offset) =>
      step(context, 'openInPlace', path, () => openMemoryInPlace(context, path, expected, offset)),
    makeDirectory: (path, mode) =>
      step(context, 'makeDirectory', path, () => changes.makeMemoryDirectory(context, path, mode)),
    makeSymlink: (path, link, name, expected, lock) =>
      step(context, 'makeSymlink', path, () => {
        requireUnlocked(context, path, lock);
        return changes.makeMemorySymlink(context, path, link, name, expected);
      }),
    setMetadata: (path, expected, change, lock) =>
      step(context, 'setMetadata', path, () => {
        requireUnlocked(context, path, lock);
        return changes.setMemoryMetadata(context, path, expected, change);
      }),
    move: (from, to, expected, lock) =>
      step(context, 'move', from, () => {
        requireUnlocked(context, from, lock);
        return changes.moveMemory(context, from, to, expected);
      }),
    remove: (path, expected, lock) =>
      step(context, 'remove', path, () => {
        requireUnlocked(context, path, lock);
        changes.removeMemory(context, path, expected);
      }),
    removeTemps: (paths) =>
      step(context, 'removeTemps', paths[0] ?? '', () => changes.removeMemoryTemps(context, paths)),
  };
}

function ensureRoot({ tree }: MemoryContext, allowed: boolean): void {
  if (tree.root === null && !allowed) {
    const hint = 'Make it, or use --mkpath';
    throw new TowlineError('not-found', 'the directory that is to hold the root is missing', {
      path: '',
      hint,
    });
  }
  tree.root ??= tree.create('directory', 0o755);
}

function freeBytes({ tree, capabilities }: MemoryContext, path: string): number | null {
  componentsOrRoot(path);
  if (!capabilities.space) return null;
  if (tree.capacityBytes === null) return Number.MAX_SAFE_INTEGER;
  return Math.max(0, tree.capacityBytes - tree.usedBytes);
}
