import { readFileSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { OpenedWebdav, OpenWebdavOptions } from '../../src/storage/webdav/open.js';
import { codeOf, completeTemp, entryAt, scanAll, tempOf } from '../contract/side.js';
import { eventually } from '../support/eventually.js';
import { startFront, type Fault } from '../support/webdav-front.js';
import { startApache, type TestWebdavServer } from '../support/webdav-server.js';
import { freePort } from '../support/sshd.js';
import { open, servedFolder } from './webdav-side.js';

let server: TestWebdavServer;
beforeAll(async () => {
  server = await startApache();
});
afterAll(() => server.stop());

interface Faulty extends OpenedWebdav {
  /** Where its root lies on this machine. */
  readonly folder: string;
  /** The address of its root. */
  readonly url: string;
  /** From now on. */
  fault: (method: string, path: string, message: IncomingMessage) => Fault | null;
}

/** A storage behind a server that does what `fault` says; it is ready, and has tried the server out. */
async function faulty(options: Partial<OpenWebdavOptions> = {}): Promise<Faulty> {
  const { folder, path } = servedFolder(server);
  const front = await startFront(server, { fault: (...asked) => side.fault(...asked) });
  const opened = open(front.url + path, options);
  const side: Faulty = { ...opened, folder, url: front.url + path, fault: () => null };
  onTestFinished(async () => {
    await opened.link.close();
    await front.stop();
  });
  await opened.link.ready();
  await opened.storage.ensureRoot({ parents: false });
  return side;
}

describe('what an answer means', () => {
  test.each([
    [401, 'network'],
    [403, 'permission'],
    [413, 'unsupported'],
    [423, 'permission'],
    [429, 'network'],
    [500, 'protocol'],
    [502, 'network'],
    [503, 'network'],
    [504, 'network'],
    [507, 'no-space'],
  ] as const)('an upload that is answered by %i is `%s`', async (status, code) => {
    const side = await faulty();
    const temp = await side.storage.createTemp('file', tempOf(1));
    await temp.write(Buffer.from('x'), 0);
    side.fault = (method) => (method === 'PUT' ? { status } : null);
    expect(await codeOf(temp.complete({ size: 1, sync: false }))).toBe(code);
    // What concerns the server as a whole makes the link look at it again.
    expect(side.link.state.name).toBe(code === 'network' ? 'waiting' : 'ready');
  });

  test('a temp without its parent is `not-found`, whatever the server says', async () => {
    const side = await faulty();
    for (const status of [400, 403, 404, 409, 500]) {
      side.fault = (method) => (method === 'PUT' ? { status } : null);
      expect([status, await codeOf(side.storage.createTemp('none/file', tempOf(1)))]).toEqual([
        status,
        'not-found',
      ]);
    }
    side.fault = () => null;
    const { temp } = await completeTemp(side.storage, 'file', 'x');
    side.fault = (method) => (method === 'MOVE' ? { status: 412 } : null);
    expect(await codeOf(temp.publish(null))).toBe('exists');
    side.fault = (method) => (method === 'MOVE' ? { status: 423 } : null);
    expect(await codeOf(temp.publish(null))).toBe('permission');
    side.fault = () => null;
    await temp.publish(null);
  });

  test('a source that is gone is `vanished`, one that changes while it is read `changed`', async () => {
    const side = await faulty();
    writeFileSync(join(side.folder, 'file'), 'content');
    const source = await side.storage.openSource('file');
    side.fault = (method) => (method === 'GET' ? { status: 404 } : null);
    expect(await codeOf(source.read(0, 5))).toBe('vanished');
    side.fault = () => null;
    expect((await source.read(0, 3)).toString()).toBe('con');
    side.fault = (method) =>
      method === 'GET' ? { status: 200, headers: { etag: '"other"' }, body: 'other!!' } : null;
    expect(await codeOf(source.read(3, 3))).toBe('changed');
  });

  test('a server without ranges is read all the same', async () => {
    const side = await faulty();
    writeFileSync(join(side.folder, 'file'), '0123456789');
    side.fault = (method) => (method === 'GET' ? { status: 200, body: '0123456789' } : null);
    const source = await side.storage.openSource('file');
    expect((await source.read(4, 3)).toString()).toBe('456');
    expect((await source.read(8, 30)).toString()).toBe('89');
  });

  test('a directory that cannot be listed is a failure behind its entry, and is no empty one', async () => {
    const side = await faulty();
    for (const path of ['a/b/c', 'z/y']) {
      mkdirSync(join(side.folder, path, '..'), { recursive: true });
      writeFileSync(join(side.folder, path), 'x');
    }
    side.fault = (method, path, { headers }) =>
      method === 'PROPFIND' && path.endsWith('/a/b/') && headers.depth === '1' ? { status: 403 } : null;
    const items = await scanAll(side.storage);
    expect(items.map(({ type, path }) => `${type} ${path}`)).toEqual([
      'entry a',
      'entry a/b',
      'failure a/b',
      'entry z',
      'entry z/y',
    ]);
    expect(items[2]).toMatchObject({ error: { code: 'permission' } });
  });
});

describe('listings that lie', () => {
  const listing = (...hrefs: string[]): Fault => ({
    status: 207,
    body: `<d:multistatus xmlns:d="DAV:">${hrefs
      .map(
        (href) =>
          `<d:response><d:href>${href}</d:href><d:propstat><d:prop><d:resourcetype>${href.endsWith('/') ? '<d:collection/>' : ''}</d:resourcetype><d:getcontentlength>1</d:getcontentlength></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`,
      )
      .join('')}</d:multistatus>`,
  });

  test('what is not in the directory, or a listing without the directory itself, fails as a whole', async () => {
    const side = await faulty();
    writeFileSync(join(side.folder, 'file'), 'x');
    const self = `/${side.folder.split('/').at(-1)!}/`;
    for (const hrefs of [
      [self, `${self}file`, '/etc/passwd'],
      [self, `${self}../other`],
      [self, `${self}deep/er`],
      [`${self}file`],
      [],
    ]) {
      side.fault = () => listing(...hrefs);
      expect([hrefs, await codeOf(scanAll(side.storage))]).toEqual([hrefs, 'protocol']);
    }
  });

  test('names that lead elsewhere are skipped and never entered', async () => {
    const side = await faulty();
    const self = `/${side.folder.split('/').at(-1)!}/`;
    const asked: string[] = [];
    side.fault = (_method, path) => {
      asked.push(path);
      return listing(self, `${self}%2e%2e/`, `${self}a%2Fb/`, `${self}%00`, `${self}%ff`, `${self}good`);
    };
    const items = await scanAll(side.storage);
    expect(items.filter(({ type }) => type === 'entry').map(({ path }) => path)).toEqual(['good']);
    const skipped = items.filter(({ type }) => type === 'skipped');
    expect(skipped).toHaveLength(4);
    expect(skipped.every((item) => item.type === 'skipped' && item.error.code === 'name')).toBe(true);
    expect(asked).toEqual([self]);
  });

  test('a directory of 3,000 names with signs that XML writes as entities', async () => {
    const side = await faulty();
    for (let i = 0; i < 3000; i++) writeFileSync(join(side.folder, `<${String(i)}> & "x"`), '');
    expect(await scanAll(side.storage)).toHaveLength(3000);
  });
});

describe('a link that fails', () => {
  test('a reset is `network`, the link says so at once, and comes back', async () => {
    const side = await faulty();
    side.fault = (method) => (method === 'MKCOL' ? 'reset' : null);
    expect(await codeOf(side.storage.makeDirectory('a', 0o755))).toBe('network');
    expect(side.link.state.name).toBe('waiting');
    expect(await codeOf(side.storage.observe(['a']))).toBe('network');
    side.fault = () => null;
    await side.link.ready();
    expect(side.link.state).toMatchObject({ name: 'ready', epoch: 2 });
    await side.storage.makeDirectory('a', 0o755);
  });

  test('a password that is no longer right halts the link', async () => {
    const side = await faulty();
    side.fault = () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
    expect(await codeOf(side.storage.observe(['a']))).toBe('network');
    expect(await codeOf(side.link.ready())).toBe('authentication');
  });

  test('an answer that is lost is `network`, though it was done', async () => {
    const side = await faulty();
    const { temp } = await completeTemp(side.storage, 'file', 'x');
    side.fault = (method) => (method === 'MOVE' ? 'lost-answer' : null);
    expect(await codeOf(temp.publish(null))).toBe('network');
    expect(readFileSync(join(side.folder, 'file'), 'utf8')).toBe('x');
    side.fault = () => null;
    await side.link.ready();
    expect(await temp.discard()).toBe(true);
    expect((await entryAt(side.storage, 'file')).size).toBe(1);
  });

  test('silence is `network`, and no more than a window was taken in meanwhile', async () => {
    const side = await faulty({ silenceMs: 500 });
    const temp = await side.storage.createTemp('file', tempOf(1), { size: 2 ** 30 });
    side.fault = (method) => (method === 'PUT' ? 'silence' : null);
    const piece = Buffer.alloc(2 ** 20);
    let taken = 0;
    const work = async () => {
      for (let offset = 0; offset < 2 ** 30; offset += piece.length) {
        await temp.write(piece, offset);
        taken += piece.length;
      }
    };
    expect(await codeOf(work())).toBe('network');
    // Ours, and what the kernel holds of a connection on loopback.
    expect(taken).toBeLessThan(64 * 2 ** 20);
    expect(await temp.discard()).toBe(false);
  });

  test('a stream is announced by its length where that is known, and comes whole', async () => {
    const side = await faulty();
    const lengths: (string | undefined)[] = [];
    side.fault = (method, _path, { headers }) => {
      if (method === 'PUT') lengths.push(headers['content-length'] ?? headers['transfer-encoding']);
      return null;
    };
    const data = Buffer.alloc(9 * 2 ** 20, 'abcdefg');
    for (const hint of [undefined, { size: data.length }]) {
      const temp = await side.storage.createTemp('file', tempOf(1), hint);
      for (let offset = 0; offset < data.length; offset += 700_000) {
        await temp.write(data.subarray(offset, offset + 700_000), offset);
      }
      await temp.complete({ size: data.length, sync: false });
      await temp.publish(hint === undefined ? null : await entryAt(side.storage, 'file'));
      expect(readFileSync(join(side.folder, 'file')).equals(data)).toBe(true);
    }
    expect(lengths).toEqual(['0', 'chunked', '0', String(data.length)]);
  });

  test('more or less than was announced is never sent as if it was that', async () => {
    const side = await faulty();
    for (const [index, size] of [2 * 2 ** 20, 4 * 2 ** 20].entries()) {
      const temp = await side.storage.createTemp('file', tempOf(index), { size });
      const write = async () => {
        for (let offset = 0; offset < 3; offset++) await temp.write(Buffer.alloc(2 ** 20), offset * 2 ** 20);
        await temp.complete({ size: 3 * 2 ** 20, sync: false });
      };
      expect(await codeOf(write())).toBe('protocol');
      await temp.discard();
    }
    expect(side.link.state.name).toBe('ready');
  });

  test('an upload that is given up in the middle is not called gone until it is', async () => {
    const side = await faulty();
    const temp = await side.storage.createTemp('file', tempOf(1), { size: 50 * 2 ** 20 });
    for (let offset = 0; offset < 10; offset++) await temp.write(Buffer.alloc(2 ** 20), offset * 2 ** 20);
    expect(await temp.discard()).toBe(false);
    // The server may put down what it has of it after all; a later look finds that.
    await eventually(async () => {
      expect(await side.storage.removeTemps([tempOf(1)])).toEqual([tempOf(1)]);
      expect(await scanAll(side.storage)).toEqual([]);
    });
  });

  test('nobody there: one-shot commands hear `network` once the attempts are used up', async () => {
    const { link, storage } = open(`http://127.0.0.1:${String(await freePort())}/x`, { giveUpAfter: 1 });
    expect(await codeOf(link.ready())).toBe('network');
    expect(await codeOf(storage.observe(['a']))).toBe('network');
    expect(link.state.name).toBe('closed');
    await link.close();
  });

  test('an abort ends waiting and work', async () => {
    const side = await faulty();
    side.fault = () => 'silence';
    const controller = new AbortController();
    const work = codeOf(side.storage.observe(['a'], controller.signal));
    controller.abort();
    expect(await work).toBe('interrupted');
    expect(side.link.state.name).toBe('ready');
    expect(await codeOf(side.link.ready(controller.signal))).toBe('interrupted');
  });
});

describe('who is at the other end', () => {
  test('what speaks no WebDAV is `configuration`', async () => {
    const plain = createServer((_request, response) => response.end('<html>hello</html>'));
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    onTestFinished(() => void plain.close());
    const { port } = plain.address() as { port: number };
    const { link } = open(`http://127.0.0.1:${String(port)}/`);
    expect(await codeOf(link.ready())).toBe('configuration');
    await link.close();
  });

  test('a redirect to another server is not followed', async () => {
    const asked: string[] = [];
    const other = createServer((request, response) => {
      asked.push(request.method ?? '');
      response.end();
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    const side = await faulty();
    side.fault = () => ({ status: 307, headers: { location: `http://127.0.0.1:${String(port)}/x` } });
    expect(await codeOf(side.storage.observe(['a']).then(([one]) => Promise.reject(one as Error)))).toBe(
      'protocol',
    );
    expect(asked).toEqual([]);
  });

  test('a host that is written in another way is no other server', async () => {
    const { path } = servedFolder(server);
    const { link, storage } = open(`http://127.1:${String(server.port)}${path}`);
    onTestFinished(() => link.close());
    await link.ready();
    expect(await storage.observe([''])).toMatchObject([{ kind: 'directory' }]);
  });

  test.each(['basic', 'digest'] as const)(
    '%s authentication: the right password, a wrong one, none',
    async (scheme) => {
      const login = { scheme, user: 'dev', password: 'pä:ss"word' };
      const guarded = await startApache({ login });
      onTestFinished(() => guarded.stop());
      const { path } = servedFolder(guarded);
      const target = guarded.url.replace('//', '//dev@') + path;
      const right = open(target, { password: () => Promise.resolve('plain') });
      expect(await codeOf(right.link.ready())).toBe('authentication');
      await right.link.close();
      for (const [address, password, code] of [
        [target, login.password, 'none'],
        [target, 'wrong', 'authentication'],
        [target, null, 'authentication'],
        [guarded.url + path, login.password, 'authentication'],
      ] as const) {
        const { link, storage } = open(address, { password: () => Promise.resolve(password) });
        expect([address, password, await codeOf(link.ready())]).toEqual([address, password, code]);
        if (code === 'none') {
          await storage.ensureRoot({ parents: false });
          const { temp } = await completeTemp(storage, 'ünï "x', Buffer.alloc(3 * 2 ** 20));
          await temp.publish(null);
          expect((await entryAt(storage, 'ünï "x')).size).toBe(3 * 2 ** 20);
        } else expect(link.state.name).toBe('halted');
        await link.close();
      }
    },
  );

  test('a password that does not come is not waited for at the end', { timeout: 20_000 }, async () => {
    const side = await faulty();
    side.fault = () => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
    const asked = Promise.withResolvers<undefined>();
    const password = () => {
      asked.resolve(undefined);
      return new Promise<string>(() => undefined);
    };
    const { link } = open(side.url.replace('//', '//dev@'), { password });
    await asked.promise;
    await link.close();
    expect(link.state.name).toBe('closed');
  });

  test('a certificate that nobody vouches for is refused as an unknown host is; a trusted one is not', async () => {
    const secure = await startApache({ tls: true });
    onTestFinished(() => secure.stop());
    const strange = open(secure.url);
    await expect(strange.link.ready()).rejects.toMatchObject({
      code: 'host-key',
      message: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
    });
    expect(strange.link.state.name).toBe('halted');
    await strange.link.close();
    const ca = readFileSync(secure.certificateFile, 'utf8');
    const trusted = open(secure.url, { ca });
    await trusted.link.ready();
    expect(existsSync(secure.folder)).toBe(true);
    expect(await trusted.storage.observe([''])).toMatchObject([{ kind: 'directory' }]);
    await trusted.link.close();
    // The right certificate for another name.
    const other = open(secure.url.replace('localhost', '127.0.0.1'), { ca });
    expect(await codeOf(other.link.ready())).toBe('host-key');
    await other.link.close();
  });
});
