import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { codeOf, tempOf } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { changedSession, logIn, storageAt, type Login } from './sftp-side.js';

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
