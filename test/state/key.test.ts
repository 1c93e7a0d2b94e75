import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePaths, isBelow } from '../../src/core/path.js';
import { keyOf, pathOf, rangeBelow } from '../../src/state/key.js';

const unit = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '-',
    '.',
    ' ',
    '0',
    '\u0001',
    '\u0002',
    '\u007f',
    'é',
    '\ud7ff',
    '\ue000',
    '\uffee',
    '😀',
    '\u{10ffff}',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).filter((text) => text !== '/' && text !== '\0'),
);
const component = fc.array(unit, { minLength: 1, maxLength: 4 }).map((units) => units.join(''));
const path = fc.array(component, { maxLength: 4 }).map((components) => components.join('/'));

test('keys sort as paths do and give the path back', () => {
  fc.assert(
    fc.property(path, path, (a, b) => {
      expect(Math.sign(Buffer.compare(keyOf(a), keyOf(b)))).toBe(Math.sign(comparePaths(a, b)));
      expect(pathOf(keyOf(a))).toBe(a);
    }),
    { numRuns: 3000 },
  );
});

test('what is below a directory is one range of keys', () => {
  const related = fc
    .tuple(path, path, fc.constantFrom('', '/', '-', '\u0001'))
    .map(([a, b, glue]) => [a, `${a}${glue}${b}`] as const);
  fc.assert(
    fc.property(fc.oneof(related, fc.tuple(path, path)), ([directory, other]) => {
      // A path of ours has no empty component.
      fc.pre(other.split('/').every((name) => name !== '') || other === '');
      const { after, before } = rangeBelow(directory);
      const key = keyOf(other);
      const within = Buffer.compare(key, after) > 0 && Buffer.compare(key, before) < 0;
      expect(within).toBe(isBelow(other, directory));
    }),
    { numRuns: 3000 },
  );
});
