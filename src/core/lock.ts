/** The lock that agents hold while one of them changes a file of the server: DESIGN.md, section 7. */
import { join, nameOf, parentOf } from './path.js';
import { tempAgentOf } from './tempname.js';

const lockPattern = /^\.towline-[0-9a-f]{16}\.lock$/;

/** A lock this old, by the clock of the side it is on, was left by an agent that died. */
export const lockExpiryMs = 60_000;

/** Who held a lock for longer than this does nothing under it any more: others are about to break it. */
export const lockHeldMaxMs = 30_000;

/** The lock of one path, as a storage uses it. */
export interface PathLock {
  /** A name beside the path, the same for every agent. */
  readonly name: string;
  /** To be awaited before the lock is made: puts it on record. */
  opens(): Promise<void>;
  /** To be awaited when nothing of ours is left under its name: never made, or removed. Never rejects. */
  gone(): Promise<void>;
}

/**
 * The lock of a path: `.towline-<hash>.lock` in the same directory. The hash is of the last component only, since agents
 * may have different roots, and of its folded form, since servers may fold names; two names with one hash only wait for
 * each other.
 */
export function lockPath(path: string): string {
  const name = nameOf(path).normalize('NFC').toLowerCase();
  return join(parentOf(path) ?? '', `.towline-${hex(fnv1a(name, 0))}${hex(fnv1a(name, 1))}.lock`);
}

/** Whether this is the name of a lock. */
export function isLockName(name: string): boolean {
  return lockPattern.test(name);
}

/** Whether this is the name of what we make for the time of one operation: of a temp, or of a lock. */
export function isTransientName(name: string): boolean {
  return tempAgentOf(name) !== null || isLockName(name);
}

/** FNV-1a over UTF-16 code units, 32 bits, from a basis that `seed` shifts. */
function fnv1a(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b9)) >>> 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

function hex(hash: number): string {
  return hash.toString(16).padStart(8, '0');
}
