import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nameProblem } from '../../src/core/path.js';
import { placeOf } from '../../src/storage/webdav/hrefs.js';
import { readMultistatus } from '../../src/storage/webdav/multistatus.js';

const seed = Number(process.env.TOWLINE_SEED ?? Date.now() % 2 ** 31);
const directory = ['dav', 'my files'];

describe(`the addresses in a listing are data (seed ${String(seed)})`, () => {
  test.each([
    ['/dav/my%20files/', { type: 'self' }],
    ['/dav/my files', { type: 'self' }],
    ['https://other.example:99/dav/my%20files/a', { type: 'child', name: 'a' }],
    ['/dav/my%20files/a/', { type: 'child', name: 'a' }],
    ['/dav/my%20files/100%2525', { type: 'child', name: '100%25' }],
    ['/dav/my%20files/100%', { type: 'child', name: '100%' }],
    ['/dav/my%20files/%c3%bc%C3%BC', { type: 'child', name: 'üü' }],
    ['/dav/my%20files/%fc', { type: 'child', name: '\ufffd' }],
    ['/dav/my%20files/a%2Fb', { type: 'child', name: 'a/b' }],
    ['/dav/my%20files/%2e%2e', { type: 'child', name: '..' }],
    ['/dav/my%20files/a/b', { type: 'foreign' }],
    ['/dav/my%20files/../x/b', { type: 'foreign' }],
    ['/dav/', { type: 'foreign' }],
    ['/dav/my%2520files/a', { type: 'foreign' }],
    ['/dav/my%20files2/a', { type: 'foreign' }],
    ['dav/my%20files/a', { type: 'foreign' }],
    ['//evil/dav/my%20files/a', { type: 'foreign' }],
    ['', { type: 'foreign' }],
  ])('%s', (href, place) => {
    expect(placeOf(href, directory)).toEqual(place);
  });

  test('the root of a server', () => {
    expect(placeOf('/', [])).toEqual({ type: 'self' });
    expect(placeOf('http://box', [])).toEqual({ type: 'self' });
    expect(placeOf('/a', [])).toEqual({ type: 'child', name: 'a' });
  });

  test('whatever the name, written as an address it comes back as it was', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => text.isWellFormed() && nameProblem(text) === null);
    fc.assert(
      fc.property(name, fc.boolean(), (text, slash) => {
        const href = `/dav/my%20files/${encodeURIComponent(text)}${slash ? '/' : ''}`;
        expect(placeOf(href, directory)).toEqual({ type: 'child', name: text });
      }),
      { seed },
    );
  });

  test('whatever a server writes, it is one name in this directory, which is checked as any other, or foreign', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '',
      '%2e%2e',
      '%2F',
      '%00',
      'a',
      'dav',
      'my%20files',
      '%',
      '%c3',
      '\\',
      'http:',
    );
    const href = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('/'));
    fc.assert(
      fc.property(href, fc.boolean(), (text, below) => {
        const place = placeOf(below ? `/dav/my%20files/${text}` : text, directory);
        if (place.type !== 'child' || nameProblem(place.name) !== null) return;
        expect(place.name.split('/')).toHaveLength(1);
        expect(['', '.', '..']).not.toContain(place.name);
      }),
      { seed },
    );
  });
});

describe(`multistatus documents (seed ${String(seed)})`, () => {
  const response = (inner: string) =>
    `<d:multistatus xmlns:d="DAV:"><d:response><d:href>/x</d:href>${inner}</d:response></d:multistatus>`;

  test('properties are read whatever the prefix; numbers stay text where they are text', async () => {
    const xml = `<?xml version="1.0"?><multistatus xmlns="DAV:"><response><href>/0123</href><propstat><prop>
      <resourcetype/><getcontentlength>0042</getcontentlength><getetag>W/&quot;007&quot;</getetag>
      <getlastmodified>Sun, 09 Sep 2001 01:46:40 GMT</getlastmodified></prop><status>HTTP/1.1 200 OK</status>
      </propstat></response></multistatus>`;
    expect(await readMultistatus(xml, 'box')).toEqual([
      {
        href: '/0123',
        status: 200,
        collection: false,
        size: 42,
        mtimeMs: 1_000_000_000_000,
        etag: '007',
        freeBytes: null,
        kindless: false,
      },
    ]);
  });

  test('what a server does not know ahead of what it knows is noticed', async () => {
    const unknown =
      '<d:propstat><d:prop><d:getetag/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>';
    const known =
      '<d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>';
    expect(await readMultistatus(response(unknown + known), 'box')).toMatchObject([{ kindless: true }]);
    expect(await readMultistatus(response(known + unknown), 'box')).toMatchObject([
      { kindless: false, collection: true },
    ]);
  });

  test('any number of entities is read', async () => {
    const count = 20_000;
    const one = '<d:response><d:href>/x/a&amp;b&quot;</d:href></d:response>';
    const xml = `<d:multistatus xmlns:d="DAV:">${one.repeat(count)}</d:multistatus>`;
    const read = await readMultistatus(xml, 'box');
    expect(read).toHaveLength(count);
    expect(read.at(-1)?.href).toBe('/x/a&b"');
  });

  test.each([
    '',
    'hello',
    '<html><body>hello</body></html>',
    '<d:multistatus xmlns:d="DAV:"><d:response/></d:multistatus>',
  ])('%j is `protocol`', async (text) => {
    await expect(readMultistatus(text, 'box')).rejects.toMatchObject({ code: 'protocol' });
  });

  test('cut anywhere, a document is read or refused, and never throws anything else', async () => {
    const whole = response(
      '<d:propstat><d:prop><d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>',
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.string({ maxLength: 5 }), async (at, text) => {
        const read = await readMultistatus(whole.slice(0, at) + text, 'box').catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'protocol' });
          return null;
        });
        if (read !== null) for (const { href } of read) expect(typeof href).toBe('string');
      }),
      { seed },
    );
  });
});
