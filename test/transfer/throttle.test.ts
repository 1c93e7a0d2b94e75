import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createThrottle, type Throttle } from '../../src/transfer/throttle.js';
import { ManualClock } from '../support/manual-clock.js';

const forever = new AbortController().signal;

interface Grant {
  readonly atMs: number;
  readonly bytes: number;
  readonly file: number;
}

/** Takes `size` bytes piece by piece, as a lane does, and writes down what it got when. */
async function send(clock: ManualClock, throttle: Throttle, file: number, size: number, grants: Grant[]) {
  for (let left = size; left > 0;) {
    const bytes = await throttle.take(left, forever);
    grants.push({ atMs: clock.now(), bytes, file });
    left -= bytes;
  }
}

/** Lets everything happen that needs no time: promises that settle, and what waits for them. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Moves on by `ms`, in steps of `stepMs`: timers that are due in between come late. */
async function pass(clock: ManualClock, ms: number, stepMs = 1): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(stepMs, left));
    await settled();
  }
}

function bytesWithin(grants: readonly Grant[], fromMs: number, toMs: number): number {
  return grants.reduce((sum, { atMs, bytes }) => (atMs >= fromMs && atMs <= toMs ? sum + bytes : sum), 0);
}

test('over any window of a second or more the rate holds, with a quarter of a second to spare', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 1, max: 50_000, noNaN: true }),
      fc.array(
        fc.record({ afterMs: fc.nat(3_000), seconds: fc.double({ min: 0.001, max: 4, noNaN: true }) }),
        {
          minLength: 1,
          maxLength: 6,
        },
      ),
      fc.integer({ min: 1, max: 40 }),
      async (kibPerSecond, files, stepMs) => {
        const clock = new ManualClock();
        const throttle = createThrottle({ clock, kibPerSecond });
        const grants: Grant[] = [];
        const rate = (kibPerSecond * 1024) / 1000;
        // What a time in ms since 1970 cannot tell apart, as a double.
        const blurMs = 2 ** -12;
        const running: Promise<void>[] = [];
        for (const [file, { afterMs, seconds }] of files.entries()) {
          await pass(clock, afterMs, stepMs);
          running.push(send(clock, throttle, file, Math.ceil(rate * 1000 * seconds), grants));
          await settled();
        }
        await pass(clock, 30_000, stepMs);
        await Promise.all(running);
        for (const [first, { atMs: fromMs }] of grants.entries()) {
          let bytes = 0;
          for (const [index, { atMs, bytes: more }] of grants.slice(first).entries()) {
            bytes += more;
            const windowMs = Math.max(1000, atMs - fromMs);
            expect(bytes).toBeLessThanOrEqual(rate * (windowMs + 250 + index * blurMs) + 1);
          }
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('it reaches the rate, although timers come late', async () => {
  const clock = new ManualClock();
  const throttle = createThrottle({ clock, kibPerSecond: 1024 });
  const grants: Grant[] = [];
  void send(clock, throttle, 0, 2 ** 30, grants);
  await pass(clock, 10_000, 15);
  const bytes = grants.reduce((sum, grant) => sum + grant.bytes, 0);
  expect(bytes).toBeGreaterThan(0.98 * 10 * 2 ** 20);
});

test('a slow rate flows: a piece is never more than an eighth of a second’s worth', async () => {
  const clock = new ManualClock();
  const throttle = createThrottle({ clock, kibPerSecond: 4 });
  const grants: Grant[] = [];
  void send(clock, throttle, 0, 2 ** 20, grants);
  await pass(clock, 5_000);
  expect(Math.max(...grants.map(({ bytes }) => bytes))).toBe(512);
  for (let second = 0; second < 5; second++) {
    const fromMs = 1_700_000_000_000 + second * 1000;
    expect(bytesWithin(grants, fromMs, fromMs + 999)).toBeGreaterThanOrEqual(7 * 512);
  }
});

test('files take turns', async () => {
  const clock = new ManualClock();
  const throttle = createThrottle({ clock, kibPerSecond: 64 });
  const grants: Grant[] = [];
  for (let file = 0; file < 3; file++) void send(clock, throttle, file, 2 ** 20, grants);
  await pass(clock, 3_000);
  const files = grants.map(({ file }) => file);
  expect(files).toEqual(files.map((_, index) => index % 3));
  expect(files.length).toBeGreaterThan(20);
});

test('without a limit everything goes at once', async () => {
  const throttle = createThrottle({ clock: new ManualClock() });
  expect(throttle.kibPerSecond).toBeNull();
  expect(await throttle.take(2 ** 30, forever)).toBe(2 ** 30);
});

test('a new rate holds for those that wait already', async () => {
  const clock = new ManualClock();
  const throttle = createThrottle({ clock, kibPerSecond: 1 });
  const grants: Grant[] = [];
  void send(clock, throttle, 0, 2 ** 30, grants);
  await pass(clock, 1_000);
  expect(grants.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(1280);
  throttle.set(1024);
  expect(throttle.kibPerSecond).toBe(1024);
  const fromMs = clock.now();
  await pass(clock, 2_000);
  expect(bytesWithin(grants, fromMs, clock.now())).toBeGreaterThan(1.9 * 2 ** 20);
  // Back to a crawl: what was asked for at the fast rate is not sent in one piece.
  throttle.set(1);
  await pass(clock, 130);
  const slowMs = clock.now();
  await pass(clock, 2_000);
  expect(bytesWithin(grants, slowMs, clock.now())).toBeLessThanOrEqual(1024 * 2.25);
  throttle.set(null);
  await settled();
  expect(grants.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2 ** 30);
  expect(clock.timers).toBe(0);
});

test('whoever gives up leaves the line, and the next one moves up', async () => {
  const clock = new ManualClock();
  const throttle = createThrottle({ clock, kibPerSecond: 8 });
  const grants: Grant[] = [];
  await throttle.take(2 ** 20, forever);
  await throttle.take(2 ** 20, forever);
  const gone = new AbortController();
  const waiting = throttle.take(2 ** 20, gone.signal);
  void send(clock, throttle, 1, 1024, grants);
  const reason = new Error('enough');
  gone.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(throttle.take(1, gone.signal)).rejects.toBe(reason);
  await pass(clock, 300);
  expect(grants.length).toBeGreaterThan(0);
});

test('a clock that was set back stops nothing', async () => {
  const clock = new ManualClock();
  const throttle = createThrottle({ clock, kibPerSecond: 8 });
  const grants: Grant[] = [];
  void send(clock, throttle, 0, 2 ** 20, grants);
  await pass(clock, 500);
  clock.jump(-3_600_000);
  const before = grants.length;
  await pass(clock, 1_000);
  expect(grants.length - before).toBeGreaterThanOrEqual(7);
});

test.each([0, -1, NaN, Infinity])('%d is no rate', (kibPerSecond) => {
  const throttle = createThrottle({ clock: new ManualClock(), kibPerSecond: 8 });
  expect(() => throttle.set(kibPerSecond)).toThrow('is none');
  expect(throttle.kibPerSecond).toBe(8);
});
