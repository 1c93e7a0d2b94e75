import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Client, type FileEntryWithStats, type SFTPWrapper, utils } from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import type { Faults } from '../../src/ssh/server/faults.js';
import { freshKeyPair } from '../../src/ssh/server/keys.js';
import { type SftpServer, type SftpServerOptions, startSftpServer } from '../../src/ssh/server/server.js';
import { freshFolder } from '../support/folder.js';

const { READ, WRITE, CREAT, EXCL } = utils.sftp.OPEN_MODE;
const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

async function start(options: Partial<SftpServerOptions> = {}): Promise<SftpServer> {
  const server = await startSftpServer({ root: freshFolder('served'), ...options });
  cleanUp.push(() => server.stop());
  return server;
}

interface Connected {
  readonly client: Client;
  readonly sftp: SFTPWrapper;
  /** Settles when the connection is gone. */
  readonly closed: Promise<unknown>;
}

async function connect(server: SftpServer, login: Record<string, unknown> = {}): Promise<Connected> {
  const client = new Client();
  const closed = new Promise((resolve) => client.on('close', () => resolve(null)));
  const hostKey = Buffer.from(server.hostKey.split(' ')[1]!, 'base64');
  const ready = new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('ready', () => resolve(null));
  });
  const key = 'password' in login ? {} : { privateKey: server.clientKey };
  client.connect({
    host: server.host,
    port: server.port,
    username: 'someone',
    hostVerifier: (given: Buffer) => given.equals(hostKey),
    ...key,
    ...login,
  });
  await ready;
  cleanUp.push(async () => {
    client.end();
    await closed;
  });
  return { client, sftp: await call<SFTPWrapper>((done) => client.sftp(done)), closed };
}

function call<T = undefined>(
  run: (done: (error: Error | null | undefined, value?: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) =>
    run((error, value) => (error ? reject(error) : resolve(value as T))),
  );
}

/** The status with which a request fails. */
async function statusOf(request: Promise<unknown>): Promise<unknown> {
  try {
    await request;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return 'no failure';
}

/** Runs OpenSSH's client with a batch; a command that fails ends it. */
async function openSshSftp(server: SftpServer, batch: string[]): Promise<{ code: number; output: string }> {
  const folder = freshFolder('client');
  writeFileSync(join(folder, 'key'), server.clientKey, { mode: 0o600 });
  writeFileSync(join(folder, 'known_hosts'), `${server.knownHostsLine}\n`);
  writeFileSync(join(folder, 'batch'), `${batch.join('\n')}\n`);
  const options = [
    'IdentitiesOnly=yes',
    `UserKnownHostsFile=${folder}/known_hosts`,
    'GlobalKnownHostsFile=none',
  ];
  const given = ['-F', 'none', '-i', `${folder}/key`, '-P', String(server.port), '-b', `${folder}/batch`];
  const child = execFile('sftp', [
    ...given,
    ...options.flatMap((one) => ['-o', one]),
    `someone@${server.host}`,
  ]);
  let output = '';
  child.stdout?.on('data', (text: string) => (output += text));
  child.stderr?.on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

async function put(sftp: SFTPWrapper, path: string, content: string, mode?: number): Promise<void> {
  const flags = CREAT | WRITE;
  const handle = await call<Buffer>((done) =>
    sftp.open(path, flags, mode === undefined ? {} : { mode }, done),
  );
  const data = Buffer.from(content);
  await call((done) => sftp.write(handle, data, 0, data.length, 0, done));
  await call((done) => sftp.close(handle, done));
}

async function list(sftp: SFTPWrapper, path: string): Promise<string[]> {
  const items = await call<FileEntryWithStats[]>((done) => sftp.readdir(path, done));
  return items.map((item) => item.filename).sort();
}

describe('with the client of OpenSSH', () => {
  test('puts, gets, renames, links, lists and removes', async () => {
    const server = await start();
    const local = freshFolder('local');
    const content = Buffer.alloc(3_000_000, 'towline ');
    writeFileSync(join(local, 'big'), content, { mode: 0o640 });
    const { code, output } = await openSshSftp(server, [
      'mkdir a',
      `put -p ${local}/big a/big`,
      'rename a/big a/big2',
      'ln -s big2 a/link',
      `get a/link ${local}/back`,
      'ls -l a',
      'df -h',
      'chmod 600 a/big2',
      'mkdir gone',
      'rmdir gone',
      `put ${local}/big gone`,
      'rm gone',
      'ls',
    ]);
    expect(output).not.toContain('Failure');
    expect(code).toBe(0);
    expect(readFileSync(join(server.root, 'a/big2'))).toEqual(content);
    expect(readFileSync(join(local, 'back'))).toEqual(content);
    expect(statSync(join(server.root, 'a/big2')).mode & 0o777).toBe(0o600);
    expect(readlinkSync(join(server.root, 'a/link'))).toBe('big2');
    expect(readdirSync(server.root)).toEqual(['a']);
    expect(output).toMatch(/^-rw-r----- .*big2$/m);
  });

  test('refuses what OpenSSH refuses', async () => {
    const server = await start({ extensions: [] });
    mkdirSync(join(server.root, 'full/inside'), { recursive: true });
    writeFileSync(join(server.root, 'file'), 'x');
    writeFileSync(join(server.root, 'other'), 'y');
    for (const [command, text] of [
      ['rename file other', 'Failure'],
      ['mkdir full', 'Failure'],
      ['rmdir full', 'Failure'],
      ['rm full', /Failure|Permission denied/],
      ['rm missing', 'No such file'],
      ['ls missing/x', 'not found'],
    ] as const) {
      const { code, output } = await openSshSftp(server, [command]);
      expect(output, command).toMatch(text);
      expect(code, command).toBe(1);
    }
    expect(readFileSync(join(server.root, 'other'), 'utf8')).toBe('y');
  });

  test('lists a folder of many files whole', async () => {
    const server = await start();
    for (let i = 0; i < 1234; i++) writeFileSync(join(server.root, `file-${i}`), '');
    const { output } = await openSshSftp(server, ['ls -1']);
    expect(output.split('\n').filter((line) => line.startsWith('file-'))).toHaveLength(1234);
  });

  test('speaks its extensions: a rename that replaces, and fsync', async () => {
    const server = await start();
    const local = freshFolder('local');
    writeFileSync(join(local, 'new'), 'new');
    writeFileSync(join(server.root, 'old'), 'old');
    const { code } = await openSshSftp(server, [`put -f ${local}/new new`, 'rename new old']);
    expect(code).toBe(0);
    expect(readFileSync(join(server.root, 'old'), 'utf8')).toBe('new');
  });
});

describe('with the client of ssh2', () => {
  test('writes at offsets, reads back, and stats by handle', async () => {
    const server = await start();
    const { sftp } = await connect(server);
    const flags = READ | WRITE | CREAT | EXCL;
    const handle = await call<Buffer>((done) => sftp.open('/file', flags, { mode: 0o600 }, done));
    await call((done) => sftp.write(handle, Buffer.from('world'), 0, 5, 6, done));
    await call((done) => sftp.write(handle, Buffer.from('hello '), 0, 6, 0, done));
    await call((done) => sftp.fsetstat(handle, { mode: 0o640, atime: 1000, mtime: 2000 }, done));
    await call((done) => sftp.ext_openssh_fsync(handle, done));
    const stats = await call<{ size: number; mode: number; mtime: number }>((done) =>
      sftp.fstat(handle, done),
    );
    expect(stats).toMatchObject({ size: 11, mode: 0o100640, mtime: 2000 });
    const buffer = Buffer.alloc(100);
    const read = await call<number>((done) => sftp.read(handle, buffer, 0, 100, 0, done));
    expect(buffer.toString('utf8', 0, read)).toBe('hello world');
    expect(await call<number>((done) => sftp.read(handle, buffer, 0, 100, 11, done))).toBe(0);
    await call((done) => sftp.close(handle, done));
    expect(await statusOf(call((done) => sftp.close(handle, done)))).toBe(4);
    expect(await statusOf(call((done) => sftp.open('/file', flags, {}, done)))).toBe(4);
  });

  test('makes and reads links, and replaces by posix-rename', async () => {
    const server = await start();
    const { sftp } = await connect(server);
    await call((done) => sftp.symlink('target text', '/link', done));
    expect(await call<string>((done) => sftp.readlink('/link', done))).toBe('target text');
    expect(lstatSync(join(server.root, 'link')).isSymbolicLink()).toBe(true);
    await put(sftp, '/file', 'new');
    await call((done) => sftp.ext_openssh_rename('/file', '/link', done));
    expect(readFileSync(join(server.root, 'link'), 'utf8')).toBe('new');
    expect(await call<string>((done) => sftp.realpath('.', done))).toBe('/');
  });

  test('checks user names, keys and passwords', async () => {
    const other = freshKeyPair();
    const server = await start({
      authorize: { username: 'anna', publicKeys: [other.publicKey], password: 'secret' },
    });
    await connect(server, { username: 'anna' });
    await connect(server, { username: 'anna', privateKey: other.privateKey });
    await connect(server, { username: 'anna', password: 'secret' });
    const refused = { level: 'client-authentication' };
    await expect(connect(server, { username: 'anna', password: 'wrong' })).rejects.toMatchObject(refused);
    await expect(connect(server, { username: 'otto' })).rejects.toMatchObject(refused);
    const unknown = { username: 'anna', privateKey: freshKeyPair().privateKey };
    await expect(connect(server, unknown)).rejects.toMatchObject(refused);
  });

  test('keeps its identity over a restart, and counts its connections', async () => {
    const first = await start();
    await connect(first);
    expect(first.connections).toBe(1);
    await first.stop();
    expect(first.connections).toBe(0);
    const second = await start({ root: first.root, port: first.port, hostKey: first.privateHostKey });
    expect(second.knownHostsLine).toBe(first.knownHostsLine);
    await connect(second);
  });

  test('says what is wrong with its options', async () => {
    await expect(start({ root: '/nowhere/at/all' })).rejects.toMatchObject({ code: 'configuration' });
    await expect(start({ hostKey: 'no key' })).rejects.toMatchObject({ code: 'configuration' });
    const { port } = await start();
    await expect(start({ port })).rejects.toMatchObject({ code: 'configuration' });
  });
});

describe('confined to its root', () => {
  test('by no path and no link can a client get out', async () => {
    const outside = freshFolder('outside');
    writeFileSync(join(outside, 'secret'), 'secret');
    const server = await start();
    const { sftp } = await connect(server);
    symlinkSync(outside, join(server.root, 'absolute'));
    symlinkSync('../..', join(server.root, 'up'));
    symlinkSync(join(outside, 'made'), join(server.root, 'dangling'));
    symlinkSync('loop', join(server.root, 'loop'));

    for (const path of [
      `${outside}/secret`,
      `..${outside}/secret`,
      'absolute/secret',
      `up${outside}/secret`,
    ]) {
      expect(await statusOf(call((done) => sftp.open(path, READ, {}, done))), path).toBe(2);
      expect(await statusOf(call((done) => sftp.unlink(path, done))), path).toBe(2);
    }
    expect(await statusOf(call((done) => sftp.open('dangling', WRITE | CREAT, {}, done)))).toBe(2);
    expect(await statusOf(call((done) => sftp.stat('loop', done)))).toBe(2);
    expect(await statusOf(call((done) => sftp.rename('absolute/secret', 'stolen', done)))).toBe(2);
    expect(await list(sftp, 'up')).toEqual(['absolute', 'dangling', 'loop', 'up']);
    expect(await call<string>((done) => sftp.realpath('/../../etc/..', done)).catch(() => 'refused')).toBe(
      'refused',
    );
    expect(await call<string>((done) => sftp.realpath('up/..', done))).toBe('/');
    expect(await statusOf(call((done) => sftp.rmdir('/', done)))).toBe(4);
    expect(existsSync(join(outside, 'made'))).toBe(false);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  test('an absolute link starts at the served root, as in a chroot', async () => {
    const server = await start();
    const { sftp } = await connect(server);
    mkdirSync(join(server.root, 'data'));
    writeFileSync(join(server.root, 'data/file'), 'inside');
    symlinkSync('/data', join(server.root, 'link'));
    const { size } = await call<{ size: number }>((done) => sftp.stat('link/file', done));
    expect(size).toBe(6);
  });
});

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
