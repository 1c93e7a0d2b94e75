import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePaths } from '../../src/core/path.js';
import { type Settler, createSettler } from '../../src/core/settle.js';
import type { WatchEventKind } from '../../src/core/stream.js';

const t0 = 1_700_000_000_000;
const paths = (settler: Settler, atMs: number): string[] => settler.due(atMs).map(({ path }) => path);

/** Moves from one settling to the next until nothing is pending; returns what came when. */
function runDry(settler: Settler): Map<number, string[]> {
  const batches = new Map<number, string[]>();
  for (let atMs = settler.nextAtMs(); atMs !== null; atMs = settler.nextAtMs()) {
    const batch = paths(settler, atMs);
    expect(batch).not.toEqual([]);
    batches.set(atMs, batch);
  }
  return batches;
}

test('a single save settles after its quiet time, and not before', () => {
  const settler = createSettler();
  expect(settler.nextAtMs()).toBeNull();
  settler.note('change', 'a', t0);
  settler.note('change', 'a', t0 + 5);
  expect(settler.size).toBe(1);
  expect(settler.nextAtMs()).toBe(t0 + 25);
  expect(settler.due(t0 + 24)).toEqual([]);
  expect(settler.due(t0 + 25)).toEqual([{ path: 'a', sinceMs: t0 }]);
  expect(settler.size).toBe(0);
  expect(settler.nextAtMs()).toBeNull();
});

test('a path that never rests is handed out at the maximum', () => {
  const settler = createSettler({ settleMaxMs: 100 });
  for (let ms = 0; ms < 100; ms += 10) {
    settler.note('change', 'a', t0 + ms);
    expect(settler.due(t0 + ms)).toEqual([]);
  }
  expect(settler.nextAtMs()).toBe(t0 + 100);
  expect(paths(settler, t0 + 100)).toEqual(['a']);
});

test('a path that keeps changing waits twice as long each round, up to a second, until it has rested', () => {
  const settler = createSettler();
  let nowMs = t0;
  const waits = Array.from({ length: 8 }, () => {
    settler.note('change', 'a', nowMs);
    const atMs = settler.nextAtMs()!;
    expect(paths(settler, atMs)).toEqual(['a']);
    const waitMs = atMs - nowMs;
    nowMs = atMs + 10;
    return waitMs;
  });
  expect(waits).toEqual([20, 40, 80, 160, 320, 640, 1000, 1000]);
  settler.note('change', 'a', nowMs + 1_000);
  expect(settler.nextAtMs()).toBe(nowMs + 1_020);
});

test('a file that just became empty waits for what is written next', () => {
  const settler = createSettler();
  settler.note('change', 'a', t0, { size: 0 });
  expect(settler.nextAtMs()).toBe(t0 + 250);
  settler.note('change', 'a', t0 + 3, { size: 9 });
  expect(settler.nextAtMs()).toBe(t0 + 23);
});

test.each([
  ['unlink', 'add'],
  ['unlink', 'change'],
  ['unlinkDir', 'addDir'],
] as const)('%s waits for the %s that makes it a replacement', (gone, back) => {
  const settler = createSettler();
  settler.note(gone, 'a', t0);
  expect(settler.nextAtMs()).toBe(t0 + 500);
  expect(settler.due(t0 + 400)).toEqual([]);
  settler.note(back, 'a', t0 + 400);
  expect(settler.nextAtMs()).toBe(t0 + 420);
  expect(settler.due(t0 + 420)).toEqual([{ path: 'a', sinceMs: t0 }]);
  expect(settler.nextAtMs()).toBeNull();
});

test('a deletion that stays one leaves at its own time', () => {
  const settler = createSettler();
  settler.note('unlink', 'a', t0);
  settler.note('change', 'b', t0);
  expect(paths(settler, t0 + 20)).toEqual(['b']);
  expect(settler.due(t0 + 499)).toEqual([]);
  expect(paths(settler, t0 + 500)).toEqual(['a']);
});

test('a burst leaves in few batches, within a second each, in the order of paths', () => {
  const settler = createSettler();
  const batches = [];
  for (let n = 0; n < 10_000; n++) {
    const nowMs = t0 + Math.floor(n / 4);
    const atMs = settler.nextAtMs();
    if (atMs !== null && atMs <= nowMs) batches.push(paths(settler, nowMs));
    settler.note(n % 3 === 0 ? 'unlink' : 'add', `folder/${n}`, nowMs);
  }
  for (const batch of runDry(settler).values()) batches.push(batch);
  expect(batches.flat()).toHaveLength(10_000);
  expect(batches.length).toBeLessThan(12);
  for (const batch of batches) expect(batch).toEqual(batch.toSorted(comparePaths));
});

test('deletions of a whole tree leave together', () => {
  const settler = createSettler();
  for (let n = 0; n < 1_000; n++) settler.note('unlink', `${n}`, t0 + Math.floor(n / 10));
  expect(runDry(settler).size).toBeLessThan(10);
});

test('a note for the future waits until then', () => {
  const settler = createSettler();
  settler.note('change', 'a', t0 + 1_000);
  expect(settler.due(t0 + 999)).toEqual([]);
  expect(settler.nextAtMs()).toBe(t0 + 1_020);
});

test('what does not fit is told once, and the rest is kept', () => {
  const settler = createSettler({ pathsMax: 3 });
  for (const path of ['a', 'b', 'c', 'd', 'a']) settler.note('change', path, t0);
  expect(settler.size).toBe(3);
  expect(settler.overflowed).toBe(true);
  expect(paths(settler, Infinity)).toEqual(['a', 'b', 'c']);
  expect(settler.overflowed).toBe(false);
});

test('a clock that was set back keeps nothing waiting', () => {
  const settler = createSettler();
  settler.note('change', 'a', t0);
  expect(paths(settler, t0 - 3_600_000)).toEqual(['a']);
  settler.note('change', 'a', t0 - 3_600_000);
  expect(settler.nextAtMs()).toBe(t0 - 3_600_000 + 20);
});

// ---------------------------------------------------------------------------------------------- any history

const kind = fc.constantFrom<WatchEventKind>('add', 'change', 'unlink', 'addDir', 'unlinkDir');
const step = fc.record({
  kind,
  // Few names make rounds of one path, many make bursts.
  name: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 400 })),
  repeat: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 120 }) },
  ),
  advanceMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 1_500 })),
  size: fc.option(fc.constantFrom(0, 1), { nil: undefined }),
  /** Whether the caller's timer is punctual in this step. */
  late: fc.boolean(),
});
const settings = fc.record({
  settleMs: fc.integer({ min: 0, max: 50 }),
  settleMaxMs: fc.integer({ min: 1, max: 3_000 }),
});

interface Known {
  firstMs: number;
  lastMs: number;
  waitMs: number;
}

test('nothing is lost, nothing comes before its quiet time, everything comes by its maximum', () => {
  fc.assert(
    fc.property(settings, fc.array(step, { maxLength: 60 }), ({ settleMs, settleMaxMs }, steps) => {
      const settler = createSettler({ settleMs, settleMaxMs });
      const known = new Map<string, Known>();
      let nowMs = t0;

      const take = (atMs: number) => {
        const settled = settler.due(atMs);
        expect(settled.map(({ path }) => path)).toEqual(
          settled.map(({ path }) => path).toSorted(comparePaths),
        );
        for (const { path, sinceMs } of settled) {
          const { firstMs, lastMs, waitMs } = known.get(path)!;
          expect(sinceMs).toBe(firstMs);
          expect(atMs).toBeGreaterThanOrEqual(Math.min(lastMs + waitMs, firstMs + settleMaxMs));
          known.delete(path);
        }
        for (const { firstMs } of known.values()) expect(atMs).toBeLessThan(firstMs + settleMaxMs);
        expect(settler.size).toBe(known.size);
      };

      const advance = (endMs: number) => {
        for (let atMs = settler.nextAtMs(); atMs !== null && atMs <= endMs; atMs = settler.nextAtMs()) {
          const before = settler.size;
          take(Math.max(nowMs, atMs));
          expect(settler.size).toBeLessThan(before);
        }
      };

      for (const { kind, name, repeat, advanceMs, size, late } of steps) {
        if (!late) advance(nowMs + advanceMs);
        nowMs += advanceMs;
        if (late) take(nowMs);
        for (let n = 0; n < repeat; n++) {
          const path = `${name + n}`;
          settler.note(kind, path, nowMs, size === undefined ? {} : { size });
          const waitMs = kind.startsWith('unlink') ? 500 : size === 0 ? 250 : settleMs;
          known.set(path, { firstMs: known.get(path)?.firstMs ?? nowMs, lastMs: nowMs, waitMs });
        }
        expect(settler.size).toBe(known.size);
        expect(settler.nextAtMs() === null).toBe(known.size === 0);
      }
      advance(Infinity);
      expect(known.size).toBe(0);
    }),
    { verbose: true },
  );
});
