/** When two entries count as equal: on one side over time, and across the two sides. */
import type { Entry, Kind } from './entry.js';

/** How files are compared across the sides where there is no base to compare each side with its own past. */
export type Compare = 'size' | 'mtime+size' | 'checksum';

/** Times of one side that differ by less than this are one time: two ways of reading nanoseconds round differently. */
const sameTimeMs = 0.002;

/** SFTP version 3 carries times as unsigned 32-bit seconds: what lies outside is sent as the nearest that fits. */
const lastSftpSecond = 2 ** 32 - 1;

/** Whether two times taken on the same side are the same. */
export function sameTime(aMs: number, bMs: number): boolean {
  return Math.abs(aMs - bMs) < sameTimeMs;
}

/**
 * Whether a path of one side is still what it was: the same kind, and for files the same size and modification time,
 * for symlinks the same target. Modes do not count (see `sameMode`), nor does a directory's time, which changes with
 * every name inside it.
 */
export function sameRevision(a: Entry | null, b: Entry | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'directory':
      return true;
    case 'symlink':
      return a.target === b.target && sameTime(a.mtimeMs, b.mtimeMs);
    case 'file':
      return a.size === b.size && sameTime(a.mtimeMs, b.mtimeMs);
  }
}

/** A time in ms as a side with whole unsigned seconds keeps it, in seconds. */
export function wireSeconds(mtimeMs: number): number {
  return Math.min(Math.max(Math.floor(mtimeMs / 1000), 0), lastSftpSecond);
}

/**
 * Whether two times of different sides are the same in whole seconds, as far as SFTP can carry them.
 * @param granularityMs what the coarser side keeps: it may have rounded either way
 */
export function sameTimeAcross(aMs: number, bMs: number, granularityMs = 1000): boolean {
  return Math.abs(wireSeconds(aMs) - wireSeconds(bMs)) * 1000 < Math.max(1000, granularityMs);
}

/**
 * Whether two files of different sides count as the same content.
 * @param granularityMs what the coarser side keeps of times
 * @returns `'unknown'` when only their hashes could tell and one is missing
 */
export function sameContentAcross(
  a: Entry,
  b: Entry,
  compare: Compare,
  granularityMs?: number,
): boolean | 'unknown' {
  if (a.size !== b.size) return false;
  switch (compare) {
    case 'size':
      return true;
    case 'mtime+size':
      return sameTimeAcross(a.mtimeMs, b.mtimeMs, granularityMs);
    case 'checksum':
      return a.hash === undefined || b.hash === undefined ? 'unknown' : a.hash === b.hash;
  }
}

/** What mode the other side should have for an entry: as it is, or changed by `--chmod`. */
export type ModeRule = (mode: number, kind: Kind) => number;
