import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSettings, pathsOf } from '../../src/ssh/config-output.js';
import { assertSupported } from '../../src/ssh/config-support.js';
import { resolveHost } from '../../src/ssh/config.js';
import { freshFolder } from '../support/folder.js';

const { homedir: home, username } = userInfo();

function configFile(...lines: string[]): string {
  const file = join(freshFolder('config'), 'config');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('resolveHost with the installed ssh', () => {
  test('takes every setting from ssh_config', async () => {
    const resolved = await resolveHost({
      host: 'box',
      configFile: configFile(
        'Host box',
        '  HostName real.example.com',
        '  Port 2222',
        '  User deploy',
        '  HostKeyAlias boxkey',
        '  IdentityFile ~/.ssh/%h_key',
        '  IdentityFile %d/second-%r-%p',
        '  IdentityFile ${TOWLINE_TEST}/third',
        '  IdentityFile "/a b/fourth"',
        '  CertificateFile ~/cert-cert.pub',
        '  IdentitiesOnly yes',
        '  IdentityAgent $OTHER_AGENT',
        '  UserKnownHostsFile ~/.ssh/kh_%h "/a b/known hosts"',
        '  GlobalKnownHostsFile none',
        '  StrictHostKeyChecking accept-new',
        '  HashKnownHosts yes',
        '  ConnectTimeout 7',
        '  ServerAliveInterval 11',
        '  ServerAliveCountMax 4',
        '  Ciphers aes256-ctr,aes128-ctr',
        '  HostKeyAlgorithms ssh-rsa,ssh-ed25519',
        '  KbdInteractiveAuthentication no',
        '  PasswordAuthentication no',
        '  PreferredAuthentications password,publickey',
        '  BatchMode yes',
        '  NumberOfPasswordPrompts 2',
      ),
      env: { ...process.env, OTHER_AGENT: '/run/agent', TOWLINE_TEST: '/elsewhere' },
    });
    expect(resolved).toEqual({
      source: 'ssh',
      alias: 'box',
      hostName: 'real.example.com',
      port: 2222,
      user: 'deploy',
      hostKeyAlias: 'boxkey',
      identityFiles: [
        { path: `${home}/.ssh/real.example.com_key`, origin: 'config' },
        { path: `${home}/second-deploy-2222`, origin: 'config' },
        { path: '/elsewhere/third', origin: 'config' },
        { path: '/a b/fourth', origin: 'config' },
      ],
      certificateFiles: [`${home}/cert-cert.pub`],
      identitiesOnly: true,
      identityAgent: '/run/agent',
      pubkeyAuthentication: true,
      kbdInteractiveAuthentication: false,
      passwordAuthentication: false,
      batchMode: true,
      numberOfPasswordPrompts: 2,
      userKnownHostsFiles: [`${home}/.ssh/kh_real.example.com`, '/a b/known hosts'],
      globalKnownHostsFiles: [],
      strictHostKeyChecking: 'accept-new',
      hashKnownHosts: true,
      connectTimeoutSeconds: 7,
      serverAliveIntervalSeconds: 11,
      serverAliveCountMax: 4,
      ciphers: ['aes256-ctr', 'aes128-ctr'],
      hostKeyAlgorithms: ['ssh-rsa', 'ssh-ed25519'],
      proxyJump: null,
      proxyCommand: null,
      proxyUseFdpass: false,
      addressFamily: null,
      bindAddress: null,
      bindInterface: null,
      preferredAuthentications: ['password', 'publickey'],
    });
  });

  test('a host that no file speaks of has the defaults of ssh', async () => {
    const resolved = await resolveHost({
      host: 'nowhere.example',
      configFile: configFile('Host other', '  Port 9'),
      env: { ...process.env, SSH_AUTH_SOCK: '/run/agent' },
    });
    expect(resolved).toMatchObject({
      hostName: 'nowhere.example',
      port: 22,
      user: username,
      hostKeyAlias: null,
      identitiesOnly: false,
      identityAgent: '/run/agent',
      strictHostKeyChecking: 'ask',
      connectTimeoutSeconds: null,
      serverAliveIntervalSeconds: 0,
      userKnownHostsFiles: [`${home}/.ssh/known_hosts`, `${home}/.ssh/known_hosts2`],
    });
    expect(resolved.identityFiles).toContainEqual({ path: `${home}/.ssh/id_ed25519`, origin: 'default' });
    expect(resolved.ciphers).toContain('aes128-gcm@openssh.com');
  });

  test('what is given goes before the file; -i comes first, and in place of the defaults', async () => {
    const folder = freshFolder('keys');
    writeFileSync(join(folder, 'mine'), '');
    const request = { host: 'box', user: 'me', port: 99, identityFiles: [join(folder, 'mine'), '~/theirs'] };
    const file = configFile('Host box', '  User you', '  Port 1', '  IdentityFile /etc/hosts');
    const resolved = await resolveHost({ ...request, configFile: file });
    expect(resolved).toMatchObject({ user: 'me', port: 99 });
    expect(resolved.identityFiles).toEqual([
      { path: join(folder, 'mine'), origin: 'option' },
      { path: `${home}/theirs`, origin: 'option' },
      { path: '/etc/hosts', origin: 'config' },
    ]);
  });

  test.each([
    ['no', 'no'],
    ['off', 'no'],
    ['yes', 'yes'],
    ['ask', 'ask'],
    ['accept-new', 'accept-new'],
  ])('StrictHostKeyChecking %s is %s', async (given, expected) => {
    const file = configFile('Host *', `  StrictHostKeyChecking ${given}`);
    expect((await resolveHost({ host: 'box', configFile: file })).strictHostKeyChecking).toBe(expected);
  });

  test.each([
    ['none', null],
    ['SSH_AUTH_SOCK', '/from/env'],
    ['$NOT_SET_ANYWHERE', null],
    ['~/agent-%n', `${home}/agent-box`],
  ])('IdentityAgent %s is %s', async (given, expected) => {
    const file = configFile('Host *', `  IdentityAgent ${given}`);
    const env = { ...process.env, SSH_AUTH_SOCK: '/from/env' };
    expect((await resolveHost({ host: 'box', configFile: file, env })).identityAgent).toBe(expected);
  });

  test('refuses a host that ssh would take as an option, and does not run it', async () => {
    const file = join(freshFolder('evil'), 'made');
    await expect(resolveHost({ host: `-oProxyCommand=touch ${file}` })).rejects.toMatchObject({
      code: 'configuration',
    });
  });

  test('a configuration that ssh refuses is a configuration error with its text', async () => {
    const file = configFile('Bogus yes');
    await expect(resolveHost({ host: 'box', configFile: file })).rejects.toMatchObject({
      code: 'configuration',
      serverText: expect.stringContaining('bogus'),
    });
    await expect(resolveHost({ host: 'box', configFile: `${file}-not` })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(`${file}-not`),
    });
  });
});

describe('assertSupported', () => {
  const resolve = (...lines: string[]) =>
    resolveHost({ host: 'box', configFile: configFile('Host box', ...lines.map((line) => `  ${line}`)) });

  test.each([
    [['ProxyUseFdpass yes', 'ProxyCommand nc %h %p'], 'ProxyUseFdpass yes'],
    [['BindInterface eth9'], 'BindInterface eth9'],
    [['BindAddress myself.example'], 'BindAddress myself.example'],
    [
      ['PreferredAuthentications gssapi-with-mic,hostbased'],
      'PreferredAuthentications gssapi-with-mic,hostbased',
    ],
  ])('names %j', async (lines, named) => {
    const resolved = await resolve(...lines);
    expect(() => assertSupported(resolved)).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringContaining(`'${named}'`) }),
    );
  });

  test.each([
    [[]],
    [['ProxyJump none']],
    [['ProxyCommand none', 'ProxyUseFdpass yes']],
    [['ProxyJump one,two']],
    [['BindAddress 127.0.0.1', 'AddressFamily inet']],
    [['PreferredAuthentications gssapi-with-mic,publickey']],
  ])('lets %j pass', async (lines) => {
    assertSupported(await resolve(...lines));
  });
});

describe('pathsOf', () => {
  test.each([
    ['/a /b', ['/a', '/b']],
    ['/Library/Application Support/x ~/y', ['/Library/Application Support/x', '~/y']],
    ['one two', ['one', 'two']],
    ['none', []],
    ['', []],
  ])('%j', (value, paths) => {
    expect(pathsOf(parseSettings(`key ${value}\n`), 'key')).toEqual(paths);
  });
});
