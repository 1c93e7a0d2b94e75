import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canBeRespelled,
  type Folding,
  foldedKey,
  folds,
  groupsOf,
  respellings,
  separated,
} from '../../src/core/fold.js';
import type { Child } from '../../src/core/walk.js';

const neither: Folding = { foldsCase: false, normalizes: false };
const cases: Folding = { foldsCase: true, normalizes: false };
const forms: Folding = { foldsCase: false, normalizes: true };
const both: Folding = { foldsCase: true, normalizes: true };
const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];

const name = fc.string({
  unit: fc.constantFrom(
    'a',
    'A',
    'é',
    'e\u0301',
    'É',
    'ß',
    'S',
    's',
    'Σ',
    'ς',
    'σ',
    'ı',
    'i',
    'I',
    'İ',
    '😀',
  ),
  minLength: 1,
  maxLength: 4,
});
const folding = fc.constantFrom(neither, cases, forms, both);

test('a side folds when it takes any two names for one', () => {
  expect([neither, cases, forms, both].map(folds)).toEqual([false, true, true, true]);
  expect([folds(null), folds(undefined)]).toEqual([false, false]);
});

describe('the key', () => {
  test.each([
    ['README', 'readme', cases],
    ['ÄÖ', 'äö', cases],
    ['straße', 'STRASSE', cases],
    ['ΟΔΟΣ', 'οδος', cases],
    ['οδος', 'οδοσ', cases],
    [composed, decomposed, forms],
    ['CAF\u00c9', decomposed, both],
  ])('of %j is that of %j', (a, b, by) => {
    expect(foldedKey(a, by)).toBe(foldedKey(b, by));
    expect(foldedKey(a, neither)).not.toBe(foldedKey(b, neither));
  });

  test.each([
    ['sınır', 'sinir', both],
    [composed, decomposed, cases],
    ['README', 'readme', forms],
    ['a', 'ä', both],
  ])('of %j is not that of %j', (a, b, by) => {
    expect(foldedKey(a, by)).not.toBe(foldedKey(b, by));
  });

  test('of a key is the key, whatever the name', () => {
    fc.assert(
      fc.property(name, folding, (one, by) => {
        const key = foldedKey(one, by);
        expect(foldedKey(key, by)).toBe(key);
      }),
    );
  });
});

test('a difference of form alone is not mended where the side makes it', () => {
  expect(canBeRespelled(decomposed, composed, forms)).toBe(false);
  expect(canBeRespelled(decomposed.toUpperCase(), composed, both)).toBe(true);
  expect(canBeRespelled('a', 'A', cases)).toBe(true);
  expect(canBeRespelled('a', 'a', cases)).toBe(false);
});

describe('respellings', () => {
  test('tell what stands for what', () => {
    const stored = ['readme', 'same', 'only there'];
    const found = respellings(stored, ['README', 'same', 'only here'], cases);
    expect([...found]).toEqual([['readme', 'README']]);
  });

  test('prefer the very name: another one is something of its own', () => {
    expect([...respellings(['a', 'A'], ['a'], cases)]).toEqual([]);
    expect([...respellings(['AA', 'aA'], ['aa'], cases)]).toEqual([['AA', 'aa']]);
  });

  test('give each name once, and only to its own kind, whatever there is', () => {
    const names = fc.uniqueArray(name, { maxLength: 6 });
    fc.assert(
      fc.property(names, names, folding, (stored, wanted, by) => {
        const found = respellings(stored, wanted, by);
        const result = stored.map((one) => found.get(one) ?? one);
        expect(new Set(result).size).toBe(stored.length);
        for (const [one, spelled] of found) {
          expect(foldedKey(one, by)).toBe(foldedKey(spelled, by));
          expect(wanted).toContain(spelled);
          expect(one).not.toBe(spelled);
        }
      }),
    );
  });
});

describe('a listing', () => {
  const entry = { kind: 'directory', size: 0, mtimeMs: 0, mode: 0o755 } as const;
  const child = (own: string): Child => ({
    name: own,
    item: { type: 'entry', path: `d/${own}`, entry },
    enter: true,
  });

  test('without two names that are one stays as it is', () => {
    const listing = [child('a'), child('b')];
    expect(separated(listing, cases)).toBe(listing);
    expect(separated([child('a'), child('A')], undefined)).toHaveLength(2);
  });

  test('sets aside all names that are one, enters none of them, and says which', () => {
    const found = separated([child('a'), child('b'), child('A')], cases);
    expect(found.map((one) => [one.name, one.item.type, one.enter])).toEqual([
      ['a', 'skipped', false],
      ['b', 'entry', true],
      ['A', 'skipped', false],
    ]);
    const [first] = found;
    expect(first!.item).toMatchObject({
      path: 'd/a',
      reason: 'name',
      error: {
        code: 'name',
        message: `'d/a' is not synced: "a" and "A" are one name on the other side. Rename all but one of them, or exclude them`,
      },
    });
  });

  test('never sends two names of one key, and never sets aside one that is alone, whatever there is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 8 }), folding, (names, by) => {
        const groups = groupsOf(names, by);
        for (const { name: own, item } of separated(names.map(child), by)) {
          expect(item.type === 'entry').toBe(groups.get(foldedKey(own, by))!.length === 1);
        }
      }),
    );
  });
});
