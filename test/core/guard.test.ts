import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DeletionWindow,
  type GuardInput,
  type MaxDelete,
  currentWindow,
  defaultMaxDelete,
  exceeds,
  extendWindow,
  guard,
  parseMaxDelete,
  quietWindowMs,
} from '../../src/core/guard.js';

const calm: GuardInput = {
  root: 'present',
  pending: 1,
  known: 1_000,
  window: null,
  maxDelete: defaultMaxDelete,
  unlisted: [],
  allowed: false,
  stateLost: false,
};

function causesOf(change: Partial<GuardInput>): string[] {
  return guard({ ...calm, ...change }).map(({ cause }) => cause);
}

describe('holds', () => {
  test.each<[string, Partial<GuardInput>, string[]]>([
    ['a few deletions', {}, []],
    ['root gone', { root: 'missing' }, ['root-missing']],
    ['root emptied', { root: 'emptied' }, ['root-emptied']],
    ['root unmounted', { root: 'unmounted' }, ['root-unmounted']],
    ['a directory could not be listed', { unlisted: ['a'] }, ['partial-listing']],
    ['state lost', { stateLost: true }, ['state-lost']],
    ['state lost, a person said yes', { stateLost: true, allowed: true }, []],
    ['half of what is known', { pending: 500 }, []],
    ['more than half', { pending: 501 }, ['too-many-deletions']],
    ['more than half, a person said yes', { pending: 501, allowed: true }, []],
    ['a yes is none to a root that is gone', { root: 'missing', allowed: true }, ['root-missing']],
    ['a yes is none to an unlisted directory', { unlisted: ['a'], allowed: true }, ['partial-listing']],
    ['all of a small tree', { pending: 20, known: 20 }, []],
    ['all of a tree that is not so small', { pending: 21, known: 21 }, ['too-many-deletions']],
    ['nothing is known', { pending: 21, known: 0 }, ['too-many-deletions']],
    [
      'those before count',
      { pending: 1, window: { done: 500, known: 1_000, lastAtMs: 0 } },
      ['too-many-deletions'],
    ],
    ['more was known before', { pending: 501, window: { done: 0, known: 2_000, lastAtMs: 0 } }, []],
    ['a number', { pending: 4, maxDelete: { paths: 3 } }, ['too-many-deletions']],
    ['as many as the number', { pending: 3, maxDelete: { paths: 3 } }, []],
    ['none allowed', { maxDelete: { paths: 0 } }, ['too-many-deletions']],
    ['none allowed, as a share', { maxDelete: { percent: 0, butAtLeast: 0 } }, ['too-many-deletions']],
    ['all allowed', { pending: 1_000, maxDelete: { percent: 100, butAtLeast: 0 } }, []],
    [
      'everything at once',
      { root: 'emptied', pending: 900, unlisted: ['a', 'b'], stateLost: true },
      ['root-emptied', 'partial-listing', 'state-lost', 'too-many-deletions'],
    ],
  ])('%s', (_, change, causes) => {
    expect(causesOf(change)).toEqual(causes);
    // Whatever is wrong: where nothing is to be deleted nothing is held.
    expect(causesOf({ ...change, pending: 0 })).toEqual([]);
  });

  test('say how many deletions they keep back, and why', () => {
    const holds = guard({ ...calm, pending: 700, unlisted: ['a b', 'c'] });
    expect(holds.map(({ deletions }) => deletions)).toEqual([700, 700]);
    expect(holds[0]!.message).toContain("'a b' and 1 more");
    expect(holds[1]!.message).toMatch(/700 of 1000 .*--max-delete.*50 %/);
    expect(guard({ ...calm, unlisted: [''] })[0]!.message).toContain('the root');
  });
});

test.each<[string, MaxDelete | null]>([
  ['100', { paths: 100 }],
  ['0', { paths: 0 }],
  [' 7 ', { paths: 7 }],
  ['007', { paths: 7 }],
  ['30%', { percent: 30, butAtLeast: 0 }],
  ['0%', { percent: 0, butAtLeast: 0 }],
  ['100%', { percent: 100, butAtLeast: 0 }],
  ['101%', null],
  ['', null],
  ['%', null],
  ['-1', null],
  ['+1', null],
  ['1.5', null],
  ['1e3', null],
  ['0x10', null],
  ['30 %', null],
  ['30%%', null],
  ['many', null],
  ['٣', null],
  ['9999999999999', null],
])('--max-delete %j', (text, expected) => {
  expect(parseMaxDelete(text)).toEqual(expected);
});

test('--max-delete takes every text without failing, and what it takes is a limit', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.nat().map(String),
        fc.nat({ max: 200 }).map((n) => `${n}%`),
      ),
      (text) => {
        const limit = parseMaxDelete(text);
        if (limit === null) return;
        expect(exceeds(limit, 0, 100)).toBe(false);
      },
    ),
  );
});

test('more deletions never exceed less', () => {
  const limit = fc.oneof<fc.Arbitrary<MaxDelete>[]>(
    fc.record({ paths: fc.nat({ max: 100 }) }),
    fc.record({ percent: fc.nat({ max: 100 }), butAtLeast: fc.nat({ max: 30 }) }),
  );
  fc.assert(
    fc.property(limit, fc.nat({ max: 500 }), fc.nat({ max: 500 }), (max, deletions, known) => {
      if (exceeds(max, deletions, known)) {
        expect(exceeds(max, deletions + 1, known)).toBe(true);
        expect(exceeds(max, deletions, Math.max(0, known - 1))).toBe(true);
      }
    }),
  );
});

describe('the window of deletions', () => {
  /**
   * Deletes `steps` paths one batch after the other, as the agent does: the guard is asked, what it lets through is
   * carried out, and the base shrinks by it. Returns how many went before it held.
   */
  function deletedBeforeHold(known: number, steps: readonly number[], gapMs: number): number {
    let window: DeletionWindow | null = null;
    let nowMs = 1_000_000;
    let deleted = 0;
    for (const pending of steps) {
      nowMs += gapMs;
      const input = { ...calm, pending, known: known - deleted, window: currentWindow(window, nowMs) };
      if (guard(input).length > 0) return deleted;
      deleted += pending;
      window = extendWindow(window, pending, known - deleted, nowMs);
    }
    return deleted;
  }

  /** As many of `sizes` as there is something left to delete for. */
  function within(count: number, sizes: readonly number[]): number[] {
    let left = count;
    return sizes.filter((size) => {
      left -= size;
      return left >= 0;
    });
  }

  test('a slow deletion is held where a fast one is', () => {
    const known = fc.integer({ min: 50, max: 5_000 });
    const steps = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(known, steps, fc.integer({ min: 0, max: quietWindowMs - 1 }), (count, sizes, gapMs) => {
        const cut = within(count, sizes);
        const deleted = deletedBeforeHold(count, cut, gapMs);
        const whole = cut.reduce((sum, size) => sum + size, 0);
        const isHeldAtOnce = exceeds(defaultMaxDelete, whole, count);
        expect(deleted < whole).toBe(isHeldAtOnce);
        expect(exceeds(defaultMaxDelete, deleted, count)).toBe(false);
      }),
    );
  });

  test('after a quiet time it counts anew', () => {
    const half = Array.from({ length: 60 }, () => 10);
    expect(deletedBeforeHold(1_000, half, quietWindowMs - 1)).toBe(500);
    expect(deletedBeforeHold(1_000, half, quietWindowMs)).toBe(600);
  });

  test('forgets after a quiet time, not before; a clock that went back forgets nothing', () => {
    const window = extendWindow(null, 3, 10, 5_000);
    expect(window).toEqual({ done: 3, known: 13, lastAtMs: 5_000 });
    expect(currentWindow(window, 5_000 + quietWindowMs - 1)).toBe(window);
    expect(currentWindow(window, 5_000 + quietWindowMs)).toBeNull();
    expect(currentWindow(window, 0)).toBe(window);
    expect(currentWindow(null, 0)).toBeNull();
    expect(extendWindow(window, 1, 100, 5_000 + quietWindowMs)).toMatchObject({ done: 1, known: 101 });
    expect(extendWindow(window, 1, 5, 6_000)).toEqual({ done: 4, known: 13, lastAtMs: 6_000 });
  });
});
