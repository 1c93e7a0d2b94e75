import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasCode } from '../../src/core/errors.js';
import { isTarget, parseTarget } from '../../src/ssh/target.js';

const here = { user: null, port: null };

describe('parseTarget', () => {
  test.each([
    ['box:/srv/app', { ...here, host: 'box', path: '/srv/app' }],
    ['dev@box:/srv/app', { ...here, user: 'dev', host: 'box', path: '/srv/app' }],
    ['dev@corp.example@box:app', { ...here, user: 'dev@corp.example', host: 'box', path: 'app' }],
    ['box:', { ...here, host: 'box', path: '.' }],
    ['box:.', { ...here, host: 'box', path: '.' }],
    ['box:./app//web/', { ...here, host: 'box', path: 'app/web' }],
    ['box:../other', { ...here, host: 'box', path: '../other' }],
    ['box:/', { ...here, host: 'box', path: '/' }],
    ['box:/srv/app/', { ...here, host: 'box', path: '/srv/app' }],
    ['box:~', { ...here, host: 'box', path: '.' }],
    ['box:~/app', { ...here, host: 'box', path: 'app' }],
    ['box:./~odd', { ...here, host: 'box', path: '~odd' }],
    ['box:a:b/c', { ...here, host: 'box', path: 'a:b/c' }],
    ['box:with space\nand line', { ...here, host: 'box', path: 'with space\nand line' }],
    ['[::1]:path', { ...here, host: '::1', path: 'path' }],
    ['user@[::1]:/path', { ...here, user: 'user', host: '::1', path: '/path' }],
    ['user@[fe80::1%eth0]:', { ...here, user: 'user', host: 'fe80::1%eth0', path: '.' }],
    ['sftp://box', { ...here, host: 'box', path: '.' }],
    ['sftp://dev@box:2222/srv/app/', { user: 'dev', host: 'box', port: 2222, path: '/srv/app' }],
    ['sftp://box/a%20b', { ...here, host: 'box', path: '/a b' }],
    ['SFTP://box/~/app', { ...here, host: 'box', path: 'app' }],
    ['sftp://dev@[::1]:22/x', { user: 'dev', host: '::1', port: 22, path: '/x' }],
  ])('%j', (text, target) => {
    expect(isTarget(text)).toBe(true);
    expect(parseTarget(text)).toEqual(target);
  });

  test.each([
    ['./app', 'is not a place on a server'],
    ['C:\\app', 'is not a place on a server'],
    [':/srv', 'no host'],
    ['@box:/srv', 'no user'],
    ['-oProxyCommand=x:/srv', 'host that cannot exist'],
    ['-l@box:/srv', 'user that cannot exist'],
    ['my box:/srv', 'host that cannot exist'],
    ['::1:/srv', 'stands in brackets'],
    ['box::module', '[::1]:/srv/app'],
    ['[box]:/srv', 'no IPv6 address'],
    ['ftp://me:secret@box/x', 'begins with ftp:// cannot be used'],
    ['ssh://box/x', 'sftp://USER@HOST'],
    ['davs://box/x', 'https://USER@HOST/PATH for WebDAV'],
    ['box:~other/x', 'home of another user'],
    ['box:a\0b', 'NUL'],
    ['sftp://box:99999/x', "'99999' is not a port"],
    ['sftp:///x', 'no host'],
    ['sftp://box/%zz', 'percent sign'],
  ])('refuses %j', (text, reason) => {
    const error = catchError(() => parseTarget(text));
    expect(hasCode(error, 'configuration')).toBe(true);
    expect(String(error)).toContain(reason);
  });

  test('never repeats a password', () => {
    for (const text of [
      'sftp://dev:hunter2@box/x',
      'sftp://dev:hunter2@b ox:1:2/x',
      'sftp://dev:hun/ter2@box/x',
    ]) {
      const error = catchError(() => parseTarget(text));
      expect(hasCode(error, 'configuration')).toBe(true);
      expect(String(error)).not.toMatch(/hunter2|ter2/);
    }
  });

  test('throws nothing but configuration errors, and what it gives can be written and read again', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({
        unit: fc.constantFrom('a', 'b', ':', '/', '@', '[', ']', '~', '.', '-', '%', '\\'),
        maxLength: 20,
      }),
      fc.string({ maxLength: 20 }).map((rest) => `sftp://${rest}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        let target;
        try {
          target = parseTarget(given);
        } catch (error) {
          return hasCode(error, 'configuration');
        }
        const user = target.user === null ? '' : `${target.user}@`;
        const host = target.host.includes(':') ? `[${target.host}]` : target.host;
        // A user with a colon or slash can only be written in a URL.
        if (/[:/]/.test(user)) return true;
        const path = target.path.startsWith('~') ? `./${target.path}` : target.path;
        expect({ ...parseTarget(`${user}${host}:${path}`), port: target.port }).toEqual(target);
        return true;
      }),
      { numRuns: 2000 },
    );
  });
});

describe('isTarget', () => {
  test.each(['./a:b', '/a:b', 'a/b:c', 'C:\\x', 'c:\\', 'plain', '', '.'])('%j is local', (text) => {
    expect(isTarget(text)).toBe(false);
  });
});

function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}
