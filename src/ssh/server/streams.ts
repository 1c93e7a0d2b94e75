/** The requests on a handle: content goes through the thread pool, since it may be slow. */
import {
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  read,
  write,
} from 'node:fs';
import { promisify } from 'node:util';
import type { Attributes } from '../channel.js';
import { attributesOf, longNameOf } from './attributes.js';
import type { FakeItem } from './faults.js';
import { uint64 } from './packet.js';
import { keptModes, type Workplace } from './paths.js';
import { done, type NameItem, Refusal, type Reply, status, statusOf } from './reply.js';

/** The largest data part of a READ or WRITE, bytes: what OpenSSH tells in its limits. */
export const dataBytesMax = 261_120;
/** What servers that write only in sequence take at once, bytes. */
const sequentialBytesMax = 32 * 1024;
/** As many items as OpenSSH puts into one reply. */
const listingItemsMax = 100;

const readFrom = promisify(read);
const writeTo = promisify(write);
const syncToDisk = promisify(fsync);

export async function readData(
  work: Workplace,
  handle: string,
  offset: number,
  length: number,
): Promise<Reply> {
  const file = work.handles.file(handle);
  const wanted = Math.min(length, dataBytesMax);
  const { bytesRead, buffer } = await readFrom(
    file.descriptor,
    Buffer.allocUnsafe(wanted),
    0,
    wanted,
    offset,
  );
  if (bytesRead === 0 && wanted > 0) throw new Refusal(status.endOfFile);
  return { type: 'data', data: buffer.subarray(0, bytesRead) };
}

export async function writeData(
  work: Workplace,
  handle: string,
  offset: number,
  data: Buffer,
): Promise<Reply> {
  const file = work.handles.file(handle);
  if (work.faults.sequentialWritesOnly === true) {
    if (data.length > sequentialBytesMax || offset !== file.writtenTo) throw new Refusal(status.failure);
  }
  for (let sent = 0; sent < data.length;) {
    const at = file.append ? null : offset + sent;
    const { bytesWritten } = await writeTo(file.descriptor, data, sent, data.length - sent, at);
    sent += bytesWritten;
  }
  file.writtenTo = offset + data.length;
  return done;
}

export async function syncFile(work: Workplace, handle: string): Promise<Reply> {
  await syncToDisk(work.handles.file(handle).descriptor);
  return done;
}

export function statHandle(work: Workplace, handle: string): Reply {
  return { type: 'attributes', attributes: attributesOf(fstatSync(work.handles.file(handle).descriptor)) };
}

export function setHandleAttributes(work: Workplace, handle: string, attributes: Attributes): Reply {
  const { descriptor } = work.handles.file(handle);
  const { size, mode, uid, gid, atime, mtime } = attributes;
  if (size !== undefined) ftruncateSync(descriptor, size);
  if (mode !== undefined) fchmodSync(descriptor, mode & keptModes(work.faults));
  if (atime !== undefined && mtime !== undefined) futimesSync(descriptor, atime, mtime);
  if (uid !== undefined && gid !== undefined) fchownSync(descriptor, uid, gid);
  return done;
}

export function closeHandle(work: Workplace, handle: string): Reply {
  work.handles.close(handle);
  return done;
}

/** The next items of a listing; what went away since OPENDIR is left out. */
export function readDirectory(work: Workplace, handle: string): Reply {
  const directory = work.handles.directory(handle);
  const items: NameItem[] = [];
  while (items.length < listingItemsMax && directory.told < directory.names.length) {
    const item = realItem(work, directory.path, directory.names[directory.told++]!);
    if (item !== null) items.push(item);
  }
  if (directory.told === directory.names.length && !directory.fakesTold) {
    directory.fakesTold = true;
    const path = Buffer.from(directory.path, 'latin1').toString();
    items.push(...(work.faults.addToListing?.(path) ?? []).map(fakeItem));
  }
  if (items.length === 0) throw new Refusal(status.endOfFile);
  return { type: 'names', items };
}

function realItem(work: Workplace, directory: string, name: Buffer): NameItem | null {
  try {
    const path = Buffer.concat([Buffer.from(`${directory}/`, 'latin1'), name]);
    // The names come from the system, so they are spelled as stored: no folding here.
    const attributes = attributesOf(lstatSync(work.confinement.locate(path, 'keep', {}).real));
    return { name, longName: longNameOf(name.toString(), attributes), attributes };
  } catch (error) {
    if (statusOf(error) === status.noSuchFile) return null;
    throw error;
  }
}

function fakeItem(fake: FakeItem): NameItem {
  const name = typeof fake.name === 'string' ? Buffer.from(fake.name) : fake.name;
  const attributes = fake.attributes ?? {
    mode: fake.mode ?? 0o100644,
    size: fake.size ?? 0,
    uid: 0,
    gid: 0,
    atime: 0,
    mtime: 0,
  };
  return { name, longName: longNameOf(name.toString(), attributes), attributes };
}

/** `limits@openssh.com`: packet, read and write lengths, and (0: not told) open handles. */
export function limits(): Reply {
  return { type: 'extended', fields: [262_144, dataBytesMax, dataBytesMax, 0].map((value) => uint64(value)) };
}
