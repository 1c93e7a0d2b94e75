import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HostRequest, type ResolvedHost, resolveHost } from '../../src/ssh/config.js';
import { freshFolder } from '../support/folder.js';

const { username } = userInfo();
const env = { ...process.env, SSH_AUTH_SOCK: '/run/agent', AGENT_TWO: '/run/two' };
const withoutSsh = { ...env, PATH: freshFolder('empty') };

function configFile(...lines: string[]): string {
  const file = join(freshFolder('config'), 'config');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Versions of ssh differ in their lists of algorithms: only what both know is compared, and the default kinds of keys. */
function comparable(resolved: ResolvedHost): unknown {
  const ours = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes256-ctr'];
  const kinds = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'];
  const { ciphers, hostKeyAlgorithms, identityFiles, ...rest } = resolved;
  return {
    ...rest,
    source: null,
    ciphers: ours.filter((one) => ciphers.length === 0 || ciphers.includes(one)),
    hostKeyAlgorithms:
      hostKeyAlgorithms.length === 0
        ? kinds.slice(0, -1)
        : hostKeyAlgorithms.filter((one) => kinds.includes(one)),
    identityFiles: identityFiles.filter(({ path }) => !/id_(?:xmss|dsa)$/.test(path)),
  };
}

async function expectSame(request: Omit<HostRequest, 'env'>): Promise<void> {
  const bySsh = await resolveHost({ ...request, env });
  const byUs = await resolveHost({ ...request, env: withoutSsh });
  expect(bySsh.source).toBe('ssh');
  expect(byUs.source).toBe('files');
  expect(comparable(byUs)).toEqual(comparable(bySsh));
}

/** A grown one, as people have it. */
const everyday = [
  '# my hosts',
  'AddKeysToAgent yes',
  'HashKnownHosts yes',
  '',
  'Host box',
  '  HostName real.example.com   # the one in the cellar',
  '  User deploy',
  '  Port=2222',
  'Host *.internal !bastion.internal',
  '\tProxyJump bastion.internal',
  '\tUser dev',
  'Host bastion.internal jump',
  '  HostName 192.0.2.1',
  '  IdentityFile ~/.ssh/bastion_%r',
  '  IdentityFile "/keys of mine/second"',
  '  IdentitiesOnly YES',
  'host old?',
  '  hostname = %h.example.com',
  '  hostkeyalgorithms +ssh-rsa',
  '  ciphers -*gcm*',
  '  connecttimeout 1m30s',
  'Host commanded',
  '  ProxyCommand ssh -W "[%h]:%p"  -o User=me \'a  b\' # not a comment',
  '  ProxyJump never',
  'Host jumped',
  '  ProxyJump none',
  '  ProxyCommand never',
  'Match host real.example.com user deploy',
  '  IdentityFile ~/.ssh/matched',
  '  IdentityAgent $AGENT_TWO',
  'Match originalhost old1,other !user root',
  '  ServerAliveInterval 2m',
  `Match localuser ${username} host *.internal`,
  '  ServerAliveCountMax 9',
  'Match !host real.example.com',
  '  StrictHostKeyChecking accept-new',
  'Match host nothing.example exec "exit 0"',
  '  Port 1',
  'Host *',
  '  Port 2200',
  '  User everybody',
  '  HostKeyAlgorithms ^rsa-sha2-512',
  '  UserKnownHostsFile ~/.ssh/known "/of mine/known hosts"',
  '  GlobalKnownHostsFile none',
  '  AddressFamily inet',
  '  BindAddress 127.0.0.1',
  '  PreferredAuthentications publickey,password',
  '  CertificateFile ~/.ssh/one-cert.pub',
  '  HostKeyAlias alias-of-%h',
];

describe('resolveHost without an ssh', () => {
  const hosts = [
    'box',
    'a.internal',
    'bastion.internal',
    'jump',
    'old1',
    'old',
    'commanded',
    'jumped',
    'BOX',
    'x',
  ];
  test.each(hosts)('gives what ssh gives: %s', async (host) => {
    await expectSame({ host, configFile: configFile(...everyday) });
  });

  test('what is given goes before the files', async () => {
    // ssh forgets those that are not there.
    const key = configFile('a key');
    const given = { user: 'me', port: 99, identityFiles: [key], proxyJump: 'a@b:1,c' };
    await expectSame({ host: 'a.internal', ...given, configFile: configFile(...everyday) });
    await expectSame({ host: 'x', identityFiles: [key], configFile: configFile('') });
  });

  test('without any -F: the files that ssh reads, and its defaults', async () => {
    await expectSame({ host: 'box' });
    await expectSame({ host: 'box', configFile: 'none' });
  });

  test('follows Include, within a Host block only for that host', async () => {
    const folder = freshFolder('includes');
    mkdirSync(join(folder, 'more'));
    writeFileSync(join(folder, 'more', '2.conf'), 'Host box\n  Port 2\n  User second\n');
    writeFileSync(join(folder, 'more', '1.conf'), `Host box\n  Port 1\nInclude ${folder}/last\n`);
    writeFileSync(join(folder, 'last'), 'User last\n');
    writeFileSync(join(folder, 'other'), 'User other\nHost *\n  HostKeyAlias all\n');
    const file = configFile(
      `Include ${folder}/more/*.conf ${folder}/missing`,
      'Host another',
      `  Include "${folder}/other"`,
      '  Port 7',
      'Host *',
      '  Port 8',
    );
    for (const host of ['box', 'another', 'third']) await expectSame({ host, configFile: file });
  });

  test.each([
    ['Match host box exec "test -f /etc/hosts"', "'Match exec test -f /etc/hosts ("],
    ['Match final', "'Match final ("],
    ['CanonicalizeHostname yes', "'CanonicalizeHostname yes'"],
    ['IdentityFile a\\ b', 'IdentityFile a\\ b'],
    ['IdentityFile one#two', 'IdentityFile one#two'],
    ["User 'me'", "User 'me'"],
    ['Include ${HOME}/more', 'Include ${HOME}/more'],
  ])('says that it cannot work out: %s', async (line, named) => {
    const file = configFile(line, '  Port 7');
    await expect(resolveHost({ host: 'box', configFile: file, env: withoutSsh })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining(named),
      hint: expect.stringContaining('Install the OpenSSH client'),
    });
  });

  test('a file that is missing, or makes no sense', async () => {
    const broken = [
      `${configFile('')}-not`,
      configFile('ConnectTimeout soon'),
      configFile('Match user'),
      configFile('Host'),
      configFile('User "me'),
    ];
    for (const file of broken) {
      await expect(resolveHost({ host: 'box', configFile: file, env: withoutSsh })).rejects.toMatchObject({
        code: 'configuration',
      });
    }
    const endless = join(freshFolder('endless'), 'config');
    writeFileSync(endless, `Include ${endless}\n`);
    await expect(resolveHost({ host: 'box', configFile: endless, env: withoutSsh })).rejects.toMatchObject({
      code: 'configuration',
    });
  });

  test('a file given with -F may be open to others, as for ssh', async () => {
    const file = configFile('Host box', '  Port 7');
    chmodSync(file, 0o666);
    await expectSame({ host: 'box', configFile: file });
  });
});
