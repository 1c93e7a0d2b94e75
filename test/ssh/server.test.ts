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
import { describe, expect, test } from 'vitest';
import { freshKeyPair, keyPairOf } from '../../src/ssh/server/keys.js';
import { freshFolder } from '../support/folder.js';
import {
  call,
  connect,
  CREAT,
  EXCL,
  list,
  openSshSftp,
  put,
  READ,
  start,
  statusOf,
  WRITE,
} from './server-client.js';

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

test('every fresh key is usable', () => {
  for (let i = 0; i < 1000; i++) {
    const { privateKey, publicKey } = freshKeyPair();
    expect(keyPairOf(privateKey).publicKey).toBe(publicKey);
    expect(Buffer.from(publicKey.split(' ')[1]!, 'base64')).toHaveLength(51);
  }
});
