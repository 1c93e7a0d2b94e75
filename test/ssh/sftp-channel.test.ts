import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DirectoryItem, SftpChannel } from '../../src/ssh/channel.js';
import type { Connection } from '../../src/ssh/connection.js';
import { connectTo } from '../support/connection.js';
import { freshFolder } from '../support/folder.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

let sshd: TestSshd;
let connection: Connection;
let channel: SftpChannel;

beforeAll(async () => {
  sshd = await startSshd();
  connection = connectTo(sshd);
  await connection.ready();
  channel = await connection.channel('transfer');
});

afterAll(async () => {
  await connection.close();
  await sshd.stop();
});

async function writeAll(handle: Buffer, data: Buffer, offset = 0): Promise<void> {
  const { acknowledged } = await channel.write(handle, data, offset);
  await acknowledged;
}

test('announces extensions and sizes', () => {
  expect(channel.open).toBe(true);
  expect(channel.extensions.get('posix-rename@openssh.com')).toBe('1');
  expect(channel.extensions.get('statvfs@openssh.com')).toBe('2');
  expect(channel.maxWriteBytes).toBe(261_120);
  expect(channel.maxReadBytes).toBe(261_120);
});

test('writes a large file in pieces and reads it back', async () => {
  const file = join(freshFolder(), 'large');
  const data = Buffer.alloc(3_000_001, 'whatever was in it, ');
  const handle = await channel.createExclusive(file, 0o600);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await writeAll(handle, data.subarray(0, 1_000_000));
  await writeAll(handle, data.subarray(1_000_000), 1_000_000);
  expect((await channel.fstat(handle)).size).toBe(data.length);
  await channel.fsync(handle);
  await channel.closeHandle(handle);
  expect(readFileSync(file).equals(data)).toBe(true);

  const reader = await channel.openRead(file);
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const part = await channel.read(reader, at, 1_000_000);
    if (part.length === 0) break;
    parts.push(part);
    at += part.length;
  }
  expect(Buffer.concat(parts).equals(data)).toBe(true);
  expect(await channel.read(reader, 0, 0)).toHaveLength(0);
  await channel.closeHandle(reader);
});

test('an empty write is acknowledged', async () => {
  const handle = await channel.createExclusive(join(freshFolder(), 'empty'), 0o600);
  await writeAll(handle, Buffer.alloc(0));
  await channel.closeHandle(handle);
});

test('creates exclusively, opens for writing without truncating', async () => {
  const file = join(freshFolder(), 'file');
  writeFileSync(file, 'abcdef');
  await expect(channel.createExclusive(file, 0o600)).rejects.toMatchObject({ code: 'protocol', path: file });
  const handle = await channel.openWrite(file);
  await writeAll(handle, Buffer.from('XY'), 2);
  await channel.closeHandle(handle);
  expect(readFileSync(file, 'utf8')).toBe('abXYef');
  await expect(channel.openWrite(`${file}-none`)).rejects.toMatchObject({ code: 'not-found' });
});

test('a refused write rejects its acknowledgement, and names the file', async () => {
  const file = join(freshFolder(), 'file');
  writeFileSync(file, 'abc');
  const handle = await channel.openRead(file);
  const { acknowledged } = await channel.write(handle, Buffer.from('x'), 0);
  // EBADF and ENOTDIR arrive as "No such file" too.
  await expect(acknowledged).rejects.toMatchObject({ code: 'not-found', path: file });
  await channel.closeHandle(handle);
});

test('attributes: mode and times, of files, of handles, of links', async () => {
  const folder = freshFolder();
  const file = join(folder, 'file');
  writeFileSync(file, 'abc');
  await channel.setstat(file, { mode: 0o640, atime: 1_000_000_000, mtime: 1_100_000_000 });
  expect(await channel.lstat(file)).toMatchObject({
    mode: 0o100640,
    size: 3,
    mtime: 1_100_000_000,
    atime: 1_000_000_000,
  });
  const handle = await channel.openWrite(file);
  await channel.fsetstat(handle, { mode: 0o600, atime: 1, mtime: 2, size: 1 });
  expect(await channel.fstat(handle)).toMatchObject({ mode: 0o100600, size: 1, mtime: 2 });
  await channel.closeHandle(handle);

  const link = join(folder, 'link');
  await channel.makeSymlink(link, 'file');
  expect(readlinkSync(link)).toBe('file');
  expect(await channel.readSymlink(link)).toBe('file');
  await channel.lsetstat(link, { atime: 5, mtime: 6 });
  expect((await channel.lstat(link)).mtime).toBe(6);
  expect((await channel.stat(link)).mtime).toBe(2);
  expect(lstatSync(file).mtimeMs).toBe(2000);
});

test('a time before 1970 is passed on as the server sends it', async () => {
  const file = join(freshFolder(), 'old');
  writeFileSync(file, '');
  await channel.setstat(file, { atime: -5, mtime: -5 });
  expect((await channel.lstat(file)).mtime).toBe(2 ** 32 - 5);
});

test('a single time would be left out silently: refused', async () => {
  const file = join(freshFolder(), 'file');
  writeFileSync(file, '');
  await expect(channel.setstat(file, { mtime: 5 })).rejects.toMatchObject({ code: 'internal' });
  expect((await channel.lstat(file)).size).toBe(0);
});

test('lists a directory with several READDIR under way', async () => {
  const folder = freshFolder();
  const names = Array.from({ length: 1500 }, (_, i) => `entry ${i}`);
  for (const name of names) writeFileSync(join(folder, name), '');
  const handle = await channel.openDirectory(folder);
  const found: DirectoryItem[] = [];
  for (let ended = false; !ended;) {
    const parts = await Promise.all(Array.from({ length: 8 }, () => channel.readDirectory(handle)));
    for (const part of parts) found.push(...(part ?? []));
    ended = parts.includes(null);
  }
  await channel.closeHandle(handle);
  expect(found.map((item) => item.name).sort()).toEqual([...names].sort());
  expect(found[0]!.attributes).toMatchObject({ size: 0, mode: 0o100644 });
});

test('an empty directory lists as nothing', async () => {
  const handle = await channel.openDirectory(freshFolder());
  expect(await channel.readDirectory(handle)).toEqual([]);
  expect(await channel.readDirectory(handle)).toBeNull();
  await channel.closeHandle(handle);
});

test('makes, renames and removes', async () => {
  const folder = freshFolder();
  const [a, b, directory] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'd ir\n"')];
  writeFileSync(a, 'a');
  writeFileSync(b, 'b');
  await expect(channel.rename(a, b)).rejects.toMatchObject({ code: 'protocol', serverText: 'Failure' });
  await channel.posixRename(a, b);
  expect(readFileSync(b, 'utf8')).toBe('a');
  await channel.rename(b, a);
  await channel.removeFile(a);
  await expect(channel.removeFile(a)).rejects.toMatchObject({ code: 'not-found' });
  await channel.makeDirectory(directory, { mode: 0o700 });
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  mkdirSync(join(directory, 'inner'));
  await expect(channel.removeDirectory(directory)).rejects.toMatchObject({ code: 'protocol' });
  await channel.removeDirectory(join(directory, 'inner'));
  await channel.removeDirectory(directory);
  expect(await channel.realPath(`${folder}/./..`)).toBe(dirname(folder));
});

test('tells the free space', async () => {
  expect((await channel.space(freshFolder())).freeBytes).toBeGreaterThan(0);
});

test('10,000 requests in one flight are answered, each with its own answer', async () => {
  const folder = freshFolder();
  for (let i = 0; i < 100; i++) symlinkSync('x'.repeat(i + 1), join(folder, String(i)));
  const answers = await Promise.all(
    Array.from({ length: 10_000 }, (_, i) => channel.lstat(join(folder, String(i % 100)))),
  );
  expect(answers.map((one) => one.size)).toEqual(Array.from({ length: 10_000 }, (_, i) => (i % 100) + 1));
});

test('requests of one go are one flight, in order', async () => {
  const folder = freshFolder();
  const path = join(folder, 'made');
  const [before, , after, , gone] = await Promise.allSettled([
    channel.lstat(path),
    channel.makeDirectory(path, {}),
    channel.lstat(path),
    channel.removeDirectory(path),
    channel.lstat(path),
  ]);
  expect([before.status, after.status, gone.status]).toEqual(['rejected', 'fulfilled', 'rejected']);
});

test('extensions that are not announced reject as unsupported, and the channel lives on', async () => {
  const refused = 'posix-rename,statvfs,fsync,lsetstat,limits';
  const poor = await startSshd({ sftpArguments: `-P ${refused}` });
  const link = connectTo(poor);
  try {
    await link.ready();
    const there = await link.channel('transfer');
    const folder = freshFolder();
    const handle = await there.createExclusive(join(folder, 'file'), 0o600);
    const { acknowledged } = await there.write(handle, Buffer.alloc(100_000, 'x'), 0);
    await acknowledged;
    for (const [name, call] of [
      ['posix-rename@openssh.com', () => there.posixRename(folder, `${folder}-2`)],
      ['statvfs@openssh.com', () => there.space(folder)],
      ['fsync@openssh.com', () => there.fsync(handle)],
      ['lsetstat@openssh.com', () => there.lsetstat(folder, { mode: 0o700 })],
    ] as const) {
      if (there.extensions.has(name)) await expect(call()).rejects.toMatchObject({ code: 'permission' });
      else await expect(call()).rejects.toMatchObject({ code: 'unsupported' });
    }
    if (!there.extensions.has('limits@openssh.com')) expect(there.maxWriteBytes).toBe(31_952);
    expect((await there.lstat(join(folder, 'file'))).size).toBe(100_000);
  } finally {
    await link.close();
    await poor.stop();
  }
});
