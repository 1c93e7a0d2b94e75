/** A whole tree as one `find` told it, kept compactly until each directory is asked for. */
import type { DirectoryItem } from '../../../ssh/channel.js';

/** What `find -printf` writes per path: `recordFormat`, and `fields` in it. */
export const recordFormat = '%y%m %s %T@ %U %G %P\\0%l\\0';
/** Of a directory that this shell's user may not list: SFTP is to say so. */
export const closedFormat = `!${recordFormat}`;

const space = 0x20;
const slash = 0x2f;
const closedMark = 0x21;
const headerFields = 5;
const firstBytes = 256;

/** The format bits of a mode by find's letters; all else there is (sockets, devices) is alike to us. */
const typeBits: Readonly<Record<string, number>> = { f: 0o100000, d: 0o040000, l: 0o120000, U: 0 };
const specialBits = 0o010000;

/** The records of one directory, one after the other: header and name, NUL, target, NUL. */
interface Packed {
  data: Buffer;
  bytes: number;
}

export class FoundTree {
  /** Every directory that could be listed, the empty ones too. */
  readonly #directories = new Map<string, Packed>([['', { data: Buffer.alloc(0), bytes: 0 }]]);
  #count = 0;
  #parentBytes = Buffer.alloc(0);
  #parent: Packed | null = this.#directories.get('')!;

  /** How many paths were added. */
  get count(): number {
    return this.#count;
  }

  /**
   * Takes in one record, in find's own order (a directory before what is in it), and the target that follows it.
   * @returns `false` when it makes no sense
   */
  add(record: Buffer, target: Buffer): boolean {
    const closed = record[0] === closedMark;
    const header = closed ? 1 : 0;
    const path = afterSpaces(record, header);
    const name = Math.max(path, record.lastIndexOf(slash) + 1);
    const parent = this.#parentAt(name > path ? record.subarray(path, name - 1) : nothing);
    if (parent === null || path >= record.length) return false;
    append(parent, record.subarray(header, path));
    append(parent, record.subarray(name));
    append(parent, zero);
    append(parent, target);
    append(parent, zero);
    this.#count++;
    if (record[header] === letterD && !closed) {
      this.#directories.set(record.toString('utf8', path), { data: nothing, bytes: 0 });
    }
    return true;
  }

  /** What is in this directory, once: it is forgotten afterwards. `null` when that is not known. */
  take(directory: string): DirectoryItem[] | null {
    const packed = this.#directories.get(directory);
    if (packed === undefined) return null;
    this.#directories.delete(directory);
    const items: DirectoryItem[] = [];
    const { data, bytes } = packed;
    for (let at = 0; at < bytes;) {
      const middle = data.indexOf(0, at);
      const end = data.indexOf(0, middle + 1);
      items.push(itemOf(data, at, middle, end));
      at = end + 1;
    }
    return items;
  }

  /** Most records have the parent of the one before. */
  #parentAt(path: Buffer): Packed | null {
    if (this.#parentBytes.equals(path)) return this.#parent;
    this.#parentBytes = Buffer.from(path);
    this.#parent = this.#directories.get(path.toString('utf8')) ?? null;
    return this.#parent;
  }
}

const nothing = Buffer.alloc(0);
const zero = Buffer.alloc(1);
const letterD = 0x64;

/** Where what follows the header begins; behind the end when there is none. */
function afterSpaces(data: Buffer, begin: number): number {
  let at = begin;
  for (let spaces = 0; spaces < headerFields; spaces++) {
    at = data.indexOf(space, at) + 1;
    if (at === 0) return data.length;
  }
  return at;
}

function append(to: Packed, added: Buffer): void {
  const bytes = to.bytes + added.length;
  if (bytes > to.data.length) {
    const larger = Buffer.allocUnsafeSlow(Math.max(firstBytes, 2 * to.data.length, bytes));
    to.data.copy(larger, 0, 0, to.bytes);
    to.data = larger;
  }
  added.copy(to.data, to.bytes);
  to.bytes = bytes;
}

function itemOf(data: Buffer, begin: number, middle: number, end: number): DirectoryItem {
  const name = afterSpaces(data, begin);
  const [typeAndMode = '', size, time = '', uid, gid] = data.toString('latin1', begin, name - 1).split(' ');
  const type = typeBits[typeAndMode.charAt(0)] ?? specialBits;
  const item = {
    name: data.toString('utf8', name, middle),
    attributes: {
      mode: type | parseInt(typeAndMode.slice(1), 8),
      size: Number(size),
      uid: Number(uid),
      gid: Number(gid),
      // Whole seconds in 32 bits, as SFTP gives them. Before 1970 find writes the second below, and then the fraction.
      mtime: parseInt(time, 10) >>> 0,
    },
  };
  return middle + 1 === end ? item : { ...item, target: data.toString('utf8', middle + 1, end) };
}
