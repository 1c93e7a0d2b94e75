import { rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { resolveRemote } from '../../src/remote.js';
import type { StreamSession } from '../../src/ssh/channel.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { startSshd } from '../support/sshd.js';
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

test('a probe that a lost link left behind is removed over the next one', async () => {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  const root = freshFolder('probe');
  const remote = await resolveRemote(
    { remote: `box:${root}`, sshConfig: sshd.sshConfigFile },
    null,
    process.env,
  );
  const opened = remote.open({ log: silence, mayWrite: true });
  onTestFinished(() => opened.close());
  const { storage, link } = opened;
  await link.ready();
  // From now on what is asked of the shell takes for ever.
  const loginScript = join(sshd.folder, 'home', '.bashrc');
  writeFileSync(loginScript, 'exec sleep 600\n');
  const hashes = storage.hashInPlace([{ path: 'a' }]);
  await eventually(async () => {
    expect(await readdir(root)).toHaveLength(1);
  });
  rmSync(loginScript);

  sshd.killSessions();
  await expect(hashes).rejects.toMatchObject({ code: 'network' });
  expect(await readdir(root)).toHaveLength(1);
  await eventually(async () => {
    expect(await readdir(root)).toEqual([]);
  });
});
