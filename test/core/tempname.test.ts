import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  asideOf,
  isOwnName,
  probeName,
  tempAgentOf,
  tempName,
  tempOfAside,
} from '../../src/core/tempname.js';

const word = fc.string({
  unit: fc.constantFrom('a', 'b', 'y', 'z', '0', '1', '9'),
  minLength: 1,
  maxLength: 24,
});

test('a temp is known again by its name, its agent included', () => {
  fc.assert(
    fc.property(word, word, word, (agent, random, folder) => {
      const name = tempName(agent, random);
      expect(tempAgentOf(name)).toBe(agent);
      expect(isOwnName(name)).toBe(true);
      expect(isOwnName(`${folder}/${name}`)).toBe(true);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    }),
  );
});

test('only what we make is a temp, whatever names there are', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((tail) => `.towline-${tail}`),
      ),
      (name) => {
        const agent = tempAgentOf(name);
        if (agent === null) return;
        expect(name.startsWith(`.towline-${agent}-`) && name.endsWith('.tmp')).toBe(true);
        expect(agent).toMatch(/^[0-9a-z]+$/);
      },
    ),
  );
});

test.each<[string, boolean, string | null]>([
  ['.towline-abc-123.tmp', true, 'abc'],
  ['.towline-abc-123.tmp.txt', true, null],
  ['.towline-abc-123.tmp\n', true, null],
  ['x.towline-abc-123.tmp', false, null],
  ['.towline-abc.tmp', true, null],
  ['.towline--123.tmp', true, null],
  ['.towline-ABC-123.tmp', true, null],
  ['.towline-a/b-123.tmp', false, null],
  ['.towlineignore', true, null],
  ['.towline-0123456789abcdef.lock', true, null],
  ['a/.towline-abc-123.tmp', true, null],
  ['.towline-abc-123.tmp/a', false, null],
  ['.towlin', false, null],
  ['towline.json', false, null],
  ['', false, null],
])('%j', (name, own, agent) => {
  expect(isOwnName(name)).toBe(own);
  expect(tempAgentOf(name)).toBe(agent);
});

test('an aside is known again by its name, and leads to its temp', () => {
  fc.assert(
    fc.property(word, word, (agent, random) => {
      const temp = tempName(agent, random);
      const aside = asideOf(temp);
      expect(aside).not.toBe(temp);
      expect(isOwnName(aside)).toBe(true);
      expect(tempOfAside(aside)).toBe(temp);
      expect([tempAgentOf(aside), tempOfAside(temp)]).toEqual([null, null]);
    }),
  );
  expect(asideOf(`a.tmp/${tempName('x', 'y')}`)).toBe('a.tmp/.towline-x-y.old');
});

test('a probe is a temp, in whatever form a server gives its name', () => {
  const name = probeName('x', 'y');
  expect(name.normalize('NFD')).not.toBe(name);
  expect([tempAgentOf(name), tempAgentOf(name.normalize('NFD'))]).toEqual(['x', 'x']);
});
