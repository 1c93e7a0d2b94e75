import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockPath } from '../../src/core/lock.js';
import type { SftpChannel, SftpSession } from '../../src/ssh/channel.js';
import { codeOf, completeTemp, entryAt, tempOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { changedSession, logIn, storageAt, type Login } from './sftp-side.js';

let login: Login;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());

/** Reads the file in a loop; answers with how often, and with what was neither whole nor there. */
const reader = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { readFileSync } = require('node:fs');
  let reads = 0, bad = [], stop = false;
  parentPort.on('message', () => { stop = true; });
  const turn = () => {
    for (let i = 0; i < 20; i++) {
      reads++;
      try {
        const text = readFileSync(workerData, 'utf8');
        if (text.length !== 5000 || text !== text[0].repeat(5000)) bad.push('mixed of ' + text.length);
      } catch (error) { bad.push(error.code); }
    }
    if (stop) parentPort.postMessage({ reads, bad }); else setImmediate(turn);
  };
  parentPort.postMessage('reading');
  turn();
`;

test('a reader of a file that is replaced 200 times sees each version whole, and never none', async () => {
  const root = freshFolder('sftp');
  const file = join(root, 'file');
  writeFileSync(file, '-'.repeat(5000));
  const storage = storageAt(login.connection, root);
  const worker = new Worker(reader, { eval: true, workerData: file });
  const message = () => new Promise((resolve) => worker.once('message', resolve));
  await message();
  for (let i = 0; i < 200; i++) {
    const version = String.fromCharCode(97 + (i % 26)).repeat(5000);
    const { temp, destination } = await completeTemp(storage, 'file', version, { name: tempOf(i) });
    await temp.publish(destination);
  }
  worker.postMessage('stop');
  const seen = await message();
  await worker.terminate();
  expect(seen).toMatchObject({ bad: [] });
  expect(readFileSync(file, 'utf8')).toBe('r'.repeat(5000));
  expect(await readdir(root)).toEqual(['file']);
});

test('of many that publish a new file at once one wins, and nothing is overwritten', async () => {
  const root = freshFolder('sftp');
  const other = await logIn();
  try {
    const storages = [storageAt(login.connection, root), storageAt(other.connection, root)];
    for (let round = 0; round < 25; round++) {
      const racers = Array.from({ length: 8 }, (_, i) => ({ text: `racer ${i}`, storage: storages[i % 2]! }));
      const temps = await Promise.all(
        racers.map(({ storage, text }, i) =>
          completeTemp(storage, `new ${round}`, text, { name: tempOf(i) }),
        ),
      );
      const codes = await Promise.all(temps.map(({ temp }) => codeOf(temp.publish(null))));
      expect(codes.filter((code) => code === 'none')).toHaveLength(1);
      expect(codes.filter((code) => code === 'exists')).toHaveLength(7);
      expect(await readFile(join(root, `new ${round}`), 'utf8')).toBe(racers[codes.indexOf('none')]!.text);
      await Promise.all(temps.map(({ temp }) => temp.discard()));
    }
    expect((await readdir(root)).filter((name) => name.startsWith('.towline'))).toEqual([]);
  } finally {
    await other.end();
  }
});

test('a temp dies with its channel, and the storage lives on', async () => {
  const root = freshFolder('sftp');
  writeFileSync(join(root, 'source'), 'x');
  const storage = storageAt(login.connection, root);
  const temp = await storage.createTemp('file', tempOf(1));
  const source = await storage.openSource('source');
  const { temp: complete } = await completeTemp(storage, 'other', 'x', { name: tempOf(2) });
  for (const pid of login.sshd.sftpServers()) process.kill(pid, 'SIGKILL');
  const written = temp.write(Buffer.alloc(1000), 0).then(() => temp.complete({ size: 1000, sync: false }));
  expect(await codeOf(written)).toBe('network');
  expect(await codeOf(complete.publish(null))).toBe('network');
  expect(await codeOf(source.read(0, 1))).toBe('network');
  expect(await codeOf(source.check())).toBe('network');
  await source.close();
  expect(await temp.discard()).toBe(false);
  expect((await storage.removeTemps([tempOf(1), tempOf(2)])).sort()).toEqual([tempOf(1), tempOf(2)]);
  expect(await readdir(root)).toEqual(['source']);
});

/** Requests that are counted; of data none is. */
const heldCalls = [
  ...['createExclusive', 'closeHandle', 'fstat', 'fsetstat', 'fsync', 'lstat', 'setstat', 'lsetstat'],
  ...['rename', 'posixRename', 'removeFile', 'makeDirectory', 'readSymlink', 'makeSymlink'],
];

/**
 * Holds every answer back until nothing more is being sent, so that flights can be counted: requests that go out without
 * waiting for one another are one.
 */
function inFlights(session: SftpSession): { session: SftpSession; flights: () => string[][] } {
  let flights: string[][] = [];
  let held: (() => void)[] = [];
  const release = () => {
    const now = held;
    held = [];
    for (const answer of now) answer();
  };
  const hold = async <T>(name: string, request: () => Promise<T>): Promise<T> => {
    if (held.length === 0) {
      flights.push([]);
      setImmediate(release);
    }
    flights.at(-1)!.push(name);
    const answer = request();
    await new Promise<void>((resolve) => held.push(resolve));
    return answer;
  };
  const change = (channel: SftpChannel): Partial<SftpChannel> => {
    const calls: Record<string, (...args: unknown[]) => Promise<unknown>> = {};
    for (const name of heldCalls) {
      const request: unknown = Reflect.get(channel, name);
      if (typeof request !== 'function') throw new Error(`there is no ${name}`);
      calls[name] = (...args) => hold(name, async () => Reflect.apply(request, channel, args) as unknown);
    }
    return calls;
  };
  return {
    session: changedSession(session, change),
    flights: () => {
      const counted = flights;
      flights = [];
      return counted;
    },
  };
}

test('a file takes three flights, in a directory just looked at', async () => {
  const root = freshFolder('sftp');
  const { session, flights } = inFlights(login.connection);
  const storage = storageAt(session, root);
  await storage.makeDirectory('a', 0o755);
  await storage.makeDirectory('a/b', 0o755);
  expect(flights()).toEqual([
    ['makeDirectory', 'lstat'],
    ['makeDirectory', 'lstat'],
  ]);
  const temp = await storage.createTemp('a/b/file', tempOf(1));
  await temp.write(Buffer.from('x'), 0);
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await temp.complete({ size: 1, mode: 0o644, mtimeMs: 1_500_000_000_000, owner, sync: true });
  await temp.publish(null);
  expect(flights()).toEqual([
    ['createExclusive'],
    ['fsync', 'fsetstat', 'fsetstat', 'fstat', 'lstat', 'closeHandle'],
    ['rename'],
  ]);
  const expected = await entryAt(storage, 'a/b/file');
  expect(flights()).toEqual([['lstat', 'lstat', 'lstat']]);
  await storage.setMetadata('a/b/file', expected, { mode: 0o600 });
  expect(flights()).toEqual([['lstat'], ['setstat', 'lstat']]);
  await storage.makeSymlink('a/b/link', { target: 'x', mtimeMs: 0 }, tempOf(2), null);
  expect(flights()).toEqual([['makeSymlink', 'lsetstat', 'lstat', 'lstat'], ['rename']]);
  await storage.remove('a/b/file', { ...expected, mode: 0o600 });
  expect(flights()).toEqual([['lstat'], ['removeFile']]);
});

test('a lock costs no flight', async () => {
  const root = freshFolder('sftp');
  writeFileSync(join(root, 'file'), 'old');
  const { session, flights } = inFlights(login.connection);
  const storage = storageAt(session, root);
  const expected = await entryAt(storage, 'file');
  const lock = { name: lockPath('file'), opens: () => Promise.resolve(), gone: () => Promise.resolve() };
  const temp = await storage.createTemp('file', tempOf(1));
  await temp.write(Buffer.from('new'), 0);
  flights();
  const { made } = await temp.complete({ size: 3, sync: false, mtimeMs: 1_500_000_000_000, lock });
  await temp.publish(expected);
  expect(flights()).toEqual([
    ['fsetstat', 'fstat', 'createExclusive', 'lstat', 'closeHandle'],
    ['posixRename', 'removeFile', 'closeHandle'],
  ]);
  const changed = await storage.setMetadata('file', made, { mode: 0o600 }, lock);
  expect(flights()).toEqual([
    ['createExclusive', 'lstat'],
    ['setstat', 'lstat', 'removeFile', 'closeHandle'],
  ]);
  await storage.move('file', 'other', changed, lock);
  expect(flights()).toEqual([
    ['createExclusive', 'lstat', 'lstat'],
    ['rename', 'removeFile', 'closeHandle'],
  ]);
  await storage.remove('other', changed, { ...lock, name: lockPath('other') });
  expect(flights()).toEqual([
    ['createExclusive', 'lstat'],
    ['removeFile', 'removeFile', 'closeHandle'],
  ]);
  expect(await readdir(root)).toEqual([]);
});

test('the first file in a directory looks at all above it in one flight, however many come at once', async () => {
  const root = freshFolder('sftp');
  await storageAt(login.connection, join(root, 'a/b/c')).ensureRoot({ parents: true });
  const { session, flights } = inFlights(login.connection);
  const storage = storageAt(session, root);
  const temps = await Promise.all([1, 2, 3].map((i) => storage.createTemp(`a/b/c/${i}`, tempOf(i))));
  expect(flights()).toEqual([
    ['lstat', 'lstat', 'lstat'],
    ['createExclusive', 'createExclusive', 'createExclusive'],
  ]);
  for (const temp of temps) expect(await temp.discard()).toBe(true);
});
