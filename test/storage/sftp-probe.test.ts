import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StreamSession } from '../../src/ssh/channel.js';
import { freshFolder } from '../support/folder.js';
import { logIn, type Login, shellAt } from './sftp-side.js';

let login: Login;

beforeAll(async () => {
  login = await logIn();
});

afterAll(() => login.end());

test('a run that ends while the shell is still being asked leaves no probe behind', async () => {
  const root = freshFolder('probe');
  const { connection } = login;
  const asked = Promise.withResolvers<void>();
  const slow: StreamSession = {
    label: connection.label,
    get epoch() {
      return connection.epoch;
    },
    stream: (_script, run) => {
      asked.resolve();
      return connection.stream('exec sleep 600', run);
    },
  };
  const shell = shellAt(connection, slow, root);
  const tools = shell.tools();
  await asked.promise;
  expect(await readdir(root)).toHaveLength(1);

  await shell.close();
  expect(await readdir(root)).toEqual([]);
  expect(await tools).toBeNull();
});
