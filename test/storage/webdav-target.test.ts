import { describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { isWebdavTarget, parseWebdavTarget } from '../../src/storage/webdav/target.js';

describe('addresses of WebDAV servers', () => {
  test.each([
    ['http://box', { scheme: 'http', user: null, host: 'box', port: 80, path: '/' }],
    [
      'HTTPS://dev@Box.example/a/b/',
      { scheme: 'https', user: 'dev', host: 'box.example', port: 443, path: '/a/b' },
    ],
    [
      'http://127.0.0.1:8080/x%20y//./z',
      { scheme: 'http', user: null, host: '127.0.0.1', port: 8080, path: '/x y/z' },
    ],
    ['https://[::1]:8443/%25', { scheme: 'https', user: null, host: '::1', port: 8443, path: '/%' }],
    ['http://127.1/', { scheme: 'http', user: null, host: '127.0.0.1', port: 80, path: '/' }],
    ['http://[0:0::0:1]/', { scheme: 'http', user: null, host: '::1', port: 80, path: '/' }],
    [
      'https://Bücher.example/',
      { scheme: 'https', user: null, host: 'xn--bcher-kva.example', port: 443, path: '/' },
    ],
    ['https://a%40b.c@box/ü', { scheme: 'https', user: 'a@b.c', host: 'box', port: 443, path: '/ü' }],
  ])('%s', (text, target) => {
    expect(isWebdavTarget(text)).toBe(true);
    expect(parseWebdavTarget(text)).toEqual(target);
  });

  test.each([
    'http://',
    'http:///x',
    'https://@box/x',
    'https://dev:secret@box/x',
    'https://dev:secret@box:x/',
    'https://a@secret@/x',
    'http://box:0/',
    'http://box:99999/',
    'http://box/a/../b',
    'http://box/a%2Fb',
    'http://box/%00',
    'http://box/%zz',
    'http://box/?secret=1',
    'http://box/x#secret',
    'http://b ox/',
    'http://-box/',
    'http://[box]/',
    'http://[1::2::3]/',
    'http://1.2.3.999/',
    'http://a%3Ab@box/',
  ])('%s is refused, and nothing that may be a secret is repeated', (text) => {
    const failed = () => parseWebdavTarget(text);
    expect(failed).toThrow(TowlineError);
    expect(failed).toThrow(expect.objectContaining({ code: 'configuration' }));
    expect(failed).not.toThrow(/secret/);
  });

  test('the way out of a password in the address is named', () => {
    expect(() => parseWebdavTarget('https://dev:x@box/')).toThrow(/--password-file.*TOWLINE_PASSWORD/);
  });

  test.each(['box:/srv', '/srv', './http', 'sftp://box/x', 'httpx://box'])('%s is none', (text) => {
    expect(isWebdavTarget(text)).toBe(false);
  });
});
