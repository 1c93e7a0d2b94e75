import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { conflictName, conflictNamePattern, isConflictNameOf } from '../../src/core/conflict-name.js';
import { createFilter } from '../../src/core/filter.js';
import { nameProblem } from '../../src/core/path.js';

const atMs = Date.UTC(2026, 10, 21, 13, 45, 0, 678);
const of = (name: string, attempt = 1) => conflictName(name, atMs, 'k3f9', attempt);
const bytesOf = (name: string) => Buffer.byteLength(name);

test.each([
  ['report.txt', 'report.conflict-20261121T134500Z-k3f9.txt'],
  ['Makefile', 'Makefile.conflict-20261121T134500Z-k3f9'],
  ['archive.tar.gz', 'archive.tar.conflict-20261121T134500Z-k3f9.gz'],
  ['.bashrc', '.bashrc.conflict-20261121T134500Z-k3f9'],
  ['.config.json', '.config.conflict-20261121T134500Z-k3f9.json'],
  ['ends.', 'ends.conflict-20261121T134500Z-k3f9.'],
  ['a.this is no extension', 'a.this is no extension.conflict-20261121T134500Z-k3f9'],
])('a version of %s is kept as %s', (name, expected) => {
  expect(of(name)).toBe(expected);
});

test('where that name is taken, a number follows', () => {
  expect(of('a.txt', 2)).toBe('a.conflict-20261121T134500Z-k3f9-2.txt');
});

test('a copy of a copy says so', () => {
  const copy = of('a.txt');
  const again = conflictName(copy, atMs + 1_000, 'zz', 1);
  expect(again).toBe('a.conflict-20261121T134500Z-k3f9.conflict-20261121T134501Z-zz.txt');
  expect(isConflictNameOf(again, copy)).toBe(true);
  expect(isConflictNameOf(again, 'a.txt')).toBe(false);
});

describe('a long name', () => {
  test.each([
    ['ascii', 'x'.repeat(251) + '.txt'],
    ['umlauts', 'ü'.repeat(125) + '.txt'],
    ['families', '👨‍👩‍👧‍👦'.repeat(10)],
    ['flags', '🇨🇭'.repeat(30) + '.png'],
    ['wide extension', 'x'.repeat(200) + '.' + '漢'.repeat(15)],
  ])('%s is cut between characters, and keeps its extension', (_, name) => {
    const copy = of(name, 17);
    expect(bytesOf(copy)).toBeLessThanOrEqual(255);
    const [stem, rest] = copy.split('.conflict-') as [string, string];
    const characters = (text: string) =>
      [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
    expect(characters(name).slice(0, characters(stem).length).join('')).toBe(stem);
    // There was no room for one character more.
    const next = characters(name)[characters(stem).length]!;
    expect(bytesOf(copy) + bytesOf(next)).toBeGreaterThan(255);
    expect(
      rest.endsWith(name.slice(name.lastIndexOf('.') === -1 ? name.length : name.lastIndexOf('.'))),
    ).toBe(true);
    expect(isConflictNameOf(copy, name)).toBe(true);
  });

  test('of a single character with accents without end is not cut to nothing', () => {
    const name = 'a' + '\u0301'.repeat(127);
    const copy = of(name);
    expect(copy.startsWith('a\u0301')).toBe(true);
    expect(bytesOf(copy)).toBeLessThanOrEqual(255);
    expect(isConflictNameOf(copy, name)).toBe(true);
  });
});

test.each([
  'a.txt',
  'a.conflict.txt',
  'a.conflict-20261121T134500Z.txt',
  'a.conflict-2026-k3f9.txt',
  'b.conflict-20261121T134500Z-k3f9.txt',
  'a.conflict-20261121T134500Z-k3f9.md',
  'a.conflict-20261121T134500Z-k3f9',
])('%s is no version of a.txt', (name) => {
  expect(isConflictNameOf(name, 'a.txt')).toBe(false);
});

test('any name, time, agent and attempt: one that fits, is known again, and that a filter can name', () => {
  const filter = createFilter({
    rules: [{ type: 'exclude', pattern: conflictNamePattern, source: '--exclude' }],
    defaults: false,
    droppings: false,
  });
  const names = fc
    .oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 255 }),
      fc.string({ unit: 'binary', minLength: 1 }),
    )
    .filter((name) => nameProblem(name) === null && name !== '.' && name !== '..' && bytesOf(name) <= 255);
  const agents = fc.stringMatching(/^[a-z0-9]{1,16}$/);
  const times = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
  fc.assert(
    fc.property(names, times, agents, fc.integer({ min: 1, max: 20 }), (name, ms, agent, attempt) => {
      const copy = conflictName(name, ms, agent, attempt);
      expect(bytesOf(copy)).toBeLessThanOrEqual(255);
      expect(nameProblem(copy)).toBeNull();
      expect(copy).not.toBe(name);
      expect(isConflictNameOf(copy, name)).toBe(true);
      expect(filter.excludes(copy, 'file')).toBe(true);
      expect(filter.excludes(`some/where/${copy}`, 'file')).toBe(true);
      expect(isConflictNameOf(name, copy)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});
