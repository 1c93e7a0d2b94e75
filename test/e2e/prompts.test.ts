import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type SftpServer, startSftpServer } from '../../src/ssh/server/server.js';
import { freshFolder } from '../support/folder.js';
import { authorize, makeKey } from '../support/ssh-keys.js';
import { startSshd } from '../support/sshd.js';
import { atTerminal, hasTerminal } from '../support/terminal.js';
import { freshPair, towline } from '../support/towline.js';

const secret = 'planted-Pa55word';

interface Scene {
  readonly server: SftpServer;
  readonly local: string;
  readonly stateDir: string;
  readonly knownHostsFile: string;
  readonly args: readonly string[];
}

/** A server that takes a password, a folder with one file, and an ssh_config that knows both. */
async function scene(config: readonly string[] = []): Promise<Scene> {
  const folder = freshFolder('prompts');
  const [root, local, stateDir] = ['root', 'local', 'state'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(root);
  mkdirSync(local);
  writeFileSync(join(local, 'file'), 'content');
  const server = await startSftpServer({ root, authorize: { password: secret } });
  onTestFinished(() => server.stop());
  const knownHostsFile = join(folder, 'known_hosts');
  writeFileSync(knownHostsFile, `${server.knownHostsLine}\n`);
  const lines = [
    ...config,
    'HostName 127.0.0.1',
    `Port ${String(server.port)}`,
    'User dev',
    'IdentityFile none',
    'IdentityAgent none',
    `UserKnownHostsFile ${knownHostsFile}`,
    'GlobalKnownHostsFile none',
  ];
  writeFileSync(join(folder, 'config'), `Host box\n${lines.map((line) => `  ${line}\n`).join('')}`);
  const args = [local, 'box:/', '-F', join(folder, 'config'), '--state-dir', stateDir];
  return { server, local, stateDir, knownHostsFile, args };
}

/** All files below a folder. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

describe.runIf(hasTerminal)('on a terminal', () => {
  test('an unknown host and its password are asked for; nothing typed in secret is shown', async () => {
    const { server, args, knownHostsFile } = await scene();
    writeFileSync(knownHostsFile, '');
    const { code, text } = await atTerminal(
      ['push', ...args],
      [
        { see: 'yes/no/[fingerprint])? ', type: 'yes\r' },
        { see: '(dev@box) Password:', type: 'wrong one\r' },
        { see: '(dev@box) Password:', type: `${secret}x\u007f\r` },
      ],
    );
    expect(code, text).toBe(0);
    expect(readFileSync(join(server.root, 'file'), 'utf8')).toBe('content');
    expect(readFileSync(knownHostsFile, 'utf8')).toBe(`${server.knownHostsLine}\n`);
    expect(text).toContain('Permission denied, please try again.');
    expect(text).not.toMatch(/planted|wrong one/);
    expect(text.trimEnd()).toMatch(/ echo$/);
  });

  test('Ctrl-C at a question ends with 130 and leaves the terminal as it was', async () => {
    const { args } = await scene();
    for (const command of ['push', 'watch']) {
      const exchanges = [{ see: '(dev@box) Password:', type: 'plan\u0003' }];
      const { code, text } = await atTerminal([command, ...args], exchanges);
      expect(code, text).toBe(130);
      expect(text.trimEnd()).toMatch(/ echo$/);
      expect(text).not.toContain('plan');
    }
  });

  test('an encrypted key is asked about, once', async () => {
    const sshd = await startSshd();
    onTestFinished(() => sshd.stop());
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'file'), 'content');
    const key = makeKey({ passphrase: secret });
    writeFileSync(sshd.authorizedKeysFile, '');
    authorize(sshd.authorizedKeysFile, key);
    const args = ['push', pair.local, pair.target, ...pair.flags, '-i', key];
    const { code, text } = await atTerminal(args, [{ see: `Passphrase for ${key}: `, type: `${secret}\r` }]);
    expect(code, text).toBe(0);
    expect(existsSync(join(pair.remote, 'file'))).toBe(true);
    expect(text).not.toContain('planted');
  });

  test('watch asks at its start only: after a lost connection it knows the answer', async () => {
    const { server, args, local } = await scene();
    const drop = () => {
      server.dropConnections();
      writeFileSync(join(local, 'second'), 'content');
    };
    const { code, text } = await atTerminal(
      ['watch', '-v', ...args],
      [
        { see: '(dev@box) Password:', type: `${secret}\r` },
        { see: 'watching ', act: drop },
        { see: '↑ second', type: '\u0003' },
      ],
    );
    expect(code, text).toBe(0);
    expect(text.match(/Password:/g)).toHaveLength(1);
    expect(readFileSync(join(server.root, 'second'), 'utf8')).toBe('content');
  });
});

describe('without a terminal', () => {
  test('nobody is asked: exit 3 says where a password can come from', async () => {
    const { args } = await scene();
    const { code, stderr } = await towline(['push', ...args]);
    expect(code).toBe(3);
    expect(stderr).toContain('by --password-file, --password-command or TOWLINE_PASSWORD');
  });

  test('an unknown host is refused with the command that accepts it', async () => {
    const { args, knownHostsFile } = await scene();
    writeFileSync(knownHostsFile, '');
    const { code, stderr } = await towline(['push', ...args], { env: { TOWLINE_PASSWORD: secret } });
    expect(code).toBe(3);
    expect(stderr).toContain('--accept-new');
  });

  test('no secret shows anywhere, however much is told: output, errors, state', async () => {
    const { args, stateDir, local, server } = await scene();
    const file = join(freshFolder('secret'), 'password');
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    const wrong = 'planted-but-wrong';
    const runs = await Promise.all([
      towline(['push', ...args, '-vvv', '--password-file', file]),
      towline(['push', ...args, '-vvv', '--json', '--state-dir', freshFolder('s')], {
        env: { TOWLINE_PASSWORD: wrong },
      }),
      towline([
        'push',
        ...args,
        '-vvv',
        '--state-dir',
        freshFolder('s'),
        '--password-command',
        `echo ${wrong}; exit 1`,
      ]),
      towline(['push', ...args, '--json', '--password', wrong]),
      towline(['push', ...args, `--passphrase=${wrong}`]),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([0, 3, 2, 2, 2]);
    expect(readFileSync(join(server.root, 'file'), 'utf8')).toBe('content');
    const seen = runs.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    expect(seen).toContain('is not taken from the command line');
    expect(seen).not.toMatch(/planted/);
    const files = filesBelow(stateDir);
    expect(files.length).toBeGreaterThan(0);
    for (const path of files) expect(readFileSync(path).includes('planted'), path).toBe(false);
    // What the hooks see of the environment.
    const hook = `env > '${local}/../seen'`;
    writeFileSync(join(local, 'more'), 'x');
    const hooked = await towline(['push', ...args, '--after-sync', hook], {
      env: { TOWLINE_PASSWORD: secret },
    });
    expect(hooked.code, hooked.stderr).toBe(0);
    expect(readFileSync(join(local, '..', 'seen'), 'utf8')).not.toContain('planted');
  });

  test('towline.json may name a file or a command, never a password', async () => {
    const { args } = await scene();
    const [local, remote, ...given] = args;
    const flags = [...given, '--trust'];
    const cwd = freshFolder('project');
    const write = (settings: object) =>
      writeFileSync(join(cwd, 'towline.json'), JSON.stringify({ local, remote, ...settings }));
    writeFileSync(join(cwd, 'secret'), secret, { mode: 0o600 });
    write({ passwordFile: 'secret' });
    expect(await towline(['push', ...flags], { cwd })).toMatchObject({ code: 0 });
    write({ passwordCommand: `echo ${secret}` });
    expect(await towline(['push', ...flags], { cwd })).toMatchObject({ code: 0 });
    // The environment, and flags over it, have the say.
    write({ passwordFile: '/no/such/file' });
    expect(await towline(['push', ...flags], { cwd, env: { TOWLINE_PASSWORD: secret } })).toMatchObject({
      code: 0,
    });
    const command = ['--password-command', `echo ${secret}`];
    expect(await towline(['push', ...flags, ...command], { cwd })).toMatchObject({ code: 0 });
    write({ password: secret });
    const refused = await towline(['push', ...flags], { cwd });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('secrets are never kept in a configuration. Remove it, and name a file');
    expect(refused.stderr).not.toContain('planted');
    write({ passwordFile: 'secret', passwordCommand: 'true' });
    const both = await towline(['push', ...flags], { cwd });
    expect(both.code).toBe(2);
    expect(both.stderr).toContain('both a passwordFile and a passwordCommand');
  });
});
