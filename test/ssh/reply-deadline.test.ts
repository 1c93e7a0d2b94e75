import { expect, test } from 'vitest';
import { ReplyDeadline } from '../../src/ssh/reply-deadline.js';
import { ManualClock } from '../support/manual-clock.js';

function deadline(): { clock: ManualClock; watch: ReplyDeadline; expired: number[] } {
  const clock = new ManualClock();
  const expired: number[] = [];
  const watch = new ReplyDeadline({
    clock,
    limitMs: 30_000,
    slowLimitMs: 120_000,
    expired: (silentMs) => expired.push(silentMs),
  });
  return { clock, watch, expired };
}

test('expires after silence, once', () => {
  const { clock, watch, expired } = deadline();
  watch.sent(false);
  watch.sent(false);
  clock.advance(29_999);
  expect(expired).toEqual([]);
  clock.advance(1_000_000);
  expect(expired).toEqual([30_000]);
  expect(clock.timers).toBe(0);
});

test('every reply counts for all that are under way', () => {
  const { clock, watch, expired } = deadline();
  for (let i = 0; i < 100; i++) watch.sent(false);
  for (let i = 0; i < 99; i++) {
    clock.advance(20_000);
    watch.replied(false);
  }
  expect(expired).toEqual([]);
  expect(clock.timers).toBe(1);
  clock.advance(30_000);
  expect(expired).toHaveLength(1);
});

test('an idle channel owes nothing; its next request has the whole time', () => {
  const { clock, watch, expired } = deadline();
  watch.sent(false);
  watch.replied(false);
  clock.advance(3_600_000);
  expect(clock.timers).toBe(0);
  watch.sent(false);
  clock.advance(29_999);
  expect(expired).toEqual([]);
});

test('a slow request has longer, and so have those behind it, until it is answered', () => {
  const { clock, watch, expired } = deadline();
  watch.sent(true);
  watch.sent(false);
  clock.advance(100_000);
  expect(expired).toEqual([]);
  watch.replied(true);
  clock.advance(60_000);
  expect(expired).toHaveLength(1);
});

test('a machine that slept gives the server its time again', () => {
  const { clock, watch, expired } = deadline();
  watch.sent(false);
  clock.jump(8 * 3_600_000);
  clock.advance(30_000);
  expect(expired).toEqual([]);
  clock.advance(30_000);
  expect(expired).toHaveLength(1);
});

test('a clock that was set back puts nothing off for long', () => {
  const { clock, watch, expired } = deadline();
  watch.sent(false);
  clock.jump(-3_600_000);
  clock.advance(60_000);
  expect(expired).toHaveLength(1);
});
