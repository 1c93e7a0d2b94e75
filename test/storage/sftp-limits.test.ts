/** What needs a file system of its own, or a server that may not do everything. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, completeTemp, entryAt, tempOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import {
  canDropPrivileges,
  changedSession,
  logIn,
  sessionWithout,
  storageAt,
  unprivilegedServer,
  type Login,
} from './sftp-side.js';

const isRoot = process.getuid?.() === 0;

function canMount(): boolean {
  if (!isRoot) return false;
  const folder = freshFolder('mount');
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status !== 0) return false;
  return spawnSync('umount', [folder]).status === 0;
}

describe.skipIf(!canMount())('a full disk (needs the right to mount a tmpfs)', () => {
  const mib = 1024 * 1024;
  let login: Login;
  let root: string;
  beforeAll(async () => {
    login = await logIn();
    root = freshFolder('full');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', root]);
  });
  afterAll(async () => {
    await login.end();
    execFileSync('umount', [root]);
  });

  test('is told as such, keeps the old file, and its space comes back', async () => {
    const storage = storageAt(login.connection, root);
    await completeTemp(storage, 'file', 'old').then(({ temp }) => temp.publish(null));
    expect(await storage.freeBytes('some/new/file')).toBeLessThanOrEqual(4 * mib);

    const expected = await entryAt(storage, 'file');
    const large = await storage.createTemp('file', tempOf(2));
    const written = large.write(Buffer.alloc(8 * mib, 'x'), 0);
    expect(await codeOf(written.then(() => large.complete({ size: 8 * mib, sync: false })))).toBe('no-space');
    expect(await large.discard()).toBe(true);
    expect(readdirSync(root)).toEqual(['file']);
    expect(await storage.freeBytes('file')).toBeGreaterThan(3 * mib);

    const { temp } = await completeTemp(storage, 'file', Buffer.alloc(2 * mib, 'x'), { name: tempOf(3) });
    await temp.publish(expected);
    expect((await entryAt(storage, 'file')).size).toBe(2 * mib);
    rmSync(join(root, 'file'));
  });

  test('without statvfs the server`s words are passed on, with the usual reasons', async () => {
    const storage = storageAt(sessionWithout(login.connection, 'statvfs@openssh.com'), root);
    const full = completeTemp(storage, 'file', Buffer.alloc(8 * mib, 'x'));
    await expect(full).rejects.toMatchObject({ code: 'protocol', serverText: 'Failure' });
    await expect(full).rejects.toThrow(/quota/);
    await storage.removeTemps([tempOf(1)]);
  });
});

describe.skipIf(!canDropPrivileges)('a server that may not do everything (needs root and setpriv)', () => {
  let login: Login;
  beforeAll(async () => {
    login = await logIn({ config: [`ForceCommand ${unprivilegedServer}`] });
  });
  afterAll(() => login.end());

  test('a directory that cannot be written is `permission`, with its path, for every change', async () => {
    const root = freshFolder('sftp');
    await mkdir(join(root, 'closed/inner'), { recursive: true });
    await writeFile(join(root, 'closed/file'), 'x');
    await chmod(join(root, 'closed'), 0o555);
    const storage = storageAt(login.connection, root);
    const file = await entryAt(storage, 'closed/file');
    const inner = await entryAt(storage, 'closed/inner');
    const link = { target: 't', mtimeMs: 0 };
    const changes = {
      createTemp: () => storage.createTemp('closed/new', tempOf(1)),
      makeDirectory: () => storage.makeDirectory('closed/new', 0o755),
      makeSymlink: () => storage.makeSymlink('closed/new', link, tempOf(1), null),
      remove: () => storage.remove('closed/file', file),
      removeDirectory: () => storage.remove('closed/inner', inner),
      ensureRoot: () => storageAt(login.connection, join(root, 'closed/new')).ensureRoot({ parents: true }),
    };
    for (const [name, change] of Object.entries(changes)) {
      const failed = change();
      await expect(failed, name).rejects.toMatchObject({
        code: 'permission',
        serverText: 'Permission denied',
      });
      await expect(failed, name).rejects.toThrow(join(root, 'closed'));
    }
    expect(await storage.removeTemps([`closed/${tempOf(1)}`])).toEqual([`closed/${tempOf(1)}`]);
    expect((await readdir(join(root, 'closed'))).sort()).toEqual(['file', 'inner']);
    await chmod(join(root, 'closed'), 0o755);
  });

  test('a file that cannot be read is `permission`', async () => {
    const root = freshFolder('sftp');
    await writeFile(join(root, 'secret'), 'x');
    await chmod(join(root, 'secret'), 0);
    const storage = storageAt(login.connection, root);
    expect(await codeOf(storage.openSource('secret'))).toBe('permission');
    expect(await codeOf(storage.readText('secret'))).toBe('permission');
    expect(await codeOf(storage.hash('secret'))).toBe('permission');
  });

  test('the owner of a replaced file is left where it cannot be kept; mode and time are set', async () => {
    const root = freshFolder('sftp');
    const storage = storageAt(login.connection, root);
    const temp = await storage.createTemp('file', tempOf(1));
    const owner = { uid: 33, gid: 33 };
    const { made } = await temp.complete({
      size: 0,
      mode: 0o640,
      mtimeMs: 1_500_000_000_000,
      owner,
      sync: false,
    });
    expect(made).toMatchObject({ mode: 0o640, mtimeMs: 1_500_000_000_000, uid: 0 });
    await temp.discard();
  });
});

describe('a server that does not force content to disk', () => {
  let login: Login;
  beforeAll(async () => {
    login = await logIn();
  });
  afterAll(() => login.end());

  test('is not asked to: what was to be synced is written all the same, and the capability says so', async () => {
    const root = freshFolder('no-fsync');
    const storage = storageAt(sessionWithout(login.connection, 'fsync@openssh.com'), root);
    const temp = await storage.createTemp('file', tempOf(1));
    expect(storage.capabilities.fsync).toBe(false);
    await temp.write(Buffer.from('content'), 0);
    expect((await temp.complete({ size: 7, sync: true })).made.size).toBe(7);
    await temp.publish(null);
    expect(readdirSync(root)).toEqual(['file']);
  });

  test('and one that does is asked before the rename', async () => {
    const calls: string[] = [];
    const session = changedSession(login.connection, (channel) => ({
      fsync: (handle) => {
        calls.push('fsync');
        return channel.fsync(handle);
      },
      rename: (from, to) => {
        calls.push('rename');
        return channel.rename(from, to);
      },
    }));
    for (const sync of [true, false]) {
      const storage = storageAt(session, freshFolder('fsync'));
      const temp = await storage.createTemp('file', tempOf(1));
      await temp.write(Buffer.from('content'), 0);
      await temp.complete({ size: 7, sync });
      await temp.publish(null);
    }
    expect(calls).toEqual(['fsync', 'rename', 'rename']);
  });
});
