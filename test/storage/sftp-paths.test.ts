import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { nameProblem } from '../../src/core/path.js';
import { RootedPaths } from '../../src/storage/sftp/paths.js';

test.each([
  ['/srv/app', '/srv/app', '/srv/app/a/b'],
  ['/srv/app//', '/srv/app', '/srv/app/a/b'],
  ['app', 'app', 'app/a/b'],
  ['/', '/', '/a/b'],
  ['', '.', 'a/b'],
  ['.', '.', 'a/b'],
])('under the root %j', (root, itself, below) => {
  const paths = new RootedPaths(root);
  expect(paths.of('')).toBe(itself);
  expect(paths.of('a/b')).toBe(below);
});

test('a path is refused exactly when one of its names is a problem, or it is no UTF-8', () => {
  const paths = new RootedPaths('/root');
  const name = fc.oneof(
    fc.constantFrom('', '.', '..', '...', '.a', 'a.', 'a\0', '\ufffd', '\ud800', '\n', ' '),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
      const path = names.join('/');
      const usable = path.split('/').every((one) => nameProblem(one) === null) && path.isWellFormed();
      let sent: string | null = null;
      try {
        sent = paths.below(path);
      } catch (error) {
        expect(error).toBeInstanceOf(TowlineError);
        expect(error).toMatchObject({ code: 'name' });
      }
      expect(sent).toBe(usable ? `/root/${path}` : null);
    }),
  );
});

test.each(['a\0b', 'bad\ufffd', 'lone\ud800'])('the root %j is refused', (root) => {
  expect(() => new RootedPaths(root)).toThrow(TowlineError);
});
