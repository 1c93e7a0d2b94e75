import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  sameContentAcross,
  sameRevision,
  sameTime,
  sameTimeAcross,
  wireSeconds,
} from '../../src/core/compare.js';
import type { Entry } from '../../src/core/entry.js';

const file: Entry = { kind: 'file', size: 3, mtimeMs: 1_700_000_000_123.456, mode: 0o644 };
const link: Entry = { kind: 'symlink', size: 0, mtimeMs: 1_000, mode: 0o777, target: 'a' };
const directory: Entry = { kind: 'directory', size: 0, mtimeMs: 1_000, mode: 0o755 };

describe('sameRevision', () => {
  test.each<[string, Entry | null, Entry | null, boolean]>([
    ['nothing and nothing', null, null, true],
    ['nothing and something', null, file, false],
    ['a file and itself', file, file, true],
    ['another size', file, { ...file, size: 4 }, false],
    ['a microsecond later', file, { ...file, mtimeMs: file.mtimeMs + 0.001 }, true],
    ['a hundredth of a millisecond later', file, { ...file, mtimeMs: file.mtimeMs + 0.01 }, false],
    ['another mode', file, { ...file, mode: 0o600 }, true],
    ['another inode', { ...file, ino: 1 }, { ...file, ino: 2 }, true],
    ['a hash that was not known before', file, { ...file, hash: 'x' }, true],
    ['another kind', file, { ...file, kind: 'symlink', target: 'a' }, false],
    ['a link and itself', link, { ...link }, true],
    ['another target', link, { ...link, target: 'b' }, false],
    ['a link with another time', link, { ...link, mtimeMs: 2_000 }, false],
    ['a directory in which names came and went', directory, { ...directory, mtimeMs: 2_000 }, true],
  ])('%s', (_, a, b, expected) => {
    expect(sameRevision(a, b)).toBe(expected);
    expect(sameRevision(b, a)).toBe(expected);
  });

  test('two ways of reading the same nanoseconds are one time', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), (ns) => {
        const byParts = Number(ns / 1_000_000_000n) * 1_000 + Number(ns % 1_000_000_000n) / 1e6;
        expect(sameTime(byParts, Number(ns) / 1e6)).toBe(true);
      }),
    );
  });
});

describe('times on the wire', () => {
  test.each([
    [0, 0],
    [999.999, 0],
    [1_000, 1],
    [-1, 0],
    [-1e15, 0],
    [(2 ** 32 - 1) * 1_000, 2 ** 32 - 1],
    [2 ** 32 * 1_000, 2 ** 32 - 1],
    [1e15, 2 ** 32 - 1],
  ])('%d ms are %d s', (ms, seconds) => {
    expect(wireSeconds(ms)).toBe(seconds);
  });

  test('are 32 bits, never later than they were (but for those before 1970), and stay as they are when sent again', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e16, max: 1e16, noNaN: true }), (ms) => {
        const seconds = wireSeconds(ms);
        expect(Number.isInteger(seconds) && seconds >= 0 && seconds < 2 ** 32).toBe(true);
        expect(seconds * 1_000).toBeLessThanOrEqual(Math.max(0, ms));
        expect(wireSeconds(seconds * 1_000)).toBe(seconds);
        expect(sameTimeAcross(ms, seconds * 1_000)).toBe(true);
      }),
    );
  });
});

describe('times of a side that keeps two seconds', () => {
  test.each([
    [1_001_999, 1_000_000, true],
    [1_001_000, 1_002_000, true],
    [1_002_000, 1_000_000, false],
  ])('%d and %d: %s', (aMs, bMs, same) => {
    expect(sameTimeAcross(aMs, bMs, 2_000)).toBe(same);
    expect(sameTimeAcross(bMs, aMs, 2_000)).toBe(same);
    expect(sameTimeAcross(aMs, bMs, 0.001)).toBe(false);
  });
});

describe('sameContentAcross', () => {
  const hashed = { ...file, hash: 'one' };
  const later = { ...file, mtimeMs: file.mtimeMs + 1_000 };
  const wholeSecond = { ...file, mtimeMs: 1_700_000_000_000 };
  test.each<[string, Entry, Entry, boolean | 'unknown', boolean | 'unknown', boolean | 'unknown']>([
    // size, mtime+size, checksum
    ['the same in whole seconds', file, wholeSecond, true, true, 'unknown'],
    ['a second later', file, later, true, false, 'unknown'],
    ['another size', hashed, { ...hashed, size: 4 }, false, false, false],
    ['same hash', hashed, { ...later, hash: 'one' }, true, false, true],
    ['another hash', hashed, { ...wholeSecond, hash: 'two' }, true, true, false],
    ['one hash missing', hashed, wholeSecond, true, true, 'unknown'],
  ])('%s', (_, a, b, bySize, byTime, byChecksum) => {
    expect(sameContentAcross(a, b, 'size')).toBe(bySize);
    expect(sameContentAcross(a, b, 'mtime+size')).toBe(byTime);
    expect(sameContentAcross(a, b, 'checksum')).toBe(byChecksum);
    expect(sameContentAcross(b, a, 'checksum')).toBe(byChecksum);
  });
});
