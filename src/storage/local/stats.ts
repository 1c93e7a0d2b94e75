/** From `lstat` and `fstat` to entries. */
import { readlinkSync, type BigIntStats, type Stats } from 'node:fs';
import type { Entry, Kind } from '../../core/entry.js';
import { TowlineError } from '../../core/errors.js';

/** The kind of what was statted; `null` for sockets, devices and FIFOs. */
export function kindOf(stats: Stats | BigIntStats): Kind | null {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : null;
}

/** Nanoseconds as the milliseconds that `Stats` shows for them (a plain conversion would round differently). */
function milliseconds(ns: bigint): number {
  return Number(ns / 1_000_000_000n) * 1000 + Number(ns % 1_000_000_000n) / 1e6;
}

/** An entry of a file or directory, with what tells it from others on this machine. */
export function entryOf(stats: Stats | BigIntStats, kind: Kind, target?: string): Entry {
  const precise = 'mtimeNs' in stats;
  return {
    kind,
    size: kind === 'file' ? Number(stats.size) : 0,
    mtimeMs: precise ? milliseconds(stats.mtimeNs) : stats.mtimeMs,
    mode: Number(stats.mode) & 0o7777,
    dev: Number(stats.dev),
    ino: Number(stats.ino),
    ctimeMs: precise ? milliseconds(stats.ctimeNs) : stats.ctimeMs,
    ...(target === undefined ? {} : { target }),
  };
}

/**
 * The entry at an absolute path of which `stats` are known.
 * @returns an error when it is nothing that can be an entry: `unsupported`, or `name` for a link's target
 * @throws errors of `readlink`
 */
export function entryFrom(stats: Stats, absolute: string, shown: string): Entry | TowlineError {
  const kind = kindOf(stats);
  if (kind === null) {
    const what = `${shown} is a socket, a device or a FIFO, which cannot be synced`;
    return new TowlineError('unsupported', what, { path: shown, hint: 'Exclude it to silence this' });
  }
  if (kind !== 'symlink') return entryOf(stats, kind);
  const target = readlinkSync(absolute);
  if (!target.includes('\ufffd')) return entryOf(stats, kind, target);
  const what = `the symbolic link ${shown} points to a name that is not valid UTF-8`;
  return new TowlineError('name', what, { path: shown, hint: 'Rename what it points to, or exclude it' });
}
