import type { Entry, Kind } from '../core/entry.js';
import { entryColumns } from './schema.js';

/** A value as SQLite gives it. */
export type Cell = number | string | Buffer | null;

const kinds: readonly Kind[] = ['file', 'directory', 'symlink'];
const sha256Pattern = /^[0-9a-f]{64}$/;

/** How many cells an entry takes in a row. */
export const entryWidth = entryColumns.length;

/** A hash takes half the room as bytes; anything that is not SHA-256 in lower-case hex is kept as it is. */
function encodeHash(hash: string | undefined): Cell {
  if (hash === undefined) return null;
  return sha256Pattern.test(hash) ? Buffer.from(hash, 'hex') : hash;
}

/** The cells of an entry, in the order of `entryColumns`. */
export function encodeEntry(entry: Entry): Cell[] {
  return [
    kinds.indexOf(entry.kind),
    entry.size,
    entry.mtimeMs,
    entry.mode,
    entry.target ?? null,
    encodeHash(entry.hash),
    entry.dev ?? null,
    entry.ino ?? null,
    entry.ctimeMs ?? null,
    entry.uid ?? null,
    entry.gid ?? null,
  ];
}

/** The entry whose cells begin at `offset` of a row; what is NULL there is absent from it. */
export function decodeEntry(row: readonly Cell[], offset: number): Entry {
  const entry: { -readonly [K in keyof Entry]: Entry[K] } = {
    kind: kinds[row[offset] as number]!,
    size: row[offset + 1] as number,
    mtimeMs: row[offset + 2] as number,
    mode: row[offset + 3] as number,
  };
  const target = row[offset + 4];
  const hash = row[offset + 5];
  const dev = row[offset + 6];
  const ino = row[offset + 7];
  const ctimeMs = row[offset + 8];
  const uid = row[offset + 9];
  const gid = row[offset + 10];
  if (typeof target === 'string') entry.target = target;
  if (Buffer.isBuffer(hash)) entry.hash = hash.toString('hex');
  else if (typeof hash === 'string') entry.hash = hash;
  if (typeof dev === 'number') entry.dev = dev;
  if (typeof ino === 'number') entry.ino = ino;
  if (typeof ctimeMs === 'number') entry.ctimeMs = ctimeMs;
  if (typeof uid === 'number') entry.uid = uid;
  if (typeof gid === 'number') entry.gid = gid;
  return entry;
}
