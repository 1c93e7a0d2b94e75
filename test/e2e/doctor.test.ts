/** `towline doctor`, as a user of the built command meets it, against real servers. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Check } from '../../src/diagnose/check.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { type SshdOptions, type TestSshd, canChroot, freePort, startSshd } from '../support/sshd.js';
import { freshPair, type RunOptions, type TestPair, towline, watch } from '../support/towline.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd({ hostKeys: ['ed25519', 'rsa'] });
});
afterAll(() => sshd.stop());

const env = { SSH_AUTH_SOCK: undefined };

interface Examined {
  readonly code: number | null;
  readonly checks: readonly Check[];
  readonly check: (name: string) => Check | undefined;
}

async function doctor(args: readonly string[], options: RunOptions = {}): Promise<Examined> {
  const { code, stdout, stderr } = await towline(['doctor', '--json', ...args], {
    ...options,
    env: { ...env, ...options.env },
  });
  expect(stderr).toBe('');
  const { checks, ...more } = JSON.parse(stdout) as { checks: Check[] };
  expect(more).toEqual({});
  for (const one of checks) {
    expect(Object.keys(one)).toEqual(['name', 'state', 'text', ...(one.fix === undefined ? [] : ['fix'])]);
    // Whatever is wrong comes with what to do.
    expect(one.fix !== undefined, one.text).toBe(one.state === 'fail' || one.state === 'warn');
  }
  return { code, checks, check: (name) => checks.find((one) => one.name === name) };
}

async function other(options: SshdOptions): Promise<TestSshd> {
  const server = await startSshd(options);
  onTestFinished(() => server.stop());
  return server;
}

/** The ssh_config of the server, changed. */
function configWith(change: (text: string) => string): string {
  const file = join(freshFolder('config'), 'config');
  writeFileSync(file, change(readFileSync(sshd.sshConfigFile, 'utf8')));
  return file;
}

const both = (pair: TestPair) => [pair.local, pair.target, ...pair.flags];

test('all well: exit 0; nothing is left on either side, nor a state', async () => {
  const pair = freshPair(sshd);
  mkdirSync(join(pair.local, 'sub/node_modules'), { recursive: true });
  writeFileSync(join(pair.local, 'a'), 'a');
  const { code, checks, check } = await doctor([...both(pair), '--exclude', 'node_modules/']);
  expect(code).toBe(0);
  expect(checks.filter(({ state }) => state === 'fail' || state === 'skip')).toEqual([]);
  expect(check('host')?.text).toContain(`box is ${sshd.user} at 127.0.0.1, port ${String(sshd.port)}`);
  expect(check('identities')?.text).toContain(sshd.keyFile);
  expect(check('host-key')?.text).toMatch(/^ED25519 key SHA256:\S{43}, known by .*known_hosts:1$/);
  expect(check('authentication')?.text).toContain(sshd.keyFile);
  expect(check('sftp')?.text).toContain('posix-rename, fsync, statvfs, limits, copy-data, lsetstat');
  expect(check('exec')?.text).toMatch(/runs commands.*\/find, .*\/sha256sum, .*\/tar/);
  expect(check('local-folder')?.text).toContain('holds 1 files in 2 folders');
  expect(check('agent')?.text).toContain('no other agent');
  expect(readdirSync(pair.remote)).toEqual([]);
  expect(readdirSync(pair.local).sort()).toEqual(['a', 'sub']);
  expect(existsSync(pair.stateDir)).toBe(false);
});

test('for people: one line for each check, what to do below it, and the sum', async () => {
  const pair = freshPair(sshd);
  const well = await towline(['doctor', ...both(pair)], { env });
  expect(well).toMatchObject({ code: 0, stderr: '' });
  expect(well.stdout).toMatch(/^ok {6}host-key: ED25519 key SHA256:/m);
  expect(well.stdout).toMatch(/^all is well/m);
  const args = ['doctor', `${pair.target}/no/no`, ...pair.flags];
  const ill = await towline(args, { env });
  expect(ill).toMatchObject({ code: 1, stderr: '' });
  expect(ill.stdout).toMatch(/^WRONG {3}remote-folder: .*\n +→ Use --mkpath/m);
  expect(ill.stdout).toMatch(/^1 thing is wrong/m);
  const quiet = await towline([...args, '-q'], { env });
  expect(quiet).toMatchObject({ code: 1, stdout: '' });
  expect(quiet.stderr).toMatch(/^WRONG {3}remote-folder: /m);
});

describe('exit codes', () => {
  test('4: nobody listens', async () => {
    const { code, check } = await doctor([
      freshPair(sshd).target,
      '-F',
      sshd.sshConfigFile,
      '-p',
      String(await freePort()),
    ]);
    expect(code).toBe(4);
    expect(check('connection')).toMatchObject({ state: 'fail' });
    expect(check('authentication')).toBeUndefined();
  });

  test('3: a host key that is not known; --accept-new writes it down, and only then', async () => {
    const known = join(freshFolder('known'), 'known_hosts');
    const config = configWith((text) => text.replaceAll(sshd.knownHostsFile, known));
    const pair = freshPair(sshd);
    const args = [pair.target, '-F', config];
    const unknown = await doctor(args);
    expect(unknown.code).toBe(3);
    expect(unknown.check('host-key')).toMatchObject({ state: 'fail' });
    expect(unknown.check('host-key')?.text).toContain('SHA256:');
    expect(unknown.check('host-key')?.fix).toContain('--accept-new');
    expect(existsSync(known)).toBe(false);
    const accepted = await doctor([...args, '--accept-new']);
    expect(accepted.code).toBe(0);
    expect(accepted.check('host-key')?.text).toContain(`${known}:1`);
    expect((await doctor(args)).code).toBe(0);
  });

  test('3: a host key that changed, with the line that has the old one', async () => {
    const key = join(freshFolder('key'), 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const known = join(freshFolder('known'), 'known_hosts');
    const [kind, blob] = readFileSync(`${key}.pub`, 'utf8').split(' ');
    writeFileSync(known, `# old\n[127.0.0.1]:${String(sshd.port)} ${kind!} ${blob!}\n`);
    const config = configWith((text) => text.replaceAll(sshd.knownHostsFile, known));
    const { code, check } = await doctor([freshPair(sshd).target, '-F', config, '--accept-new']);
    expect(code).toBe(3);
    expect(check('host-key')?.text).toContain(`${known}:2`);
    expect(check('host-key')?.fix).toContain('ssh-keygen');
  });

  test('3: nobody lets us in', async () => {
    const key = join(freshFolder('key'), 'wrong-key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const config = configWith((text) => text.replaceAll(sshd.keyFile, key));
    const { code, check } = await doctor([freshPair(sshd).target, '-F', config]);
    expect(code).toBe(3);
    expect(check('host-key')).toMatchObject({ state: 'ok' });
    expect(check('authentication')).toMatchObject({ state: 'fail' });
    expect(check('authentication')?.text).toContain('wrong-key');
  });

  test('2: what is asked for makes no sense', async () => {
    const pair = freshPair(sshd);
    expect((await doctor([join(pair.local, 'no'), pair.target, ...pair.flags])).code).toBe(2);
    expect((await doctor(['box::x', ...pair.flags])).check('target')).toMatchObject({ state: 'fail' });
    expect((await doctor([pair.target, '-F', '/no/such/config'])).code).toBe(2);
    writeFileSync(join(pair.remote, 'file'), '');
    expect((await doctor([`${pair.target}/file`, ...pair.flags])).code).toBe(2);
    expect(await towline(['doctor'], { cwd: freshFolder(), env })).toMatchObject({ code: 2, stdout: '' });
  });

  test('1: the folder cannot be written', async () => {
    const readOnly = await other({ sftpArguments: '-R' });
    const { code, check } = await doctor(both(freshPair(readOnly)));
    expect(code).toBe(1);
    expect(check('remote-write')).toMatchObject({ state: 'fail' });
  });

  test('1: the state cannot be kept', async () => {
    const pair = freshPair(sshd);
    writeFileSync(pair.stateDir, 'a file');
    const { code, check } = await doctor(both(pair));
    expect(code).toBe(1);
    expect(check('state-folder')).toMatchObject({ state: 'fail' });
  });
});

describe('servers', () => {
  test('SFTP and nothing else: a warning', async () => {
    const { code, check } = await doctor(both(freshPair(await other({ forceInternalSftp: true }))));
    expect(code).toBe(0);
    expect(check('exec')).toMatchObject({ state: 'warn' });
  });

  test.skipIf(!canChroot())('a chroot', async () => {
    const server = await other({ chroot: true });
    const { code, check } = await doctor(['box:/data', '-F', server.sshConfigFile]);
    expect(code).toBe(0);
    expect(check('remote-folder')?.text).toContain('/data is there');
    expect(readdirSync(join(server.chrootFolder!, 'data'))).toEqual([]);
  });

  test('no SFTP at all: exit 4, and it says that we were let in', async () => {
    const server = await other({ config: ['ForceCommand /bin/false'] });
    const { code, check } = await doctor([freshPair(server).target, '-F', server.sshConfigFile]);
    expect(code).toBe(4);
    expect(check('authentication')).toMatchObject({ state: 'ok' });
    expect(check('sftp')).toMatchObject({ state: 'fail' });
  });

  test('the path may begin at the login folder', async () => {
    const { code, check } = await doctor(['box:', '-F', sshd.sshConfigFile]);
    expect(code).toBe(0);
    expect(check('remote-folder')).toMatchObject({ state: 'ok' });
  });
});

test('an agent at work is named, and does not mind', async () => {
  const pair = freshPair(sshd);
  const agent = watch(pair);
  onTestFinished(async () => {
    await agent.stop();
  });
  await agent.ready();
  const { code, check } = await doctor(both(pair));
  expect(code).toBe(0);
  expect(check('agent')?.text).toContain(`process ${String(agent.pid)}`);
  expect(check('state-folder')?.text).toContain('paths known');
  writeFileSync(join(pair.local, 'later'), 'x');
  await eventually(() => expect(readdirSync(pair.remote)).toEqual(['later']));
  expect(await agent.stop()).toBe(0);
  expect((await doctor(both(pair))).check('agent')?.text).toContain('no other agent');
});

test('without arguments: the pair of towline.json', async () => {
  const pair = freshPair(sshd);
  const config = freshFolder('config');
  const settings = { local: '.', remote: pair.target, sshConfig: sshd.sshConfigFile, stateDir: '../state' };
  writeFileSync(join(pair.local, 'towline.json'), JSON.stringify(settings));
  const options = { cwd: pair.local, env: { XDG_CONFIG_HOME: config } };
  const { code, check } = await doctor(['--trust'], options);
  expect(code).toBe(0);
  expect(check('remote-folder')?.text).toContain(pair.remote);
  expect(check('local-folder')?.text).toContain(pair.local);
});
