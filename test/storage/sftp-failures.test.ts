import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TowlineError, type ErrorCode } from '../../src/core/errors.js';
import type { Attributes, SftpChannel } from '../../src/ssh/channel.js';
import { codeOf, completeTemp, entryAt, observed, scanAll, tempOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { changedSession, logIn, sessionWithout, storageAt, type Login } from './sftp-side.js';

let login: Login;
let root: string;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());
beforeEach(() => {
  root = freshFolder('sftp');
});

const refused = (code: ErrorCode = 'protocol') => {
  const error = new TowlineError(code, 'the server said no', { serverText: 'Failure' });
  return () => Promise.reject(error);
};

/** The storage over a channel of which some answers are ours. */
const changed = (change: (channel: SftpChannel) => Partial<SftpChannel>) =>
  storageAt(changedSession(login.connection, change), root);

const failedWrite = async () => {
  const acknowledged = refused()();
  acknowledged.catch(() => undefined);
  return { acknowledged };
};

describe('a write that the server answers with "Failure"', () => {
  test.each([
    ['no space is left', async () => ({ freeBytes: 3 }), 'no-space'],
    ['there is space', async () => ({ freeBytes: 1e12 }), 'protocol'],
    ['the server cannot tell', refused('unsupported'), 'protocol'],
  ] as const)('%s', async (_name, space, code) => {
    const storage = changed(() => ({ write: failedWrite, space }));
    const temp = await storage.createTemp('file', tempOf(1));
    await temp.write(Buffer.from('four'), 0);
    const completed = temp.complete({ size: 4, sync: false });
    await expect(completed).rejects.toMatchObject({ code, path: join(root, 'file'), serverText: 'Failure' });
    await expect(completed).rejects.toThrow(join(root, 'file'));
    expect(temp.acknowledged).toBe(0);
    expect(await temp.discard()).toBe(true);
    expect(await readdir(root)).toEqual([]);
  });

  test('refuses the next write already', async () => {
    const storage = changed(() => ({ write: failedWrite, space: async () => ({ freeBytes: 0 }) }));
    const temp = await storage.createTemp('file', tempOf(1));
    await temp.write(Buffer.from('four'), 0);
    expect(await codeOf(temp.write(Buffer.from('more'), 4))).toBe('no-space');
    await temp.discard();
  });

  test.each(['fsync', 'closeHandle'] as const)('so does a failing %s', async (call) => {
    const storage = changed(() => ({ [call]: refused(), space: async () => ({ freeBytes: 0 }) }));
    const temp = await storage.createTemp('file', tempOf(1));
    expect(await codeOf(temp.complete({ size: 0, sync: true }))).toBe('no-space');
    await temp.discard();
  });
});

describe('other failures are told apart', () => {
  test('a name that is too long', async () => {
    const storage = storageAt(login.connection, root);
    const long = 'n'.repeat(256);
    expect(await codeOf(storage.makeDirectory(long, 0o755))).toBe('name');
    expect(await storage.observe([long])).toMatchObject([{ code: 'name', hint: expect.any(String) }]);
    // Before anything is sent, though the temp could be made.
    expect(await codeOf(storage.createTemp(long, tempOf(1)))).toBe('name');
    expect(await readdir(root)).toEqual([]);
  });

  test.each([
    ['it takes 143 bytes', { freeBytes: 1e12, nameBytesMax: 143 }, 'name'],
    ['it takes 255 bytes', { freeBytes: 1e12, nameBytesMax: 255 }, 'protocol'],
    ['it does not say', { freeBytes: 1e12 }, 'protocol'],
  ] as const)('a name of 144 bytes that the server refuses: %s', async (_, space, code) => {
    const storage = changed(() => ({ lstatOrNull: refused(), space: async () => space }));
    expect(await storage.observe(['n'.repeat(144)])).toMatchObject([{ code }]);
  });

  test('the server tells how long a name may be', async () => {
    const { nameBytesMax } = await (await login.connection.channel('transfer')).space(root);
    expect(nameBytesMax).toBe(255);
  });

  test('a temp that somebody removed', async () => {
    const storage = storageAt(login.connection, root);
    const { temp } = await completeTemp(storage, 'file', 'x');
    await storage.removeTemps([tempOf(1)]);
    expect(await codeOf(temp.publish(null))).toBe('not-found');
  });

  test('the lost link is the answer, also while asking what was meant', async () => {
    const storage = changed(() => ({ createExclusive: refused(), lstat: refused('network') }));
    expect(await codeOf(storage.createTemp('file', tempOf(1)))).toBe('network');
  });

  test('the root is a file, or a link that leads nowhere', async () => {
    await writeFile(join(root, 'file'), 'x');
    await symlink('nowhere', join(root, 'link'));
    for (const name of ['file', 'link']) {
      const storage = storageAt(login.connection, join(root, name));
      const ensured = storage.ensureRoot({ parents: true });
      await expect(ensured).rejects.toMatchObject({ code: 'configuration', path: join(root, name) });
    }
  });

  test('a root that is a link to a directory will do', async () => {
    await mkdir(join(root, 'real'));
    await symlink('real', join(root, 'link'));
    const storage = storageAt(login.connection, join(root, 'link/'));
    await storage.ensureRoot({ parents: false });
    const { temp } = await completeTemp(storage, 'file', 'x');
    await temp.publish(null);
    expect(await readdir(join(root, 'real'))).toEqual(['file']);
    expect(await observed(storage, '')).toMatchObject({ kind: 'directory' });
  });

  test('a failure to observe one path is its own', async () => {
    await writeFile(join(root, 'good'), 'x');
    const storage = changed((channel) => ({
      lstat: (path) => (path.endsWith('bad') ? refused('permission')() : channel.lstat(path)),
    }));
    const seen = await storage.observe(['bad', 'good', 'bad/below']);
    expect(seen).toMatchObject([{ code: 'permission' }, { kind: 'file' }, { code: 'permission' }]);
  });
});

describe('servers that do otherwise', () => {
  const mtimeMs = 1_500_000_000_000;

  test('refused attributes fail nothing: the entry tells', async () => {
    const storage = changed(() => ({ fsetstat: refused('permission') }));
    const { temp, made } = await completeTemp(storage, 'file', 'x', { mode: 0o644, mtimeMs });
    expect(made.mode).toBe(0o600);
    expect(made.mtimeMs).not.toBe(mtimeMs);
    await temp.publish(null);
  });

  test('a refused owner loses neither mode nor time', async () => {
    const storage = changed((channel) => ({
      fsetstat: (handle, attributes) =>
        attributes.uid === undefined ? channel.fsetstat(handle, attributes) : refused('permission')(),
    }));
    const temp = await storage.createTemp('file', tempOf(1));
    const owner = { uid: 33, gid: 33 };
    const { made } = await temp.complete({ size: 0, mode: 0o640, mtimeMs, owner, sync: false });
    expect(made).toMatchObject({ mode: 0o640, mtimeMs });
    await temp.discard();
  });

  test.skipIf(process.getuid?.() !== 0)(
    'the owner is kept where that is allowed, with set-id bits',
    async () => {
      const storage = storageAt(login.connection, root);
      const temp = await storage.createTemp('file', tempOf(1));
      await temp.complete({ size: 0, mode: 0o4755, owner: { uid: 33, gid: 34 }, sync: false });
      await temp.publish(null);
      const there = await stat(join(root, 'file'));
      expect([there.uid, there.gid, there.mode & 0o7777]).toEqual([33, 34, 0o4755]);
    },
  );

  test('out of order: the time was set before the last write', async () => {
    const storage = changed(() => ({ fsetstat: async () => undefined }));
    const { temp, made } = await completeTemp(storage, 'file', 'x', { mode: 0o644, mtimeMs });
    expect(made).toMatchObject({ mode: 0o644, mtimeMs });
    await temp.publish(null);
    expect((await stat(join(root, 'file'))).mtimeMs).toBe(mtimeMs);
  });

  test('out of order: the size was measured before the last write', async () => {
    const storage = changed((channel) => ({
      fstat: async (handle) => ({ ...(await channel.fstat(handle)), size: 0 }),
    }));
    const { temp, made } = await completeTemp(storage, 'file', 'hello');
    expect(made.size).toBe(5);
    await temp.discard();
  });

  test('short reads anywhere', async () => {
    const text = 'abcdefghij'.repeat(500);
    await writeFile(join(root, 'file'), text);
    const storage = changed((channel) => ({
      maxReadBytes: 64,
      read: (handle, offset, length) => channel.read(handle, offset, Math.min(length, 7)),
    }));
    expect(await storage.readText('file')).toBe(text);
  });

  test('names listed without their type are looked at', async () => {
    await mkdir(join(root, 'folder'));
    await writeFile(join(root, 'folder/file'), 'hello');
    await symlink('file', join(root, 'folder/link'));
    const storage = changed((channel) => ({
      readDirectory: async (handle) =>
        (await channel.readDirectory(handle))?.map(({ name }) => ({ name, attributes: {} })) ?? null,
    }));
    expect(await scanAll(storage)).toMatchObject([
      { path: 'folder', entry: { kind: 'directory' } },
      { path: 'folder/file', entry: { kind: 'file', size: 5 } },
      { path: 'folder/link', entry: { kind: 'symlink', target: 'file' } },
    ]);
  });

  test('times before 1970 and after 2106 are set to the nearest that can be carried', async () => {
    const storage = storageAt(login.connection, root);
    for (const [wanted, made] of [
      [-86_400_000, 0],
      [2 ** 32 * 1000, (2 ** 32 - 1) * 1000],
    ] as const) {
      const complete = await completeTemp(storage, 'file', 'x', { mtimeMs: wanted });
      expect(complete.made.mtimeMs).toBe(made);
      await complete.temp.discard();
    }
  });

  test('a link whose target cannot be carried is refused, and leaves nothing', async () => {
    const storage = storageAt(login.connection, root);
    for (const target of ['', 'a\0b', 'bad\ufffd', 'lone\ud800']) {
      expect(await codeOf(storage.makeSymlink('l', { target, mtimeMs: 0 }, tempOf(1), null))).toBe('name');
    }
    expect(await readdir(root)).toEqual([]);
  });

  test('a link is set its time where that can be done; elsewhere the entry tells that it was not', async () => {
    await symlink('target', join(root, 'link'));
    const storage = storageAt(login.connection, root);
    const link = await storage.setMetadata('link', await entryAt(storage, 'link'), { mtimeMs, mode: 0o600 });
    expect(link).toMatchObject({ kind: 'symlink', mtimeMs });
    const poor = storageAt(sessionWithout(login.connection, 'lsetstat@openssh.com'), root);
    expect(await poor.setMetadata('link', link, { mtimeMs: 0 })).toMatchObject({ kind: 'symlink', mtimeMs });
  });
});

describe('the clock of the server', () => {
  const withClock = (aheadMs: number) =>
    changed((channel) => ({
      fstat: async (handle): Promise<Attributes> => {
        const attributes = await channel.fstat(handle);
        return { ...attributes, mtime: (attributes.mtime ?? 0) + aheadMs / 1000 };
      },
    }));

  test('is measured to about a second, and the probe is gone', async () => {
    expect(await withClock(0).clockOffsetMs()).toBe(0);
    const offsetMs = await withClock(3_600_000).clockOffsetMs();
    expect(Math.round(offsetMs / 10_000)).toBe(360);
    expect(await readdir(root)).toEqual([]);
  });

  test('is taken for ours where nothing can be written', async () => {
    expect(await changed(() => ({ createExclusive: refused('permission') })).clockOffsetMs()).toBe(0);
    expect(await codeOf(changed(() => ({ createExclusive: refused('network') })).clockOffsetMs())).toBe(
      'network',
    );
  });
});

test('what is published without posix-rename is whole', async () => {
  await writeFile(join(root, 'file'), 'old');
  const storage = storageAt(sessionWithout(login.connection, 'posix-rename@openssh.com'), root);
  const expected = await entryAt(storage, 'file');
  expect(storage.capabilities.atomicReplace).toBe(false);
  const { temp } = await completeTemp(storage, 'file', 'new');
  await temp.publish(expected);
  expect(await readFile(join(root, 'file'), 'utf8')).toBe('new');
});
