import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { lockPath, type PathLock } from '../../src/core/lock.js';
import { createMemoryStorage, type MemoryOptions } from '../../src/storage/memory/storage.js';
import { codeOf, completeTemp, entryAt, observed, scanAll, tempOf, type RawSide } from '../contract/side.js';
import { inPlaceContract, storageContract } from '../contract/storage-contract.js';

function side(options: MemoryOptions) {
  const storage = createMemoryStorage(options);
  const { edit } = storage;
  const raw: RawSide = {
    write: async (...args) => edit.write(...args),
    append: async (path, data) => edit.append(path, data),
    mkdir: async (path, mode) => edit.mkdir(path, mode),
    symlink: async (target, path) => edit.symlink(target, path),
    rename: async (from, to) => edit.rename(from, to),
    remove: async (path) => edit.remove(path),
    read: async (path) => edit.read(path),
    stat: async (path) => edit.stat(path),
    names: async (directory) => edit.names(directory),
    special: async (path) => edit.special(path),
    unlistable: async (path) => edit.chmod(path, 0),
  };
  return Promise.resolve({ storage, raw, dispose: () => Promise.resolve() });
}

storageContract('the memory storage', (root) => side({ root }));
inPlaceContract('the memory storage', (root) => side({ root }));
storageContract('the memory storage that is like SFTP', (root) =>
  side({ root, identity: false, timeGranularityMs: 1000 }),
);
storageContract('the memory storage that can do little', (root) => {
  const no = { atomicReplace: false, symlinks: false, symlinkTimes: false, modes: false, times: false };
  return side({ root, identity: false, capabilities: { ...no, fsync: false, space: false } });
});

test('the nth call can fail, before it did anything or after it did all', async () => {
  const calls: string[] = [];
  const lost = new TowlineError('network', 'the link is gone');
  let failing: 'before' | 'after' | null = null;
  const storage = createMemoryStorage({
    before: (operation, path) => {
      calls.push(`${operation} ${path}`);
      if (failing === 'before') throw lost;
    },
    after: () => {
      if (failing === 'after') throw lost;
    },
  });
  failing = 'before';
  expect(await codeOf(storage.makeDirectory('a', 0o755))).toBe('network');
  expect(storage.edit.tree()).toEqual({});
  failing = 'after';
  expect(await codeOf(storage.makeDirectory('a', 0o755))).toBe('network');
  expect(storage.edit.tree()).toEqual({ a: 'directory 755' });
  expect(calls).toEqual(['makeDirectory a', 'makeDirectory a']);
});

test('a side that is full refuses to grow, and takes the temp back', async () => {
  const storage = createMemoryStorage({ capacityBytes: 10 });
  storage.edit.write('old', '12345678');
  expect(await storage.freeBytes('')).toBe(2);
  const temp = await storage.createTemp('new', tempOf(1));
  expect(await codeOf(temp.write(Buffer.from('abc'), 0))).toBe('no-space');
  expect(await codeOf(temp.complete({ size: 3, sync: false }))).toBe('no-space');
  expect(await temp.discard()).toBe(true);
  storage.edit.remove('old');
  expect(await storage.freeBytes('')).toBe(10);
  const { temp: second } = await completeTemp(storage, 'new', 'abcdefghij');
  await second.publish(null);
  expect(await storage.freeBytes('')).toBe(0);
  storage.edit.mkdir('folder');
  storage.edit.rename('new', 'folder/new');
  storage.edit.rename('folder', 'moved');
  expect(await storage.freeBytes('')).toBe(0);
  storage.edit.remove('moved');
  expect(await storage.freeBytes('')).toBe(10);
  storage.capacity(null);
  expect(await storage.freeBytes('')).toBeGreaterThan(10);
});

test('times are those of its clock, coarse and ahead if asked for', async () => {
  const storage = createMemoryStorage({
    now: () => 1_000_400,
    clockOffsetMs: 5_300,
    timeGranularityMs: 1000,
  });
  storage.edit.write('a', 'x');
  expect((await entryAt(storage, 'a')).mtimeMs).toBe(1_005_000);
  expect(await storage.clockOffsetMs()).toBe(5_300);
});

test('names fold if asked for', async () => {
  const storage = createMemoryStorage({ foldCase: true });
  storage.edit.write('Read.me', 'x');
  expect(await observed(storage, 'READ.ME')).toMatchObject({ kind: 'file' });
  storage.edit.write('read.me', 'yy');
  expect((await scanAll(storage)).map((item) => item.path)).toEqual(['Read.me']);
});

test('permission bits of the owner count', async () => {
  const storage = createMemoryStorage();
  storage.edit.write('sealed/file', 'x');
  storage.edit.write('secret', 'x', { mode: 0o000 });
  storage.edit.chmod('sealed', 0o555);
  expect(await codeOf(storage.createTemp('sealed/new', tempOf(1)))).toBe('permission');
  expect(await codeOf(storage.makeDirectory('sealed/new', 0o755))).toBe('permission');
  expect(await codeOf(storage.remove('sealed/file', await entryAt(storage, 'sealed/file')))).toBe(
    'permission',
  );
  expect(await codeOf(storage.openSource('secret'))).toBe('permission');
  expect(storage.edit.tree()).toEqual({
    sealed: 'directory 555',
    'sealed/file': 'file 644 "x"',
    secret: 'file 000 "x"',
  });
});

test('where replacing takes two steps, the gap can be looked into', async () => {
  const seen: unknown[] = [];
  const storage = createMemoryStorage({
    capabilities: { atomicReplace: false },
    before: (operation) => {
      if (operation === 'replace') seen.push(storage.edit.stat('file'));
    },
  });
  storage.edit.write('file', 'old');
  const { temp, destination } = await completeTemp(storage, 'file', 'new');
  await temp.publish(destination);
  expect(seen).toEqual([null]);
  expect(storage.edit.read('file').toString()).toBe('new');
});

test('an open file outlives its name', async () => {
  const storage = createMemoryStorage();
  storage.edit.write('file', 'old');
  const source = await storage.openSource('file');
  const { temp, destination } = await completeTemp(storage, 'file', 'new');
  await temp.publish(destination);
  expect((await source.read(0, 10)).toString()).toBe('old');
  expect(await source.check()).toBe('changed');
});

test('a lock that somebody holds refuses changes until it is a minute old; ours goes with the change', async () => {
  let nowMs = 1_700_000_000_000;
  const storage = createMemoryStorage({ now: () => nowMs });
  const record: string[] = [];
  const lock: PathLock = {
    name: lockPath('file'),
    opens: async () => void record.push('opens'),
    gone: async () => void record.push('gone'),
  };
  storage.edit.write('file', 'old');
  const expected = await entryAt(storage, 'file');
  const send = async () => {
    const temp = await storage.createTemp('file', tempOf(1));
    try {
      await temp.write(Buffer.from('new one'), 0);
      await temp.complete({ size: 7, sync: false, lock });
      expect(storage.edit.names('')).toContain(lock.name);
      await temp.publish(expected);
    } finally {
      await temp.discard();
    }
  };
  storage.edit.write(lock.name, '');
  expect(await codeOf(send())).toBe('changed');
  expect(await codeOf(storage.remove('file', expected, lock))).toBe('changed');
  expect(await codeOf(storage.move('file', 'other', expected, lock))).toBe('changed');
  expect(await codeOf(storage.setMetadata('file', expected, { mode: 0o600 }, lock))).toBe('changed');
  expect(storage.edit.names('')).toEqual([lock.name, 'file']);
  nowMs += 61_000;
  expect(await codeOf(send())).toBe('changed');
  expect(await codeOf(send())).toBe('none');
  expect(storage.edit.names('')).toEqual(['file']);
  expect(storage.edit.read('file').toString()).toBe('new one');
  expect(record).toEqual(['opens', 'gone', 'opens', 'gone', 'opens', 'gone']);
});
