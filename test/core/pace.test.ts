import { expect, test } from 'vitest';
import { Pace } from '../../src/core/pace.js';

const mib = 2 ** 20;

test('the speed is that of the last seconds, and nothing is guessed in the first two', () => {
  const pace = new Pace();
  pace.begin(0);
  pace.sample({ bytes: 0, files: 0 }, 0);
  expect([pace.rate, pace.leftMs({ bytes: mib, files: 0 })]).toEqual([0, null]);
  pace.sample({ bytes: mib, files: 0 }, 1_000);
  expect([pace.rate, pace.leftMs({ bytes: mib, files: 0 })]).toEqual([mib, null]);
  pace.sample({ bytes: 2 * mib, files: 0 }, 2_000);
  expect([pace.rate, pace.leftMs({ bytes: 4 * mib, files: 0 })]).toEqual([mib, 4_000]);
  // Ten times as fast from here on: after five seconds nothing is left of the old speed.
  for (let second = 3; second <= 7; second++)
    pace.sample({ bytes: (second - 2) * 10 * mib + 2 * mib, files: 0 }, second * 1_000);
  expect(pace.rate).toBe(10 * mib);
});

test('what stands still has no end in sight', () => {
  const pace = new Pace();
  pace.begin(0);
  for (let second = 0; second <= 10; second++) pace.sample({ bytes: mib, files: 1 }, second * 1_000);
  expect([pace.rate, pace.leftMs({ bytes: mib, files: 0 })]).toEqual([0, null]);
});

test('files cost time beside their content', () => {
  const pace = new Pace();
  pace.begin(0);
  for (let second = 0; second <= 4; second++) pace.sample({ bytes: 0, files: second * 100 }, second * 1_000);
  expect(pace.rate).toBe(0);
  expect(pace.leftMs({ bytes: 0, files: 200 })).toBe(2_000);
});

test('thousands of pieces a second change nothing', () => {
  const pace = new Pace();
  pace.begin(0);
  for (let ms = 0; ms <= 6_000; ms++) pace.sample({ bytes: ms * 1_000, files: 0 }, ms);
  expect(pace.rate).toBeCloseTo(1_000_000, -1);
  expect(pace.leftMs({ bytes: 3_000_000, files: 0 })).toBeCloseTo(3_000, -1);
});
