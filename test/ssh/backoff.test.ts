import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, FailureCount, firstRetryMs } from '../../src/ssh/backoff.js';

test('doubles from 1 s to 60 s, a quarter more or less', () => {
  expect([1, 2, 3, 4, 7, 1000].map((failures) => backoffMs(failures, 0.5))).toEqual([
    1000, 2000, 4000, 8000, 60_000, 60_000,
  ]);
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), random, (failures, chance) => {
      const ms = backoffMs(failures, chance);
      expect(ms).toBeGreaterThanOrEqual(750);
      expect(ms).toBeLessThanOrEqual(60_000);
    }),
  );
});

test('the first retry after a lost connection is quick', () => {
  expect(firstRetryMs(0)).toBe(200);
  expect(firstRetryMs(0.999)).toBeLessThan(1000);
});

const brief = { ms: 100, answered: true };
const long = { ms: 5000, answered: true };

test('a connection that worked begins the row anew, however short it was', () => {
  const count = new FailureCount();
  expect([null, null, null].map((life) => count.ended(life))).toEqual([1, 2, 3]);
  expect(count.ended(brief)).toBe(1);
  expect(count.ended(null)).toBe(2);
});

test('one that dies soon again and again makes a row of its own, whatever failed in between', () => {
  const count = new FailureCount();
  expect([brief, null, brief, brief, null].map((life) => count.ended(life))).toEqual([1, 2, 2, 3, 4]);
  expect([long, brief, brief].map((life) => count.ended(life))).toEqual([1, 1, 2]);
});

test('one that answered nothing and died soon is a failure like others', () => {
  const count = new FailureCount();
  const mute = { ms: 100, answered: false };
  expect([null, mute, mute].map((life) => count.ended(life))).toEqual([1, 2, 3]);
  expect(count.ended({ ms: 5000, answered: false })).toBe(1);
  count.ended(null);
  count.reset();
  expect(count.ended(null)).toBe(1);
});
