/** The driver alone, with a real ssh and a real server: what our own connection would have refused before. */
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { createDriver, type Driver } from '../../src/rsync/driver.js';
import type { Item } from '../../src/rsync/itemized.js';
import type { RsyncServer } from '../../src/rsync/server.js';
import { systemClock } from '../../src/system-clock.js';
import type { Clock } from '../../src/ports.js';
import { freshFolder } from '../support/folder.js';
import { freePort, type TestSshd, startSshd } from '../support/sshd.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** Nobody waits between attempts. */
const hurried: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic(),
  random: () => 0.5,
  timer: (ms, callback) => systemClock.timer(ms > 500 ? 0 : ms, callback),
};

interface Setting {
  readonly local: string;
  readonly remote: string;
  readonly driver: Driver;
}

function setting(
  server: Partial<RsyncServer> = {},
  env: Record<string, string | undefined> = process.env,
): Setting {
  const folder = freshFolder('driver');
  const [local, remote] = [join(folder, 'local'), join(folder, 'remote')];
  mkdirSync(local);
  mkdirSync(join(remote, '.towline-a-rsync.tmp'), { recursive: true });
  const driver = createDriver({
    run: {
      way: 'push',
      local,
      server: {
        host: 'box',
        user: null,
        port: null,
        path: remote,
        identityFiles: [],
        configFile: sshd.sshConfigFile,
        acceptNew: false,
        label: `box:${remote}`,
        ...server,
      },
      tempName: '.towline-a-rsync.tmp',
      partialName: '.towline-a-partial.tmp',
      bwlimit: null,
      chmod: '',
      fsync: false,
    },
    env,
    clock: hurried,
    log: silence,
    signal: new AbortController().signal,
  });
  return { local, remote, driver };
}

/** An ssh_config for the same server with other lines first. */
function configWith(...lines: string[]): string {
  const file = join(freshFolder('ssh'), 'ssh_config');
  writeFileSync(
    file,
    `Host box\n${lines.map((line) => `  ${line}\n`).join('')}${readFileSync(sshd.sshConfigFile, 'utf8')}`,
  );
  return file;
}

const carry = ({ driver }: Setting, paths: readonly string[] = ['a']) =>
  driver.carry(
    () => paths,
    () => undefined,
  );

test('names that look like options, comments and patterns arrive, and are told as they are', async () => {
  const given = setting();
  const names = [
    '-rf',
    '--delete',
    '#a',
    ';b',
    '*',
    '[x]',
    'quo\'te"s',
    'new\nline',
    'back\\#012',
    ' lead',
    'trail ',
    '$HOME',
    '`id`',
    'ünï',
  ];
  for (const name of names) writeFileSync(join(given.local, name), name);
  const told: Item[] = [];
  expect(
    await given.driver.carry(
      () => names,
      (item) => told.push(item),
    ),
  ).toBeNull();
  for (const name of names) expect(readFileSync(join(given.remote, name), 'utf8')).toBe(name);
  expect(told.map(({ path }) => path).sort()).toEqual([...names].sort());
  expect(told.every(({ done, path, size }) => done === 'file' && size === Buffer.byteLength(path))).toBe(
    true,
  );
});

test('a key that is not accepted', async () => {
  const other = join(freshFolder('key'), 'other');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
  const env = { ...process.env, SSH_AUTH_SOCK: undefined };
  const file = configWith('IdentitiesOnly yes');
  writeFileSync(file, readFileSync(file, 'utf8').replace(sshd.keyFile, other));
  await expect(carry(setting({ configFile: file }, env))).rejects.toMatchObject({ code: 'authentication' });
});

test('a host key that is not known, and one that changed', async () => {
  const none = join(freshFolder('known'), 'none');
  writeFileSync(none, '');
  const unknown = carry(setting({ configFile: configWith(`UserKnownHostsFile ${none}`) }));
  await expect(unknown).rejects.toMatchObject({ code: 'host-key' });
  const other = join(freshFolder('key'), 'other');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
  const [kind, key] = readFileSync(`${other}.pub`, 'utf8').split(' ');
  const changed = join(freshFolder('known'), 'changed');
  writeFileSync(changed, `[127.0.0.1]:${String(sshd.port)} ${kind!} ${key!}\n`);
  const refused = carry(
    setting({ configFile: configWith(`UserKnownHostsFile ${changed}`), acceptNew: true }),
  );
  await expect(refused).rejects.toMatchObject({
    code: 'host-key',
    message: expect.stringContaining('not the one in known_hosts'),
  });
});

test('acceptNew writes an unknown key down', async () => {
  const known = join(freshFolder('known'), 'new');
  const given = setting({ configFile: configWith(`UserKnownHostsFile ${known}`), acceptNew: true });
  writeFileSync(join(given.local, 'a'), 'a');
  expect(await carry(given)).toBeNull();
  expect(readFileSync(known, 'utf8')).toContain('ssh-ed25519');
});

test('a port where nobody listens is tried again, and then is no connection', async () => {
  const port = await freePort();
  await expect(carry(setting({ port }))).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('refused'),
  });
});

test('a host nobody knows', async () => {
  const given = setting({ configFile: configWith('HostName no-such-host.invalid') });
  await expect(carry(given)).rejects.toMatchObject({ code: 'network' });
});

test('no rsync here, no ssh here', async () => {
  const empty = { ...process.env, PATH: freshFolder('path') };
  await expect(carry(setting({}, empty))).rejects.toMatchObject({ code: 'unsupported' });
  const path = freshFolder('path');
  const real = execFileSync('sh', ['-c', 'command -v rsync'], { encoding: 'utf8' }).trim();
  execFileSync('ln', ['-s', real, join(path, 'rsync')]);
  await expect(carry(setting({}, { ...process.env, PATH: path }))).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('no ssh on this machine'),
  });
});

test('a path that is not there is told, and the others arrive', async () => {
  const given = setting();
  writeFileSync(join(given.local, 'a'), randomBytes(100));
  expect(await carry(given, ['gone', 'a'])).toMatchObject({ code: 'not-found' });
  expect(readFileSync(join(given.remote, 'a'))).toEqual(readFileSync(join(given.local, 'a')));
});

test('secrets of ours and settings of rsync do not reach it', async () => {
  const path = freshFolder('path');
  writeFileSync(join(path, 'rsync'), '#!/bin/sh\nenv >&2\nexit 22\n', { mode: 0o755 });
  const env = {
    PATH: `${path}:${process.env.PATH ?? ''}`,
    TOWLINE_PASSWORD: 'planted',
    RSYNC_RSH: 'evil',
    LANG: 'de_DE.UTF-8',
  };
  const failure = await carry(setting({}, env)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'protocol', serverText: expect.stringContaining('LC_ALL=C') });
  expect((failure as { serverText: string }).serverText).not.toMatch(/planted|evil/);
});
