import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.js';
import { backoff, retryAfter } from '../../src/core/retry.js';

const middle = 0.5;

describe('retryAfter', () => {
  test.each<[ErrorCode, number, { delayMs: number; counts: boolean; problem: boolean }]>([
    ['network', 0, { delayMs: 0, counts: false, problem: false }],
    ['network', 99, { delayMs: 0, counts: false, problem: false }],
    ['authentication', 0, { delayMs: 0, counts: false, problem: false }],
    ['interrupted', 0, { delayMs: 0, counts: false, problem: false }],
    ['changed', 0, { delayMs: 50, counts: false, problem: false }],
    ['changed', 1, { delayMs: 100, counts: false, problem: false }],
    ['vanished', 99, { delayMs: 5_000, counts: false, problem: false }],
    ['no-space', 0, { delayMs: 15_000, counts: false, problem: true }],
    ['no-space', 9, { delayMs: 15_000, counts: false, problem: true }],
    ['permission', 0, { delayMs: 10_000, counts: true, problem: true }],
    ['permission', 2, { delayMs: 40_000, counts: true, problem: true }],
    ['permission', 99, { delayMs: 600_000, counts: true, problem: true }],
    ['changing', 0, { delayMs: 5_000, counts: true, problem: true }],
    ['internal', 0, { delayMs: 10_000, counts: true, problem: true }],
  ])('%s after %d failures', (code, attempts, expected) => {
    expect(retryAfter(code, attempts, middle)).toEqual(expected);
  });

  test('spreads by a fifth at most, and only what many paths may do at once', () => {
    const code = fc.constantFrom<ErrorCode>('changed', 'permission', 'changing', 'no-space', 'network');
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(code, fc.nat({ max: 2_000 }), random, (failed, attempts, dice) => {
        const { delayMs } = retryAfter(failed, attempts, dice);
        const { delayMs: plain } = retryAfter(failed, attempts, middle);
        expect(Number.isSafeInteger(delayMs)).toBe(true);
        expect(delayMs).toBeGreaterThanOrEqual(Math.floor(plain * 0.9));
        expect(delayMs).toBeLessThanOrEqual(Math.ceil(plain * 1.1));
      }),
    );
  });
});

test('backoff doubles up to its maximum and stays there', () => {
  expect([0, 1, 2, 3, 4].map((attempts) => backoff(10, 100, attempts))).toEqual([10, 20, 40, 80, 100]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.nat({ max: 1e6 }),
      fc.nat({ max: 1e6 }),
      (first, more, attempts) => {
        const max = first + more;
        const now = backoff(first, max, attempts);
        expect(now).toBeGreaterThanOrEqual(first);
        expect(now).toBeLessThanOrEqual(max);
        expect(backoff(first, max, attempts + 1)).toBeGreaterThanOrEqual(now);
      },
    ),
  );
});
