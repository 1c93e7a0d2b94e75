import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import {
  isSettledSource,
  isWorthKeeping,
  markOf,
  markOfRefusal,
  recordsProgress,
  standingOf,
} from '../../src/core/resume.js';

const mib = 2 ** 20;
const day = 24 * 60 * 60_000;
const nowMs = 1_700_000_000_000;
const source = { fingerprint: '1:2:3 with a blank', size: 100 * mib };
const left = { fingerprint: markOf(source.fingerprint, nowMs), offset: 50 * mib };

describe('progress goes on record', () => {
  test.each([
    [0, 0, false],
    [8 * mib, 0, true],
    [8 * mib - 1, 1_999, false],
    [1, 2_000, true],
    [0, 60_000, false],
  ])('after %i bytes and %i ms more: %s', (bytes, ms, expected) => {
    const last = { bytes: 5 * mib, atMs: nowMs };
    expect(recordsProgress(last, { bytes: last.bytes + bytes, atMs: nowMs + ms })).toBe(expected);
  });
});

describe('what was left', () => {
  test('is the beginning of the source it was made of', () => {
    expect(standingOf(left, source, nowMs)).toBe('sure');
    expect(standingOf({ ...left, offset: source.size }, source, nowMs)).toBe('sure');
  });

  test.each([
    ['another source', { ...source, fingerprint: '1:2:4 with a blank' }],
    ['a fingerprint that only begins the same', { ...source, fingerprint: `${source.fingerprint}0` }],
    ['an end of it', { ...source, fingerprint: 'with a blank' }],
    ['one that grew', { fingerprint: '1:2:4', size: 101 * mib }],
  ])('may be the beginning of %s', (_, other) => {
    expect(standingOf(left, other, nowMs)).toBe('perhaps');
  });

  test('is not the beginning of a shorter source', () => {
    expect(standingOf(left, { ...source, size: 50 * mib - 1 }, nowMs)).toBe('none');
    expect(standingOf(left, { fingerprint: '1:2:4', size: 50 * mib - 1 }, nowMs)).toBe('none');
  });

  test.each([
    ['nothing that counts', { ...left, offset: mib / 8 - 1 }],
    ['no fingerprint', { ...left, fingerprint: null }],
    ['text that is no mark', { ...left, fingerprint: 'dev:ino' }],
    ['text that begins with a blank', { ...left, fingerprint: ' dev:ino' }],
    ['an old one', { ...left, fingerprint: markOf(source.fingerprint, nowMs - 7 * day) }],
    ['one of the far future', { ...left, fingerprint: markOf(source.fingerprint, nowMs + 7 * day) }],
  ])('is not kept when it is %s', (_, partial) => {
    expect(isWorthKeeping(partial, nowMs)).toBe(false);
    expect(standingOf(partial, source, nowMs)).toBe('none');
  });

  test('is kept for a week from one mebibyte on', () => {
    expect(isWorthKeeping({ ...left, offset: mib }, nowMs + 7 * day - 1)).toBe(true);
  });
});

describe('a source that changed a moment ago may change again unseen', () => {
  const entry = (mtimeMs: number, ctimeMs?: number): Entry => ({
    kind: 'file',
    size: 1,
    mode: 0o644,
    mtimeMs,
    ...(ctimeMs === undefined ? {} : { ctimeMs }),
  });
  test.each([
    ['fine times', entry(nowMs, nowMs + 0.5), 20.5],
    ['an old mtime, a new ctime', entry(0, nowMs + 0.5), 20.5],
    ['whole seconds', entry(nowMs, nowMs), 2_000],
    ['a server', entry(nowMs), 2_000],
  ])('%s', (_, changed, ms) => {
    expect(isSettledSource(changed, nowMs + ms - 0.1)).toBe(false);
    expect(isSettledSource(changed, nowMs + ms)).toBe(true);
  });
});

test('a temp that cannot be removed is given up at the fifth hour it is tried in, whatever it held', () => {
  let fingerprint: string | null = left.fingerprint;
  const marks: (string | null)[] = [];
  for (let hour = 1; hour <= 5; hour++) {
    const atMs = nowMs + hour * 60 * 60_000;
    const mark = markOfRefusal({ fingerprint, offset: 0 }, atMs);
    if (mark !== null) {
      expect(markOfRefusal({ fingerprint: mark, offset: 0 }, atMs + 59 * 60_000)).toBe(mark);
      expect(isWorthKeeping({ fingerprint: mark, offset: 100 * mib }, atMs)).toBe(false);
    }
    marks.push(mark);
    fingerprint = mark;
  }
  expect(marks.map((mark) => mark === null)).toEqual([false, false, false, false, true]);
});
