import { expect, test } from 'vitest';
import { statusError } from '../../src/ssh/status.js';

test.each([
  [2, 'not-found'],
  [3, 'permission'],
  [4, 'protocol'],
  [5, 'protocol'],
  [6, 'network'],
  [7, 'network'],
  [8, 'unsupported'],
  [31, 'protocol'],
])('status %i is %s', (status, code) => {
  const error = statusError(status, 'Words of theirs', 'open', '/srv/a', 'dev@box');
  expect(error).toMatchObject({ code, path: '/srv/a', host: 'dev@box', serverText: 'Words of theirs' });
  expect(error.message).toBe('cannot open /srv/a on dev@box: the server said "Words of theirs"');
});
