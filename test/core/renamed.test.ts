import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RenamedPaths } from '../../src/core/renamed.js';

test('what is renamed takes along what is in it, by one name after the other', () => {
  const renames = new RenamedPaths();
  renames.add('d', 'moved');
  renames.add('moved/x', 'a/x');
  renames.add('b', 'd');
  expect(renames.placeOf('moved/sub/f')).toBe('d/sub/f');
  expect(renames.placeOf('a/x/f')).toBe('d/x/f');
  expect(renames.placeOf('moved/x/f')).toBeNull();
  expect(renames.placeOf('d/f')).toBe('b/f');
  expect(renames.placeOf('b')).toBeNull();
  expect(renames.placeOf('elsewhere')).toBe('elsewhere');
  expect(renames.nameAt('d/x/f')).toBe('a/x/f');
  expect(renames.nameAt('b/f')).toBe('d/f');
  expect(renames.nameAt('dd')).toBe('dd');
});

test('names and places are each other’s, as in a tree that is renamed in truth', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
  fc.assert(
    fc.property(fc.array(fc.tuple(path, path), { maxLength: 6 }), path, (wishes, looked) => {
      const places = ['a', 'a/b', 'a/b/c', 'b', 'c', 'c/d', 'd'];
      let tree = new Map(places.map((place) => [place, place]));
      const renames = new RenamedPaths();
      const used = new Set<string>();
      for (const [from, to] of wishes) {
        const nested = `${from}/`.startsWith(`${to}/`) || `${to}/`.startsWith(`${from}/`);
        if (nested || !tree.has(from) || tree.has(to) || used.has(from) || used.has(to)) continue;
        if ([...tree.keys()].some((other) => other.startsWith(`${to}/`))) continue;
        used.add(from).add(to);
        renames.add(from, to);
        const renamed = (one: string) =>
          `${one}/`.startsWith(`${from}/`) ? to + one.slice(from.length) : one;
        tree = new Map([...tree].map(([one, place]) => [renamed(one), place]));
      }
      for (const [one, place] of tree) {
        expect(renames.placeOf(one)).toBe(place);
        expect(renames.nameAt(place)).toBe(one);
      }
      const found = renames.placeOf(looked);
      if (!tree.has(looked)) expect(found === null || !places.includes(found)).toBe(true);
    }),
  );
});
