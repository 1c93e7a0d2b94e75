/** The requests that name a path. Synchronous, see confine.ts. */
import {
  chmodSync,
  chownSync,
  constants,
  fchmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statfsSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import type { Attributes } from '../channel.js';
import { attributesOf } from './attributes.js';
import { spelled, type Confinement, type Names, type Place } from './confine.js';
import type { Faults } from './faults.js';
import type { HandleTable } from './handles.js';
import { uint64 } from './packet.js';
import { absolute } from './seen.js';
import { done, Refusal, type Reply, status } from './reply.js';

/** What a request works on. */
export interface Workplace {
  readonly confinement: Confinement;
  readonly handles: HandleTable;
  readonly faults: Faults;
}

/** The flags of OPEN. */
export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

export function open(work: Workplace, path: Buffer, flags: number, attributes: Attributes): Reply {
  const has = (flag: number) => (flags & flag) !== 0;
  if (work.faults.refuseReadWriteOpens === true && has(openFlag.read) && has(openFlag.write)) {
    throw new Refusal(status.failure);
  }
  // O_EXCL refuses a link by itself, so it must see it.
  const exclusive = has(openFlag.create) && has(openFlag.exclusive);
  const place = work.confinement.locate(path, exclusive ? 'keep' : 'follow', work.faults);
  const before = lstatSync(place.real, { throwIfNoEntry: false });
  // A FIFO without a partner would block the whole process.
  if (before !== undefined && !before.isFile() && !before.isDirectory()) throw new Refusal(status.failure);
  const mode = createdMode(work.faults, attributes.mode, 0o666);
  const descriptor = openSync(place.real, systemFlags(has) | constants.O_NOFOLLOW, mode);
  if (before === undefined && setsModes(work.faults)) fchmodSync(descriptor, mode);
  const append = has(openFlag.append);
  const handle = work.handles.add({ type: 'file', descriptor, path: place.seen, append, writtenTo: 0 });
  return { type: 'handle', handle };
}

function systemFlags(has: (flag: number) => boolean): number {
  const access = has(openFlag.write)
    ? has(openFlag.read)
      ? constants.O_RDWR
      : constants.O_WRONLY
    : constants.O_RDONLY;
  return (
    access |
    (has(openFlag.append) ? constants.O_APPEND : 0) |
    (has(openFlag.create) ? constants.O_CREAT : 0) |
    (has(openFlag.truncate) ? constants.O_TRUNC : 0) |
    (has(openFlag.exclusive) ? constants.O_EXCL : 0)
  );
}

function createdMode(faults: Faults, asked: number | undefined, usual: number): number {
  return (asked === undefined ? usual : asked & 0o7777) & ~(faults.umask ?? 0) & keptModes(faults);
}

/** Whether the modes of what is made are none of the system's business. */
function setsModes({ umask, modeMask }: Faults): boolean {
  return umask !== undefined || modeMask !== undefined;
}

/** The permission bits that can be set. */
export function keptModes({ modeMask = 0o7777 }: Faults): number {
  return modeMask & 0o7777;
}

export function openDirectory(work: Workplace, path: Buffer): Reply {
  const place = work.confinement.locate(path, 'follow', work.faults);
  const names = ['.', '..'].map((name) => Buffer.from(name)).concat(readdirSync(place.real, 'buffer'));
  const handle = work.handles.add({ type: 'directory', path: place.seen, names, told: 0, fakesTold: false });
  return { type: 'handle', handle };
}

export function makeDirectory(work: Workplace, path: Buffer, attributes: Attributes): Reply {
  const place = work.confinement.locate(path, 'keep', work.faults);
  const mode = createdMode(work.faults, attributes.mode, 0o777);
  mkdirSync(place.real, { mode });
  if (setsModes(work.faults)) chmodSync(place.real, mode);
  return done;
}

export function stat(work: Workplace, path: Buffer, last: 'follow' | 'keep'): Reply {
  const told = work.faults.tellAttributes?.(absolute(path));
  if (told !== undefined) return { type: 'attributes', attributes: told };
  const place = work.confinement.locate(path, last, work.faults);
  return { type: 'attributes', attributes: attributesOf(lstatSync(place.real)) };
}

export function removeFile(work: Workplace, path: Buffer): Reply {
  unlinkSync(inside(work, path).real);
  return done;
}

export function removeDirectory(work: Workplace, path: Buffer): Reply {
  rmdirSync(inside(work, path).real);
  return done;
}

/** Refuses an existing target, as OpenSSH does: by a hard link for files, by looking for all else. */
export function rename(work: Workplace, path: Buffer, target: Buffer): Reply {
  const from = inside(work, path);
  const to = inside(work, target);
  if (lstatSync(from.real).isFile()) {
    linkSync(from.real, to.real);
    unlinkSync(from.real);
    return done;
  }
  if (lstatSync(to.real, { throwIfNoEntry: false }) !== undefined) throw new Refusal(status.failure);
  renameSync(from.real, to.real);
  return done;
}

/** Replaces the target in one step. What is renamed to another spelling of its own name gets that, but for `stickyCase`. */
export function posixRename(work: Workplace, path: Buffer, target: Buffer): Reply {
  const from = inside(work, path);
  const to = inside(work, target);
  const respells = from.real.equals(to.real) && work.faults.stickyCase !== true;
  renameSync(from.real, respells ? respelled(to, target, work.faults) : to.real);
  return done;
}

/** The place with its last component as the client spelled it. */
function respelled({ real }: Place, target: Buffer, names: Names): Buffer {
  const asked = target.toString('latin1').split('/').filter(Boolean).at(-1) ?? '';
  const directory = real.toString('latin1').replace(/[^/]*$/, '');
  return Buffer.from(directory + spelled(asked, names), 'latin1');
}

export function makeSymlink(work: Workplace, path: Buffer, target: Buffer): Reply {
  if (target.includes(0)) throw new Refusal(status.badMessage);
  symlinkSync(target, inside(work, path).real);
  return done;
}

export function readSymlink(work: Workplace, path: Buffer): Reply {
  const told = work.faults.tellLink?.(absolute(path));
  if (told !== undefined) return oneName(told);
  const place = work.confinement.locate(path, 'keep', work.faults);
  return oneName(readlinkSync(place.real, 'buffer'));
}

export function realPath(work: Workplace, path: Buffer): Reply {
  const place = work.confinement.locate(path, 'follow', work.faults);
  return oneName(Buffer.from(place.seen, 'latin1'));
}

function oneName(name: Buffer): Reply {
  return { type: 'names', items: [{ name, longName: name.toString(), attributes: {} }] };
}

/** Size, mode, times and owner in OpenSSH's order; the first that fails ends it. */
export function setAttributes(work: Workplace, path: Buffer, attributes: Attributes): Reply {
  const { real } = work.confinement.locate(path, 'follow', work.faults);
  const { size, mode, uid, gid, atime, mtime } = attributes;
  lstatSync(real);
  if (size !== undefined) truncateSync(real, size);
  if (mode !== undefined) chmodSync(real, mode & keptModes(work.faults));
  if (atime !== undefined && mtime !== undefined) utimesSync(real, atime, mtime);
  if (uid !== undefined && gid !== undefined) chownSync(real, uid, gid);
  return done;
}

/** The same on a link itself; a link has neither size nor (on Linux) a mode to set. */
export function setLinkAttributes(work: Workplace, path: Buffer, attributes: Attributes): Reply {
  const { real } = work.confinement.locate(path, 'keep', work.faults);
  const { size, mode, uid, gid, atime, mtime } = attributes;
  const isLink = lstatSync(real).isSymbolicLink();
  if (size !== undefined) throw new Refusal(status.badMessage);
  if (mode !== undefined) {
    if (isLink) throw new Refusal(status.failure);
    chmodSync(real, mode & keptModes(work.faults));
  }
  if (atime !== undefined && mtime !== undefined) lutimesSync(real, atime, mtime);
  if (uid !== undefined && gid !== undefined) lchownSync(real, uid, gid);
  return done;
}

/** The fields of `statvfs@openssh.com`; what Node does not tell (flags, system id) is 0. */
export function space(work: Workplace, path: Buffer): Reply {
  const place = work.confinement.locate(path, 'follow', work.faults);
  const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(place.real);
  const fake = work.faults.freeBytes;
  const free = fake === undefined ? [bfree, bavail] : [Math.floor(fake / bsize), Math.floor(fake / bsize)];
  const values = [bsize, bsize, blocks, ...free, files, ffree, ffree, 0, 0, 255];
  return { type: 'extended', fields: values.map((value) => uint64(value)) };
}

/** A place that is not the root itself, links kept. */
function inside(work: Workplace, path: Buffer): Place {
  const place = work.confinement.locate(path, 'keep', work.faults);
  if (place.seen === '/') throw new Refusal(status.failure);
  return place;
}
