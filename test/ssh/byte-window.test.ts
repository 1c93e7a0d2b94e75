import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { ByteWindow, type Taken } from '../../src/ssh/byte-window.js';
import { ManualClock } from '../support/manual-clock.js';

const kib = 1024;

/** Takes room that must be there at once. */
function take(window: ByteWindow, bytes: number): Taken {
  expect(window.room(bytes)).toBeNull();
  return window.sent(bytes);
}

test('lets one piece of any size pass while nothing is under way', () => {
  const window = new ByteWindow(new ManualClock(), 64 * kib);
  const taken = take(window, 500 * kib);
  expect(window.room(1)).not.toBeNull();
  window.answered(taken);
  expect(window.usedBytes).toBe(1);
});

test('lets the waiting in by turn, a small one not ahead of a large one', async () => {
  const window = new ByteWindow(new ManualClock(), 100 * kib);
  const first = take(window, 90 * kib);
  const order: string[] = [];
  const large = window.room(80 * kib)!.then(() => order.push('large'));
  const small = window.room(1)!.then(() => order.push('small'));
  window.answered(first);
  await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
  expect(window.usedBytes).toBe(80 * kib + 1);
});

test('grows to its maximum while answers are quick and somebody waits', async () => {
  const clock = new ManualClock();
  const window = new ByteWindow(clock, 2048 * kib);
  const underWay: Taken[] = [];
  const next = async () => {
    await window.room(64 * kib);
    underWay.push(window.sent(64 * kib));
  };
  const all = Array.from({ length: 400 }, next);
  for (let trip = 0; trip < 5; trip++) {
    await Promise.resolve();
    expect(window.usedBytes).toBe(Math.min(2048 * kib, 256 * kib * 2 ** trip));
    clock.advance(10);
    for (const taken of underWay.splice(0)) window.answered(taken);
  }
  expect(window.limitBytes).toBe(2048 * kib);
  window.fail(new TowlineError('network', 'over'));
  await Promise.allSettled(all);
});

test('shrinks to what the link carries in 2 s, and never below 64 KiB', () => {
  const clock = new ManualClock();
  const window = new ByteWindow(clock, 2048 * kib);
  const first = take(window, 200 * kib);
  clock.advance(4000);
  window.answered(first);
  expect(window.limitBytes).toBe(100 * kib);
  const second = take(window, 64 * kib);
  clock.advance(60_000);
  window.answered(second);
  expect(window.limitBytes).toBe(64 * kib);
  expect(window.pieceBytes).toBe(64 * kib);
});

test('room that was not used comes back', () => {
  const window = new ByteWindow(new ManualClock(), 64 * kib);
  expect(window.room(64 * kib)).toBeNull();
  window.unused(64 * kib);
  expect(window.usedBytes).toBe(0);
});

test('a failure refuses those who wait and those who come', async () => {
  const window = new ByteWindow(new ManualClock(), 64 * kib);
  take(window, 64 * kib);
  const waits = window.room(1);
  const error = new TowlineError('network', 'gone');
  window.fail(error);
  await expect(waits).rejects.toBe(error);
  await expect(window.room(1)).rejects.toBe(error);
});
