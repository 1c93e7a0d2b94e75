import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePaths } from '../../src/core/path.js';
import { type ChangeKind, type Settler, createSettler } from '../../src/core/settle.js';

const paths = (settler: Settler, nowMs: number) => settler.due(nowMs).map(({ path }) => path);

/** Calls `due` whenever the settler asks for it, up to `untilMs`; what came out, with its time. */
function run(settler: Settler, untilMs: number): { atMs: number; paths: string[] }[] {
  const batches: { atMs: number; paths: string[] }[] = [];
  for (let atMs = settler.nextAtMs(); atMs !== null && atMs <= untilMs; atMs = settler.nextAtMs()) {
    batches.push({ atMs, paths: paths(settler, atMs) });
  }
  return batches;
}

describe('one path', () => {
  test('a save settles after 20 ms of quiet', () => {
    const settler = createSettler();
    settler.note('change', 'a', 1000);
    settler.note('change', 'a', 1010);
    expect(settler.size).toBe(1);
    expect(settler.nextAtMs()).toBe(1030);
    expect(settler.due(1029)).toEqual([]);
    expect(settler.due(1030)).toEqual([{ path: 'a', sinceMs: 1000 }]);
    expect([settler.nextAtMs(), settler.size]).toEqual([null, 0]);
  });

  test.each<[string, [ChangeKind, number, number?][], number]>([
    ['a deletion waits for its replacement', [['unlink', 0]], 500],
    [
      'which makes it a plain change',
      [
        ['unlink', 0],
        ['add', 100],
      ],
      120,
    ],
    [
      'a directory too',
      [
        ['unlinkDir', 0],
        ['addDir', 100],
      ],
      120,
    ],
    [
      'a file that became a directory',
      [
        ['unlink', 0],
        ['addDir', 0],
      ],
      20,
    ],
    [
      'made and removed again',
      [
        ['add', 0],
        ['unlink', 10],
      ],
      510,
    ],
    ['emptied', [['change', 0, 0]], 250],
    ['created empty', [['add', 0, 0]], 250],
    [
      'emptied, then written',
      [
        ['change', 0, 0],
        ['change', 30, 5],
      ],
      50,
    ],
    [
      'emptied, then written with unknown size',
      [
        ['change', 0, 0],
        ['change', 30],
      ],
      50,
    ],
    [
      'written, then emptied',
      [
        ['change', 0, 5],
        ['change', 10, 0],
      ],
      260,
    ],
    [
      'removed, then created empty',
      [
        ['unlink', 0],
        ['add', 30, 0],
      ],
      280,
    ],
  ])('%s', (_, events, atMs) => {
    const settler = createSettler();
    for (const [kind, nowMs, size] of events)
      settler.note(kind, 'a', nowMs, size === undefined ? {} : { size });
    expect(run(settler, Infinity)).toEqual([{ atMs, paths: ['a'] }]);
  });

  test('one that never stops is returned after settleMaxMs', () => {
    const settler = createSettler({ settleMaxMs: 300 });
    for (let nowMs = 0; nowMs <= 290; nowMs += 10) {
      expect(settler.due(nowMs)).toEqual([]);
      settler.note('change', 'a', nowMs);
    }
    expect(settler.nextAtMs()).toBe(300);
    expect(settler.due(300)).toEqual([{ path: 'a', sinceMs: 0 }]);
  });

  test('one that keeps changing waits longer each time, and is back to normal after a second of quiet', () => {
    const settler = createSettler();
    const waits: number[] = [];
    const save = (nowMs: number) => {
      settler.note('change', 'a', nowMs);
      const atMs = settler.nextAtMs()!;
      settler.due(atMs);
      waits.push(atMs - nowMs);
      return atMs;
    };
    let nowMs = 0;
    for (let round = 0; round < 8; round++) nowMs = save(nowMs) + 1;
    expect(waits).toEqual([20, 40, 80, 160, 320, 640, 1000, 20]);
    save(nowMs + 979);
    expect(waits.at(-1)).toBe(20);
    settler.note('change', 'b', nowMs + 1000);
    expect(settler.nextAtMs()).toBe(nowMs + 1020);
  });

  test('all at once, whatever they wait for', () => {
    const settler = createSettler();
    settler.note('change', 'b', 100);
    settler.note('unlink', 'a', 100);
    // The caller puts one off on its own.
    settler.note('change', 'a-b', 5000);
    settler.note('change', 'a/b', 100);
    expect(paths(settler, Infinity)).toEqual(['a', 'a/b', 'a-b', 'b']);
    expect(settler.nextAtMs()).toBe(null);
  });
});

describe('many paths', () => {
  test('a checkout becomes few batches', () => {
    const settler = createSettler();
    const batches: string[][] = [];
    for (let i = 0; i < 3000; i++) {
      // 3 s of events with a pause of 30 ms now and then, as when a tree is read in between.
      const nowMs = i + Math.floor(i / 200) * 30;
      for (const batch of run(settler, nowMs)) batches.push(batch.paths);
      settler.note(i % 3 === 0 ? 'unlink' : 'add', `d/f${i}`, nowMs);
    }
    for (const batch of run(settler, Infinity)) batches.push(batch.paths);
    expect(batches.flat()).toHaveLength(3000);
    expect(new Set(batches.flat()).size).toBe(3000);
    expect(batches.length).toBeLessThan(60);
  });

  test('fifty are no burst', () => {
    const settler = createSettler();
    for (let i = 0; i < 50; i++) settler.note('change', `f${i}`, 0);
    expect(settler.nextAtMs()).toBe(20);
    settler.note('change', 'f50', 10);
    expect(settler.nextAtMs()).toBe(110);
    expect(settler.due(110)).toHaveLength(51);
  });

  test('a burst that does not end is handed over in parts', () => {
    const settler = createSettler();
    const batches = [];
    for (let nowMs = 0; nowMs < 10_000; nowMs++) {
      batches.push(...run(settler, nowMs));
      settler.note('add', `f${nowMs}`, nowMs);
    }
    const times = batches.map(({ atMs }) => atMs);
    // The first ones go alone, until it is seen to be a burst.
    expect(times.filter((atMs) => atMs > 100).length).toBeLessThan(8);
    expect(Math.max(...times.slice(1).map((atMs, i) => atMs - times[i]!))).toBeLessThanOrEqual(2_000);
  });

  test('too many: they are let go, and the caller is told to compare everything', () => {
    const settler = createSettler({ pathsMax: 100 });
    for (let i = 0; i < 100; i++) settler.note('add', `f${i}`, i);
    expect(settler.overflowed).toBe(false);
    settler.note('add', 'f0', 100);
    expect(settler.overflowed).toBe(false);
    settler.note('add', 'one more', 110);
    settler.note('add', 'and more', 120);
    expect([settler.overflowed, settler.size]).toEqual([true, 100]);
    expect(settler.nextAtMs()).toBe(220);
    expect(settler.due(219)).toEqual([]);
    expect(settler.overflowed).toBe(true);
    expect(settler.due(220)).toEqual([]);
    expect([settler.overflowed, settler.size, settler.nextAtMs()]).toEqual([false, 0, null]);
    settler.note('add', 'after', 300);
    expect(paths(settler, 320)).toEqual(['after']);
  });

  test('an overflow that does not end is reported after settleMaxMs of its first path', () => {
    const settler = createSettler({ pathsMax: 2 });
    for (let nowMs = 0; nowMs < 9_990; nowMs++) settler.note('add', `f${nowMs}`, nowMs);
    expect(settler.nextAtMs()).toBe(10_000);
  });
});

// ------------------------------------------------------------------------------------------ whatever happens

const event = fc.record({
  pauseMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 1500 })),
  kind: fc.constantFrom<ChangeKind>('add', 'change', 'unlink', 'addDir', 'unlinkDir'),
  path: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 400 })).map((n) => `f${n}`),
  size: fc.constantFrom(undefined, 0, 7),
});
const options = fc.record({
  settleMs: fc.constantFrom(0, 1, 20, 300),
  settleMaxMs: fc.constantFrom(20, 100, 1000, 10_000),
});

/** Quiet that the last event of a path asks for at least. */
function quietMs(settleMs: number, kind: ChangeKind, size: number | undefined): number {
  if (kind === 'unlink' || kind === 'unlinkDir') return Math.max(500, settleMs);
  return size === 0 && kind !== 'addDir' ? Math.max(250, settleMs) : settleMs;
}

test('nothing is lost, nothing is early, nothing is late', () => {
  fc.assert(
    fc.property(
      options,
      fc.array(event, { maxLength: 600, size: 'max' }),
      ({ settleMs, settleMaxMs }, events) => {
        const settler = createSettler({ settleMs, settleMaxMs });
        const open = new Map<string, { firstMs: number; lastMs: number; quietMs: number }>();
        const check = (untilMs: number) => {
          for (let atMs = settler.nextAtMs(); atMs !== null && atMs <= untilMs; atMs = settler.nextAtMs()) {
            expect(settler.due(atMs - 0.5)).toEqual([]);
            const settled = settler.due(atMs);
            expect(settled.length).toBeGreaterThan(0);
            expect(settled.map(({ path }) => path)).toEqual(
              settled.map(({ path }) => path).sort(comparePaths),
            );
            for (const { path, sinceMs } of settled) {
              const mine = open.get(path)!;
              expect(sinceMs).toBe(mine.firstMs);
              expect(atMs).toBeLessThanOrEqual(mine.firstMs + settleMaxMs);
              expect(atMs).toBeGreaterThanOrEqual(
                Math.min(mine.lastMs + mine.quietMs, mine.firstMs + settleMaxMs),
              );
              open.delete(path);
            }
          }
        };
        let nowMs = 1_000_000;
        for (const { pauseMs, kind, path, size } of events) {
          nowMs += pauseMs;
          check(nowMs);
          settler.note(kind, path, nowMs, size === undefined ? {} : { size });
          const firstMs = open.get(path)?.firstMs ?? nowMs;
          open.set(path, { firstMs, lastMs: nowMs, quietMs: quietMs(settleMs, kind, size) });
          expect(settler.size).toBe(open.size);
        }
        check(Infinity);
        expect([...open.keys()]).toEqual([]);
        expect(settler.size).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
