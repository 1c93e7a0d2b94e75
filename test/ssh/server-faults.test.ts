import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileEntryWithStats, SFTPWrapper } from 'ssh2';
import { describe, expect, test } from 'vitest';
import type { Faults } from '../../src/ssh/server/faults.js';
import type { SftpServerOptions } from '../../src/ssh/server/server.js';
import { call, connect, CREAT, list, put, READ, start, statusOf, WRITE } from './server-client.js';

describe('faults', () => {
  async function faulty(faults: Faults, options: Partial<SftpServerOptions> = {}) {
    const server = await start({ faults, ...options });
    return { server, ...(await connect(server)) };
  }

  test('refuse: a status for the requests chosen, and only for these', async () => {
    const { sftp, server } = await faulty({
      refuse: ({ kind, path, numberOfKind }) =>
        kind === 'MKDIR' && path === '/b' && numberOfKind === 2 ? 3 : undefined,
    });
    await call((done) => sftp.mkdir('/a', done));
    expect(await statusOf(call((done) => sftp.mkdir('/b', done)))).toBe(3);
    await call((done) => sftp.mkdir('/b', done));
    server.setFaults({ refuse: () => 4 });
    expect(await statusOf(call((done) => sftp.mkdir('/c', done)))).toBe(4);
  });

  test.each(['before', 'after'] as const)('dropConnection %s the request is done', async (when) => {
    const { sftp, closed, server } = await faulty({
      dropConnection: ({ kind }) => (kind === 'MKDIR' ? when : undefined),
    });
    sftp.mkdir('/a', () => undefined);
    await closed;
    expect(existsSync(join(server.root, 'a'))).toBe(when === 'after');
    server.setFaults({});
    expect(await list((await connect(server)).sftp, '/')).toEqual(when === 'after' ? ['a'] : []);
  });

  test('closeChannel leaves the connection', async () => {
    const { sftp, client } = await faulty({ closeChannel: ({ path }) => path === '/a' });
    const ended = new Promise((resolve) => sftp.on('close', resolve));
    sftp.mkdir('/a', () => undefined);
    await ended;
    const again = await call<SFTPWrapper>((done) => client.sftp(done));
    expect(await list(again, '/')).toEqual([]);
  });

  test('loseReply: done, but never answered', async () => {
    const { sftp, server } = await faulty({ loseReply: ({ path }) => path === '/a' });
    let answered = false;
    sftp.mkdir('/a', () => (answered = true));
    // Requests are served in order: an answer to the first would have come ahead of this one.
    await call((done) => sftp.mkdir('/b', done));
    expect(answered).toBe(false);
    expect(readdirSync(server.root).sort()).toEqual(['a', 'b']);
  });

  test('delay holds a session up until its gate opens, and no other session', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { sftp, server } = await faulty({
      delay: ({ path }) => (path === '/a' ? gate.promise : undefined),
    });
    const order: string[] = [];
    const a = call((done) => sftp.mkdir('/a', done)).then(() => order.push('a'));
    const b = call((done) => sftp.mkdir('/b', done)).then(() => order.push('b'));
    const other = await connect(server);
    await call((done) => other.sftp.mkdir('/c', done));
    order.push('c');
    expect(readdirSync(server.root)).toEqual(['c']);
    gate.resolve(undefined);
    await Promise.all([a, b]);
    expect(order).toEqual(['c', 'a', 'b']);
  });

  test('a held session does what it had received when its client is long gone', async () => {
    const gate = Promise.withResolvers<undefined>();
    const arrived = Promise.withResolvers<undefined>();
    const { sftp, client, closed, server } = await faulty({
      delay: ({ path }) => {
        if (path !== '/a') return undefined;
        arrived.resolve(undefined);
        return gate.promise;
      },
    });
    sftp.mkdir('/a', () => undefined);
    await arrived.promise;
    client.destroy();
    await closed;
    gate.resolve(undefined);
    const { sftp: later } = await connect(server);
    await call((done) => later.mkdir('/b', done));
    await server.stop();
    expect(readdirSync(server.root).sort()).toEqual(['a', 'b']);
  });

  test('stop does not wait for a gate that never opens', async () => {
    const never = new Promise(() => undefined);
    const { sftp, server } = await faulty({ delay: ({ kind }) => (kind === 'MKDIR' ? never : undefined) });
    sftp.mkdir('/a', () => undefined);
    await server.stop();
    expect(readdirSync(server.root)).toEqual([]);
  });

  test('outOfOrder answers neighbouring writes last first, and keeps their content', async () => {
    const gate = Promise.withResolvers<undefined>();
    const { sftp, client, server } = await faulty({
      outOfOrder: true,
      delay: ({ path }) => (path === '/gate' ? gate.promise : undefined),
    });
    const handle = await call<Buffer>((done) => sftp.open('/file', WRITE | CREAT, {}, done));
    const order: number[] = [];
    const held = call((done) => sftp.mkdir('/gate', done));
    const writes = ['aa', 'bb', 'cc', 'dd'].map((text, i) =>
      call((done) => sftp.write(handle, Buffer.from(text), 0, 2, 2 * i, done)).then(() => order.push(i)),
    );
    const close = call((done) => sftp.close(handle, done));
    // Both channels share one stream: once this one answers, all of the above has arrived.
    const other = await call<SFTPWrapper>((done) => client.sftp(done));
    await list(other, '/');
    gate.resolve(undefined);
    await Promise.all([held, ...writes, close]);
    expect(order).toEqual([3, 2, 1, 0]);
    expect(readFileSync(join(server.root, 'file'), 'utf8')).toBe('aabbccdd');
  });

  test('noSetstat, sequentialWritesOnly, refuseReadWriteOpens', async () => {
    const { sftp } = await faulty({
      noSetstat: true,
      sequentialWritesOnly: true,
      refuseReadWriteOpens: true,
    });
    expect(await statusOf(call((done) => sftp.open('/file', READ | WRITE | CREAT, {}, done)))).toBe(4);
    const handle = await call<Buffer>((done) => sftp.open('/file', WRITE | CREAT, {}, done));
    expect(await statusOf(call((done) => sftp.fsetstat(handle, { mode: 0o600 }, done)))).toBe(8);
    expect(await statusOf(call((done) => sftp.setstat('/file', { mode: 0o600 }, done)))).toBe(8);
    const block = Buffer.alloc(32 * 1024);
    const write = (data: Buffer, offset: number) =>
      call((done) => sftp.write(handle, data, 0, data.length, offset, done));
    await write(block, 0);
    expect(await statusOf(write(block, 2 * block.length))).toBe(4);
    await write(block, block.length);
    expect(await statusOf(write(Buffer.alloc(32 * 1024 + 1), 2 * block.length))).toBe(4);
  });

  test('foldCase and normalize', async () => {
    const { sftp, server } = await faulty({ foldCase: true, normalize: 'NFD' });
    await put(sftp, '/\u00c4pfel.txt', 'one');
    await put(sftp, '/\u00e4PFEL.TXT', 'two');
    expect(readdirSync(server.root)).toEqual(['A\u0308pfel.txt']);
    expect(readFileSync(join(server.root, 'A\u0308pfel.txt'), 'utf8')).toBe('two');
    expect(await list(sftp, '/')).toEqual(['A\u0308pfel.txt']);
  });

  test('addToListing tells names that are not there', async () => {
    const names = ['..', '../evil', '/etc/passwd', 'a\0b', '\ufffd'];
    const { sftp, server } = await faulty({
      addToListing: (directory) => (directory === '/d' ? names.map((name) => ({ name })) : []),
    });
    mkdirSync(join(server.root, 'd'));
    const handle = await call<Buffer>((done) => sftp.opendir('/d', done));
    const items = await call<FileEntryWithStats[]>((done) => sftp.readdir(handle, done));
    // ssh2 itself leaves out `.` and `..`.
    expect(items.map((item) => item.filename)).toEqual(names.slice(1));
    expect(await statusOf(call((done) => sftp.readdir(handle, done)))).toBe(1);
    expect(await list(sftp, '/')).toEqual(['d']);
  });

  test('readOnly', async () => {
    const { sftp, server } = await faulty({ readOnly: true });
    writeFileSync(join(server.root, 'file'), 'x');
    expect(await statusOf(call((done) => sftp.open('/file', WRITE, {}, done)))).toBe(3);
    expect(await statusOf(call((done) => sftp.unlink('/file', done)))).toBe(3);
    expect(await list(sftp, '/')).toEqual(['file']);
  });

  test('umask and freeBytes', async () => {
    const { sftp, server } = await faulty({ umask: 0o027, freeBytes: 40_960 });
    await put(sftp, '/file', 'x', 0o666);
    await call((done) => sftp.mkdir('/folder', { mode: 0o777 }, done));
    expect(statSync(join(server.root, 'file')).mode & 0o777).toBe(0o640);
    expect(statSync(join(server.root, 'folder')).mode & 0o777).toBe(0o750);
    const space = await call<{ f_bavail: number; f_frsize: number }>((done) =>
      sftp.ext_openssh_statvfs('/', (error, info) => done(error, info as never)),
    );
    expect(space.f_bavail * space.f_frsize).toBe(40_960);
  });

  test('without extensions there are none', async () => {
    const { sftp } = await faulty({}, { extensions: [] });
    expect(() => sftp.ext_openssh_rename('/a', '/b', () => undefined)).toThrow();
  });
});
