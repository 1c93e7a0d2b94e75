/** What a shell may be used for where nothing may be written to find out what it sees. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/ports.js';
import { systemClock } from '../../src/system-clock.js';
import type { SftpChannel, SftpSession, StreamSession } from '../../src/ssh/channel.js';
import { startSftpServer } from '../../src/ssh/server/server.js';
import { RemoteShell } from '../../src/storage/sftp/shell/remote-shell.js';
import { createSftpStorage } from '../../src/storage/sftp/storage.js';
import { scanAll } from '../contract/side.js';
import { sessionTo } from '../support/embedded-session.js';
import { freshFolder } from '../support/folder.js';
import { canChroot, type SshdOptions } from '../support/sshd.js';
import {
  changedCommands,
  changedSession,
  everything,
  logIn,
  type Login,
  lookingShellAt,
  sessionWithout,
} from './sftp-side.js';

let login: Login;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());

const findAlone = {
  find: true,
  sha256sum: false,
  sort: false,
  inotifywait: false,
  tar: false,
  certain: false,
};

/** A server without inotify-tools. */
const withoutInotify = () =>
  changedCommands(login.connection, (script) => `inotifywait() { return 127; }; ${script}`);

function treeWith(...paths: string[]): string {
  const root = freshFolder('proof');
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), path);
  }
  return root;
}

const handful = ['a', 'b', 'c', 'd/e', 'f/g'];

/** SFTP shows `other` where the shell sees `seen`, as in a chroot. */
function elsewhere(seen: string, other: string): SftpSession {
  const there = (path: string) => (path === seen ? other : path.replace(`${seen}/`, `${other}/`));
  const keys = ['openDirectory', 'stat', 'lstat', 'lstatOrNull', 'space', 'readSymlink', 'openRead'] as const;
  return changedSession(login.connection, (channel) =>
    Object.fromEntries(keys.map((key) => [key, (path: string) => channel[key](there(path))])),
  );
}

function copyOf(root: string): string {
  const copy = join(freshFolder('proof'), 'copy');
  execFileSync('cp', ['-a', root, copy]);
  return copy;
}

describe('by what inotifywait tells of our own looking', () => {
  const writing = [
    'createExclusive',
    'openWrite',
    'write',
    'fsetstat',
    'copyData',
    'fsync',
    'setstat',
    'lsetstat',
    'makeDirectory',
    'removeDirectory',
    'removeFile',
    'rename',
    'posixRename',
    'makeSymlink',
  ] as const satisfies readonly (keyof SftpChannel)[];

  test.each([
    ['an empty root', []],
    ['a root with some entries', handful],
  ])('a shell in the same directory is certain, and nothing is written: %s', async (_what, paths) => {
    const root = treeWith(...paths);
    const before = lstatSync(root, { bigint: true });
    const asked: string[] = [];
    const session = changedSession(login.connection, () =>
      Object.fromEntries(
        writing.map((key) => [key, () => Promise.reject(new Error(String(asked.push(key))))]),
      ),
    );
    expect(await lookingShellAt(session, login.connection, root).tools()).toEqual(everything);
    const after = lstatSync(root, { bigint: true });
    expect(asked).toEqual([]);
    expect([after.mtimeNs, after.ctimeNs]).toEqual([before.mtimeNs, before.ctimeNs]);
    expect(readdirSync(root).sort()).toEqual([...new Set(paths.map((path) => path.split('/')[0]))].sort());
  });

  test('on a server that lets nobody write, too', async () => {
    const readOnly = await logIn({ sftpArguments: '-R' });
    onTestFinished(() => readOnly.end());
    const { connection } = readOnly;
    expect(await lookingShellAt(connection, connection, freshFolder('proof')).tools()).toEqual(everything);
  });

  test('without statvfs, too', async () => {
    const session = sessionWithout(login.connection, 'statvfs@openssh.com');
    expect(await lookingShellAt(session, login.connection, treeWith('a')).tools()).toEqual(everything);
  });

  test('a shell in a copy of it, times and all, is not used', async () => {
    const seen = treeWith(...handful);
    const session = elsewhere(seen, copyOf(seen));
    expect(await lookingShellAt(session, login.connection, seen).tools()).toBeNull();
  });

  /** SFTP opens the root and never reads in it; what is not told in a second is not told at all. */
  const opensOnly: Clock = {
    ...systemClock,
    random: () => 0.9,
    timer: (ms, callback) => systemClock.timer(ms === 4_000 ? 1_000 : ms, callback),
  };

  test('nor one in a copy that others look into', async () => {
    const root = treeWith(...handful);
    const moved = elsewhere(root, copyOf(root));
    let opened = 0;
    const session = changedSession(login.connection, () => ({
      openDirectory: async (path) => {
        opened++;
        readdirSync(root);
        return (await moved.channel('transfer')).openDirectory(path);
      },
    }));
    const commands = login.connection;
    const shell = new RemoteShell({ session, commands, root, clock: opensOnly, onlyLook: true });
    expect(await shell.tools()).toBeNull();
    expect(opened).toBe(36);
  });

  test('others who look into it at the same time do not matter for long', async () => {
    const root = treeWith('a');
    let opened = 0;
    const session = changedSession(login.connection, (channel) => ({
      openDirectory: (path) => {
        // In the middle of what is to be told.
        if (++opened === 6) readdirSync(root);
        return channel.openDirectory(path);
      },
    }));
    const commands = login.connection;
    const shell = new RemoteShell({ session, commands, root, clock: opensOnly, onlyLook: true });
    expect(await shell.tools()).toEqual(everything);
    expect(opened).toBe(24);
  });

  test('a missing root says nothing of the shell', async () => {
    const root = join(freshFolder('proof'), 'later');
    const shell = lookingShellAt(login.connection, login.connection, root);
    expect(await shell.tools()).toBeNull();
    mkdirSync(root);
    expect(await shell.tools()).toEqual(everything);
  });
});

describe('without inotifywait, by what both say of the root', () => {
  test.each([
    ['a handful of entries', handful],
    ['few entries, and more below', ['one/a', 'one/b', 'two/c']],
  ])('%s that agree are enough for find', async (_what, paths) => {
    const root = treeWith(...paths);
    const shell = lookingShellAt(login.connection, withoutInotify(), root);
    expect(await shell.tools()).toEqual(findAlone);
  });

  test.each([
    ['an empty root', []],
    ['a few entries', ['a', 'b', 'c/d']],
  ])('%s are not', async (_what, paths) => {
    const shell = lookingShellAt(login.connection, withoutInotify(), treeWith(...paths));
    expect(await shell.tools()).toBeNull();
  });

  test('nor is anything without statvfs', async () => {
    const session = sessionWithout(login.connection, 'statvfs@openssh.com');
    const shell = lookingShellAt(session, withoutInotify(), treeWith(...handful));
    expect(await shell.tools()).toBeNull();
  });

  test.each([
    ['another file system', (path: string) => ({ path, id: 1 })],
    ['another size', (path: string) => ({ path, blocks: 1 })],
    ['another number of inodes', (path: string) => ({ path, inodes: 1 })],
  ])('nor is %s', async (_what, other) => {
    const root = treeWith(...handful);
    const session = changedSession(login.connection, (channel) => ({
      space: async (path) => {
        const { freeBytes, identity } = await channel.space(path);
        return { freeBytes, identity: { ...identity!, ...other(path) } };
      },
    }));
    expect(await lookingShellAt(session, withoutInotify(), root).tools()).toBeNull();
  });

  test.each([
    ['the same names at other times', (copy: string) => utimesSync(join(copy, 'b'), 1000, 1000)],
    ['one more name', (copy: string) => writeFileSync(join(copy, 'new'), 'x')],
    ['another size', (copy: string) => sameTime(copy, 'a', () => writeFileSync(join(copy, 'a'), 'longer'))],
    ['another mode', (copy: string) => execFileSync('chmod', ['755', join(copy, 'c')])],
    ['the root at another time', (copy: string) => utimesSync(copy, 1000, 1000)],
  ])('a copy with %s is not believed', async (_what, change) => {
    const seen = treeWith(...handful);
    const copy = copyOf(seen);
    change(copy);
    expect(await lookingShellAt(elsewhere(seen, copy), withoutInotify(), seen).tools()).toBeNull();
  });

  test.each([
    ['once is looked at again', 1, findAlone],
    ['each time is not believed', 2, null],
  ])('what changes between the two looks %s', async (_what, times, expected) => {
    const root = treeWith(...handful);
    let changes = 0;
    const commands = changedCommands(withoutInotify(), (script) => {
      if (script.includes('stat -f') && changes < times)
        writeFileSync(join(root, `new${String(changes++)}`), '');
      return script;
    });
    expect(await lookingShellAt(login.connection, commands, root).tools()).toEqual(expected);
    expect(changes).toBe(times);
  });
});

test('a shell that may be in a copy is used for hints, and never for what is relied on', async () => {
  const seen = treeWith(...handful);
  const other = copyOf(seen);
  const session = elsewhere(seen, other);
  const commands = withoutInotify();
  const finds: Promise<unknown>[] = [];
  const counting: StreamSession = {
    label: commands.label,
    epoch: commands.epoch,
    stream: (script, options) => {
      const stream = commands.stream(script, options);
      if (script.includes('-mindepth 1 -noleaf')) finds.push(stream.ended);
      return stream;
    },
  };
  // No folder is listed before the find that was begun has told everything.
  const patient = changedSession(session, (channel) => ({
    openDirectory: async (path) => {
      await nextTurn();
      await Promise.all(finds);
      await nextTurn();
      return channel.openDirectory(path);
    },
  }));
  const shell = lookingShellAt(session, counting, seen);
  expect(await shell.tools()).toEqual(findAlone);
  const options = {
    session: patient,
    root: seen,
    label: `box:${seen}`,
    clock: systemClock,
    shell,
    large: true,
  };
  // A new one each time: of this one tree it is soon known that it is not large.
  const paths = async (hint: boolean) =>
    (await scanAll(createSftpStorage(options), { hint })).map(({ path }) => path);
  const known = ['a', 'b', 'c', 'd', 'd/e', 'f', 'f/g'];
  expect(await paths(true)).toEqual(known);
  expect(finds).toHaveLength(1);
  writeFileSync(join(other, 'd/new'), 'x');
  expect(await paths(true)).toEqual(known);
  expect(finds).toHaveLength(2);
  expect(await paths(false)).toEqual(['a', 'b', 'c', 'd', 'd/e', 'd/new', 'f', 'f/g']);
  expect(finds).toHaveLength(2);
  expect(await createSftpStorage(options).hashInPlace([{ path: 'a' }])).toBeNull();
});

describe.each([
  ['ForceCommand internal-sftp', { forceInternalSftp: true }, true],
  ['a chroot', { chroot: true }, canChroot()],
] as [string, SshdOptions, boolean][])('%s', (_name, options, possible) => {
  test.runIf(possible)('is a server without a shell', async () => {
    const files = await logIn(options);
    onTestFinished(() => files.end());
    const root = files.sshd.chrootFolder === null ? treeWith(...handful) : '/data';
    expect(await lookingShellAt(files.connection, files.connection, root).tools()).toBeNull();
  });
});

test('a server that runs no commands and knows no extensions is one without a shell', async () => {
  const server = await startSftpServer({ root: treeWith(...handful), extensions: [] });
  onTestFinished(() => server.stop());
  const connection = await sessionTo(server);
  expect(await lookingShellAt(connection, connection, '/').tools()).toBeNull();
});

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Changes a file and keeps its time. */
function sameTime(root: string, name: string, change: () => void): void {
  const { atimeMs, mtimeMs } = lstatSync(join(root, name));
  change();
  utimesSync(join(root, name), atimeMs / 1000, mtimeMs / 1000);
}
