import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectTo } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { startProxy } from '../support/proxy.js';
import { canChroot, type SshdOptions } from '../support/sshd.js';
import {
  changedCommands,
  changedSession,
  everything,
  logIn,
  shellAt,
  storageWithShell,
  type Login,
} from './sftp-side.js';

let login: Login;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());

test('a shell that sees the root is known with its tools, and nothing is left behind', async () => {
  const root = join(freshFolder('shell'), "it's a\nroot");
  mkdirSync(root);
  const shell = shellAt(login.connection, login.connection, root);
  expect(await shell.tools()).toEqual(everything);
  await eventually(() => expect(readdirSync(root)).toEqual([]));
});

test('a root relative to the login directory is found too', async () => {
  const home = await (await login.connection.channel('transfer')).realPath('.');
  const root = freshFolder('shell');
  const relative = `${'../'.repeat(home.split('/').length)}${root.slice(1)}`;
  expect(await shellAt(login.connection, login.connection, relative).tools()).toEqual(everything);
});

test('it is asked once per connection, at the first use, and anew on the next', async () => {
  const proxy = await startProxy({ targetPort: login.sshd.port });
  const connection = connectTo(login.sshd, { port: proxy.port });
  onTestFinished(async () => {
    await connection.close();
    await proxy.stop();
  });
  await connection.ready();
  const commands = changedCommands(connection, (script) => script);
  const shell = shellAt(connection, commands, freshFolder('shell'));
  expect(commands.scripts).toHaveLength(0);
  await Promise.all([shell.tools(), shell.tools()]);
  await shell.tools();
  expect(commands.scripts).toHaveLength(1);
  const { epoch } = connection;
  proxy.dropAll();
  await eventually(() => expect(connection.epoch).toBe(epoch + 1));
  expect(await shell.tools()).toEqual(everything);
  expect(commands.scripts).toHaveLength(2);
});

test('a shell that sees another tree is not used', async () => {
  const [seen, other] = [freshFolder('shell'), freshFolder('shell')];
  writeFileSync(join(seen, 'a'), 'x');
  writeFileSync(join(other, 'a'), 'y');
  // As in a chroot: the same names lead elsewhere.
  const session = changedSession(login.connection, (channel) => ({
    createExclusive: (path, mode) => channel.createExclusive(path.replace(seen, other), mode),
    removeFile: (path) => channel.removeFile(path.replace(seen, other)),
  }));
  expect(await shellAt(session, login.connection, seen).tools()).toBeNull();
  expect(await storageWithShell(session, login.connection, seen).hashInPlace([{ path: 'a' }])).toBeNull();
  expect(readdirSync(other)).toEqual(['a']);
});

test('where nothing can be written nothing is proven', async () => {
  const readOnly = await logIn({ sftpArguments: '-R' });
  onTestFinished(() => readOnly.end());
  expect(await shellAt(readOnly.connection, readOnly.connection, freshFolder('shell')).tools()).toBeNull();
});

test('a missing root says nothing of the shell', async () => {
  const root = join(freshFolder('shell'), 'later');
  const shell = shellAt(login.connection, login.connection, root);
  expect(await shell.tools()).toBeNull();
  mkdirSync(root);
  expect(await shell.tools()).toEqual(everything);
});

test('what only repeats the question has not answered it', async () => {
  const parrot = changedCommands(login.connection, (script) => `cat <<'END'\n${script}\nEND\n`);
  expect(await shellAt(login.connection, parrot, freshFolder('shell')).tools()).toBeNull();
  expect(parrot.scripts).toHaveLength(1);
});

test.each(['find', 'sha256sum', 'sort', 'inotifywait', 'tar'] as const)(
  'without a working %s the others are used',
  async (tool) => {
    const without = changedCommands(login.connection, (script) => `${tool}() { echo something; }; ${script}`);
    const tools = await shellAt(login.connection, without, freshFolder('shell')).tools();
    expect(tools).toMatchObject({ [tool]: false, ...(tool === 'find' ? { sort: true } : { find: true }) });
    if (tool !== 'inotifywait') expect(tools?.inotifywait).toBe(true);
  },
);

describe.each([
  ['ForceCommand internal-sftp', { forceInternalSftp: true }, true],
  ['a chroot', { chroot: true }, canChroot()],
] as [string, SshdOptions, boolean][])('%s', (_name, options, possible) => {
  test.runIf(possible)('is a server without a shell', async () => {
    const files = await logIn(options);
    onTestFinished(() => files.end());
    const root = files.sshd.chrootFolder === null ? freshFolder('shell') : '/data';
    const shell = shellAt(files.connection, files.connection, root);
    expect(await shell.tools()).toBeNull();
    await expect(shell.start('find', 'true')).rejects.toMatchObject({ code: 'unsupported' });
  });
});
