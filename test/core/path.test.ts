import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ancestorsOf,
  comparePaths,
  isBelow,
  nameProblem,
  windowsNameProblem,
  parentOf,
} from '../../src/core/path.js';

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 8 })
  .filter((text) => nameProblem(text) === null);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const bytes = (text: string) => Buffer.from(text.replaceAll('/', '\0'));

test('paths are ordered by the bytes of their components', () => {
  fc.assert(
    fc.property(path, path, (a, b) => {
      expect(Math.sign(comparePaths(a, b))).toBe(Math.sign(Buffer.compare(bytes(a), bytes(b))));
    }),
    { verbose: true },
  );
});

test('a directory is followed at once by what is in it', () => {
  expect(['a-b', 'a/b', 'a', 'a/b/c', 'a.'].sort(comparePaths)).toEqual(['a', 'a/b', 'a/b/c', 'a-b', 'a.']);
});

test('parents, ancestors and what lies below', () => {
  expect(parentOf('a/b')).toBe('a');
  expect(parentOf('a')).toBe('');
  expect(parentOf('')).toBeNull();
  expect(ancestorsOf('a/b/c')).toEqual(['a', 'a/b']);
  expect(isBelow('a/b', 'a')).toBe(true);
  expect(isBelow('a-b', 'a')).toBe(false);
  expect(isBelow('a', 'a')).toBe(false);
  expect(isBelow('a', '')).toBe(true);
});

test.each(['', '.', '..', 'a/b', 'a\0b', 'a\ufffdb'])('%j is no name', (text) => {
  expect(nameProblem(text)).not.toBeNull();
});

test('names that Windows would take for something else', () => {
  const bad = [
    'a\\b',
    'C:',
    'file:stream',
    'a*',
    'con',
    'NUL.txt',
    'com1',
    'LPT¹.log',
    'end.',
    'end ',
    'x\u0001',
  ];
  const good = ['console', 'com', 'com10', '.gitignore', 'a b', 'ä', 'nully'];
  expect(bad.filter((name) => windowsNameProblem(name) === null)).toEqual([]);
  expect(good.filter((name) => windowsNameProblem(name) !== null)).toEqual([]);
});
