import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { watchFailure } from '../../src/watch/failure.js';

const failed = (code: string) => Object.assign(new Error(`${code}: failed`), { code, syscall: 'watch' });

test.each([
  ['ENOSPC', 'unsupported', 'fs.inotify.max_user_watches'],
  ['EMFILE', 'unsupported', 'fs.inotify.max_user_instances'],
  ['ENFILE', 'unsupported', 'ulimit -n'],
  ['ENOENT', 'not-found', '/the/root'],
  ['ENOTDIR', 'not-found', '/the/root'],
  ['EACCES', 'permission', '/the/root'],
  ['EIO', 'internal', 'EIO'],
])('%s is %s and says what to do', (code, expected, text) => {
  const cause = failed(code);
  const error = watchFailure(cause, '/the/root');
  expect(error).toMatchObject({ code: expected, path: '/the/root', cause });
  expect(error.message).toContain(text);
});

test('what is typed already stays what it is', () => {
  const error = new TowlineError('interrupted', 'stopped');
  expect(watchFailure(error, '/the/root')).toBe(error);
  expect(watchFailure('odd', '/the/root').code).toBe('internal');
});
