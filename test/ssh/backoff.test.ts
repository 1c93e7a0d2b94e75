import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, firstRetryMs } from '../../src/ssh/backoff.js';

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
