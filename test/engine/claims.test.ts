import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBelow } from '../../src/core/path.js';
import { Claims, type Holder } from '../../src/engine/claims.js';

/** The same as a list of who holds what, searched from end to end. */
class NaiveClaims {
  readonly held: { path: string; holder: Holder }[] = [];

  free(path: string, holder?: Holder): boolean {
    return !this.held.some((one) => {
      const meets = one.path === path || isBelow(one.path, path) || isBelow(path, one.path);
      return meets && one.holder !== holder;
    });
  }

  claim(path: string, holder: Holder): boolean {
    const free = this.free(path, holder);
    if (free) this.held.push({ path, holder });
    return free;
  }

  release(path: string, holder: Holder): void {
    const index = this.held.findIndex((one) => one.path === path && one.holder === holder);
    if (index !== -1) this.held.splice(index, 1);
  }
}

const paths = ['a', 'a-b', 'a/b', 'a/b/c', 'a/b/d', 'a/bc', 'b', 'b/c/d/e'];
const holders: Holder[] = [{}, {}, {}];
const command = fc.record({
  act: fc.constantFrom('claim', 'claim', 'release'),
  path: fc.constantFrom(...paths),
  holder: fc.constantFrom(...holders),
});

test('one operation at a time for a path, above it and below it; whoever holds it may do more', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const claims = new Claims();
      const model = new NaiveClaims();
      for (const { act, path, holder } of commands) {
        if (act === 'claim') expect(claims.claim(path, holder)).toBe(model.claim(path, holder));
        else {
          claims.release(path, holder);
          model.release(path, holder);
        }
        for (const other of paths) {
          for (const asking of [undefined, ...holders]) {
            expect(claims.free(other, asking)).toBe(model.free(other, asking));
          }
        }
        expect(claims.size).toBe(new Set(model.held.map((one) => one.path)).size);
      }
      for (const one of model.held.splice(0)) claims.release(one.path, one.holder);
      expect(claims.size).toBe(0);
      for (const path of paths) expect(claims.free(path)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('a claim that is refused takes nothing', () => {
  const [first, second] = holders as [Holder, Holder];
  const claims = new Claims();
  expect(claims.claim('a/b', first)).toBe(true);
  expect(claims.claim('a', second)).toBe(false);
  claims.release('a', second);
  claims.release('a/b', first);
  expect(claims.free('a')).toBe(true);
  expect(claims.free('a/b/c')).toBe(true);
});
