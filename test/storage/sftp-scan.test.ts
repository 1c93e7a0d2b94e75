import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { comparePaths } from '../../src/core/path.js';
import { codeOf, scanAll } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { changedSession, logIn, storageAt, type Login } from './sftp-side.js';

let login: Login;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());

test('a directory of 20,000 names is whole', async () => {
  const root = freshFolder('sftp');
  for (let i = 0; i < 20_000; i++) writeFileSync(join(root, `file ${i}`), '');
  const items = await scanAll(storageAt(login.connection, root));
  expect(new Set(items.map((item) => item.path)).size).toBe(20_000);
  expect(items.map((item) => item.path)).toEqual(items.map((item) => item.path).sort(comparePaths));
});

test('a deep tree comes as `find` sees it, in order', async () => {
  const name = fc.stringMatching(/^[-a-c.0 ]{1,3}$/).filter((one) => one !== '.' && one !== '..');
  const tree = fc.uniqueArray(
    fc.array(name, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/')),
    {
      maxLength: 60,
    },
  );
  await fc.assert(
    fc.asyncProperty(tree, async (paths) => {
      const root = freshFolder('sftp');
      for (const path of paths) mkdirSync(join(root, dirname(path)), { recursive: true });
      for (const [i, path] of paths.entries()) {
        const taken = paths.some((other) => other.startsWith(`${path}/`));
        if (taken) continue;
        if (i % 5 === 0) symlinkSync('/etc', join(root, path));
        else writeFileSync(join(root, path), 'x');
      }
      const found = execFileSync('find', [root, '-mindepth', '1', '-printf', '%P\\0'], { encoding: 'utf8' });
      const items = await scanAll(storageAt(login.connection, root));
      expect(items.every((item) => item.type === 'entry')).toBe(true);
      expect(items.map((item) => item.path)).toEqual(found.split('\0').slice(0, -1).sort(comparePaths));
    }),
    { numRuns: 25 },
  );
});

test('names that a hostile server lists are reported and never used', async () => {
  const root = freshFolder('sftp');
  writeFileSync(join(root, 'good'), 'x');
  const asked: string[] = [];
  const hostile = ['../evil', '/etc/passwd', 'a/b', 'nul\0', '\ufffd', ''];
  const session = changedSession(login.connection, (channel) => ({
    lstat: (path) => {
      asked.push(path);
      return channel.lstat(path);
    },
    readDirectory: async (handle) => {
      const items = await channel.readDirectory(handle);
      const added = hostile.map((name) => ({ name, attributes: { mode: 0o040755 } }));
      return items === null ? null : [...items, ...added];
    },
  }));
  const items = await scanAll(storageAt(session, root));
  expect(items.filter((item) => item.type === 'entry').map((item) => item.path)).toEqual(['good']);
  const skipped = items.filter((item) => item.type === 'skipped');
  expect(skipped.map((item) => item.path).sort()).toEqual([...hostile].sort());
  expect(skipped.every((item) => item.reason === 'name' && item.error.code === 'name')).toBe(true);
  expect(asked).toEqual([]);
});

test('a directory that goes away before it is listed is a failure, not empty', async () => {
  const root = freshFolder('sftp');
  mkdirSync(join(root, 'going/inner'), { recursive: true });
  mkdirSync(join(root, 'staying'));
  const session = changedSession(login.connection, (channel) => ({
    openDirectory: (path) => {
      if (path.endsWith('/going')) rmSync(path, { recursive: true });
      return channel.openDirectory(path);
    },
  }));
  const items = await scanAll(storageAt(session, root));
  expect(items.map((item) => [item.type, item.path])).toEqual([
    ['entry', 'going'],
    ['failure', 'going'],
    ['entry', 'staying'],
  ]);
});

test('a listing that breaks off is a failure, not a short one', async () => {
  const root = freshFolder('sftp');
  mkdirSync(join(root, 'big'));
  for (let i = 0; i < 1000; i++) writeFileSync(join(root, 'big', String(i)), '');
  let reads = 0;
  const session = changedSession(login.connection, (channel) => ({
    readDirectory: (handle) => {
      reads++;
      return reads === 6
        ? Promise.reject(new TowlineError('protocol', 'broken', { serverText: 'Failure' }))
        : channel.readDirectory(handle);
    },
  }));
  const items = await scanAll(storageAt(session, root));
  expect(items).toMatchObject([
    { type: 'entry', path: 'big' },
    { type: 'failure', path: 'big', error: { code: 'protocol', path: join(root, 'big') } },
  ]);
});

test('a lost link ends the scan, and the next one is whole', async () => {
  const root = freshFolder('sftp');
  for (let i = 0; i < 200; i++) mkdirSync(join(root, `d${i}`));
  let opened = 0;
  const session = changedSession(login.connection, (channel) => ({
    openDirectory: (path) => {
      opened++;
      if (opened === 50) for (const pid of login.sshd.sftpServers()) process.kill(pid, 'SIGKILL');
      return channel.openDirectory(path);
    },
  }));
  const storage = storageAt(session, root);
  expect(await codeOf(scanAll(storage))).toBe('network');
  expect(await scanAll(storage)).toHaveLength(200);
});
