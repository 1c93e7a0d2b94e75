import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { codeOf, tempOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { changedSession, logIn, sessionWithout, storageAt, type Login } from './sftp-side.js';

let login: Login;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());

/** A folder with a temp of 100 bytes that was left. */
async function left(): Promise<string> {
  const root = join(freshFolder('sftp-resume'), 'root');
  await mkdir(root);
  const temp = await storageAt(login.connection, root).createTemp('file', tempOf(1));
  await temp.write(Buffer.alloc(100), 0);
  expect(await temp.leave()).toBe(100);
  return root;
}

test.each([
  ['refuses to cut', () => Promise.reject(new TowlineError('unsupported', 'no'))],
  ['says it has cut, and has not', () => Promise.resolve()],
])('on a server that %s nothing is continued', async (_, fsetstat) => {
  const root = await left();
  const storage = storageAt(
    changedSession(login.connection, () => ({ fsetstat })),
    root,
  );
  expect(await storage.resumeTemp('file', tempOf(1), tempOf(2), 50)).toBeNull();
  expect(await readdir(root)).toEqual([tempOf(2)]);
});

test('a lost link is no answer: the caller tries again later', async () => {
  const root = await left();
  const gone = () => Promise.reject(new TowlineError('network', 'gone'));
  for (const change of [{ rename: gone }, { lstat: gone }, { openWrite: gone }, { fsetstat: gone }]) {
    const [before] = (await readdir(root)) as [string];
    const fresh = tempOf(Math.floor(Math.random() * 1e12));
    const storage = storageAt(
      changedSession(login.connection, () => change),
      root,
    );
    const code = await codeOf(storage.resumeTemp('file', before, fresh, 50));
    expect([Object.keys(change)[0], code]).toEqual([Object.keys(change)[0], 'network']);
  }
  const [last] = (await readdir(root)) as [string];
  const temp = await storageAt(login.connection, root).resumeTemp('file', last, tempOf(9), 50);
  expect(temp?.acknowledged).toBe(50);
});

describe('what is continued apart from what was left', () => {
  const before = (root: string) => readFile(join(root, tempOf(1)));

  test('is another file: a session that still writes to the old one does not reach it', async () => {
    const root = await left();
    const stale = await open(join(root, tempOf(1)), 'r+');
    const temp = await storageAt(login.connection, root).resumeTemp('file', tempOf(1), tempOf(2), 60, true);
    expect(await readdir(root)).toEqual([tempOf(2)]);
    await temp!.write(Buffer.alloc(40, 'n'), 60);
    await stale.write(Buffer.alloc(40, 'o'), 0, 40, 60);
    await stale.close();
    await temp!.complete({ size: 100, sync: false });
    await temp!.publish(null);
    const expected = Buffer.concat([Buffer.alloc(60), Buffer.alloc(40, 'n')]);
    expect((await readFile(join(root, 'file'))).equals(expected)).toBe(true);
  });

  test('is not where the server cannot copy; what was left stays for who removes it', async () => {
    const root = await left();
    const storage = storageAt(sessionWithout(login.connection, 'copy-data'), root);
    expect(await storage.resumeTemp('file', tempOf(1), tempOf(2), 60, true)).toBeNull();
    expect((await before(root)).length).toBe(100);
  });

  test('is not when less is there than was promised, nor when the old one cannot be removed', async () => {
    const root = await left();
    const storage = storageAt(login.connection, root);
    expect(await storage.resumeTemp('file', tempOf(1), tempOf(2), 101, true)).toBeNull();
    const stubborn = changedSession(login.connection, () => ({
      removeFile: () => Promise.reject(new TowlineError('permission', 'no')),
    }));
    expect(await storageAt(stubborn, root).resumeTemp('file', tempOf(1), tempOf(3), 60, true)).toBeNull();
    expect(await storage.removeTemps([tempOf(1), tempOf(3)])).toHaveLength(2);
    expect(await readdir(root)).toEqual([]);
  });
});
