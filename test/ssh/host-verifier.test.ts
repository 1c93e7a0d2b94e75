import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { resolveHost } from '../../src/ssh/config.js';
import { createHostVerifier } from '../../src/ssh/host-verifier.js';
import { createIdentity } from '../../src/ssh/identity.js';
import { parseTarget } from '../../src/ssh/target.js';
import { freshFolder } from '../support/folder.js';
import { makeKey, publicKeyBlob, publicKeyText } from '../support/ssh-keys.js';
import { logIn } from '../support/ssh-login.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

let server: TestSshd;
let name: string;

beforeAll(async () => {
  server = await startSshd({ hostKeys: ['ed25519', 'rsa', 'ecdsa'] });
  name = `[127.0.0.1]:${String(server.port)}`;
});
afterAll(() => server.stop());

const [other, otherRsa] = [makeKey(), makeKey({ type: 'rsa' })];
const hostKey = (index: number) => server.hostKeyFiles[index]!;

interface Case {
  readonly knownHosts: string;
  readonly config?: readonly string[];
  readonly acceptNew?: boolean;
}

/** An alias of our server with this known_hosts; only its key is tried. */
function prepare({ knownHosts, config = [], acceptNew = false }: Case) {
  const folder = freshFolder('client');
  const file = join(folder, 'known_hosts');
  const configFile = join(folder, 'config');
  if (knownHosts !== '') writeFileSync(file, knownHosts);
  const lines = [
    ...config,
    'HostName 127.0.0.1',
    `Port ${String(server.port)}`,
    `User ${server.user}`,
    `IdentityFile ${server.keyFile}`,
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${file}`,
    'GlobalKnownHostsFile none',
  ];
  writeFileSync(configFile, `Host box\n${lines.map((line) => `  ${line}\n`).join('')}`);
  const options = { target: parseTarget('box:'), configFile, acceptNew, env: { ...process.env } };
  return { file, configFile, folder, identity: () => createIdentity(options) };
}

async function outcome(one: Case): Promise<string> {
  const result = await logIn(await prepare(one).identity());
  if (result === 'ready') return result;
  return result instanceof TowlineError
    ? `${result.code}: ${result.message}`
    : `unclassified: ${result.message}`;
}

describe('a known host', () => {
  test('logs in through an alias of ssh_config', async () => {
    expect(await outcome({ knownHosts: readFileSync(server.knownHostsFile, 'utf8') })).toBe('ready');
  });

  test.each([0, 1, 2])('is known by any one of its keys (%i)', async (index) => {
    expect(await outcome({ knownHosts: `${name} ${publicKeyText(hostKey(index))}\n` })).toBe('ready');
  });

  test('is found hashed, by pattern, by alias, without its port', async () => {
    const key = publicKeyText(hostKey(1));
    const hashed = prepare({ knownHosts: `${name} ${key}\n` });
    execFileSync('ssh-keygen', ['-H', '-f', hashed.file], { stdio: 'pipe' });
    expect(await logIn(await hashed.identity())).toBe('ready');
    expect(await outcome({ knownHosts: `[127.0.0.*]:* ${key}\n` })).toBe('ready');
    expect(await outcome({ knownHosts: `mykey ${key}\n`, config: ['HostKeyAlias mykey'] })).toBe('ready');
    expect(await outcome({ knownHosts: `127.0.0.1 ${key}\n` })).toBe('ready');
  });

  test('another key for port 22 says nothing of another port', async () => {
    const knownHosts = `127.0.0.1 ${publicKeyText(other)}\n`;
    expect(await outcome({ knownHosts })).toMatch(/^host-key: .* is not known/);
    expect(await outcome({ knownHosts, acceptNew: true })).toBe('ready');
  });

  test('offers known kinds first, then the rest, within HostKeyAlgorithms', async () => {
    const order = async (knownHosts: string, config: string[] = []) => {
      const { configFile } = prepare({ knownHosts, config });
      const resolved = await resolveHost({ host: 'box', configFile });
      return (await createHostVerifier({ resolved, acceptNew: false })).serverHostKeyAlgorithms;
    };
    const plain = await order('');
    expect(plain[0]).toBe('ssh-ed25519');
    expect(plain).not.toContain('ssh-rsa');
    const rsa = await order(`${name} ${publicKeyText(hostKey(1))}\n`);
    expect(rsa.slice(0, 2)).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
    expect([...rsa].sort()).toEqual([...plain].sort());
    const limited = ['HostKeyAlgorithms ecdsa-sha2-nistp256,ssh-ed25519'];
    expect(await order(`${name} ${publicKeyText(hostKey(0))}\n`, limited)).toEqual([
      'ssh-ed25519',
      'ecdsa-sha2-nistp256',
    ]);
    await expect(order('', ['HostKeyAlgorithms sk-ssh-ed25519@openssh.com'])).rejects.toMatchObject({
      code: 'unsupported',
    });
  });
});

describe('a host that is not known', () => {
  test('is refused with the fingerprint that ssh-keygen shows, and the way to accept it', async () => {
    const message = await outcome({ knownHosts: '' });
    const [, fingerprint] = execFileSync('ssh-keygen', ['-l', '-f', hostKey(0)], { encoding: 'utf8' }).split(
      ' ',
    );
    expect(message).toMatch(/^host-key: /);
    expect(message).toContain(`${name} is not known`);
    expect(message).toContain(`ED25519 key ${String(fingerprint)}.`);
    expect(message).toContain('--accept-new');
  });

  test('is refused with StrictHostKeyChecking yes, but for --accept-new', async () => {
    const config = ['StrictHostKeyChecking yes'];
    expect(await outcome({ knownHosts: '', config })).toMatch(/^host-key: .* is not known/);
    expect(await outcome({ knownHosts: '', config, acceptNew: true })).toBe('ready');
  });

  test.each(['accept-new', 'no'])('is accepted with StrictHostKeyChecking %s', async (strict) => {
    expect(await outcome({ knownHosts: '', config: [`StrictHostKeyChecking ${strict}`] })).toBe('ready');
  });

  test('accepted, it is written down as ssh does, once, and known from then on', async () => {
    for (const [knownHosts, config] of [
      ['', []],
      ['# a comment\n', []],
      ['', ['HostKeyAlias MyKey']],
    ] as const) {
      const ours = prepare({ knownHosts, config, acceptNew: true });
      const identity = await ours.identity();
      expect(await logIn(identity)).toBe('ready');
      expect(existsSync(ours.file) ? readFileSync(ours.file, 'utf8') : '').toBe(knownHosts);
      await identity.accepted();
      await identity.accepted();

      const theirs = prepare({ knownHosts, config: [...config, 'StrictHostKeyChecking accept-new'] });
      ssh('-F', theirs.configFile, '-o', 'UpdateHostKeys=no', '-o', 'HashKnownHosts=no', 'box', 'true');
      expect(readFileSync(ours.file, 'utf8')).toBe(readFileSync(theirs.file, 'utf8'));

      const strict = ['-o', 'StrictHostKeyChecking=yes', '-F', ours.configFile, 'box', 'true'];
      ssh(...strict);
      expect(await outcome({ knownHosts: readFileSync(ours.file, 'utf8'), config })).toBe('ready');
    }
  });

  test('with HashKnownHosts its name is hashed, and ssh finds it', async () => {
    const { file, configFile, identity } = prepare({
      knownHosts: '',
      config: ['HashKnownHosts yes'],
      acceptNew: true,
    });
    const ours = await identity();
    expect(await logIn(ours)).toBe('ready');
    await ours.accepted();
    expect(readFileSync(file, 'utf8')).toMatch(/^\|1\|/);
    expect(readFileSync(file, 'utf8')).not.toContain('127.0.0.1');
    ssh('-o', 'StrictHostKeyChecking=yes', '-F', configFile, 'box', 'true');
  });

  test('accepted where nothing is written down, another key is refused in the same run', async () => {
    const { configFile } = prepare({
      knownHosts: '',
      acceptNew: true,
      config: ['UserKnownHostsFile /dev/null'],
    });
    const resolved = await resolveHost({ host: 'box', configFile });
    const first = await createHostVerifier({ resolved, acceptNew: true });
    const key = publicKeyBlob(hostKey(0));
    expect(first.verify(key)).toBe(true);
    expect(first.verify(publicKeyBlob(other))).toBe(false);
    expect(first.refusal()).toMatchObject({ code: 'host-key', message: expect.stringContaining('CHANGED') });
    await first.record();
    const later = await createHostVerifier({ resolved, acceptNew: true, pinned: first.accepted() });
    expect(later.verify(publicKeyBlob(other))).toBe(false);
    expect(later.verify(key)).toBe(true);
    expect(later.refusal()).toBeNull();
  });
});

describe('a changed key', () => {
  test.each(['no', 'accept-new', 'ask'])(
    'is refused with StrictHostKeyChecking %s, naming file and line',
    async (strict) => {
      const { file, identity } = prepare({
        knownHosts: `# comment\n\n${name} ${publicKeyText(otherRsa)}\n${name} ${publicKeyText(other)}\n`,
        config: ['HostKeyAlgorithms ssh-ed25519', `StrictHostKeyChecking ${strict}`],
        acceptNew: true,
      });
      const before = readFileSync(file, 'utf8');
      const one = await identity();
      const result = await logIn(one);
      expect(result).toMatchObject({ code: 'host-key', path: file });
      expect(String(result)).toContain(`${file}:4 has the ED25519 key`);
      expect(String(result)).toContain('CHANGED');
      await one.accepted();
      expect(readFileSync(file, 'utf8')).toBe(before);
    },
  );

  test('is refused where only a key of another kind is known, as ssh does', async () => {
    const knownHosts = `${name} ${publicKeyText(otherRsa)}\n`;
    const config = ['HostKeyAlgorithms ssh-ed25519'];
    expect(await outcome({ knownHosts, config, acceptNew: true })).toMatch(
      /^host-key: .*CHANGED.*:1 has the RSA key/,
    );
    const { configFile } = prepare({ knownHosts, config });
    const args = [
      '-F',
      configFile,
      '-o',
      'BatchMode=yes',
      '-o',
      'StrictHostKeyChecking=accept-new',
      'box',
      'true',
    ];
    expect(spawnSync('ssh', args, { stdio: 'pipe' }).status).toBe(255);
  });

  test('is seen although the server still has a second, known key', async () => {
    const knownHosts = `${name} ${publicKeyText(other)}\n${name} ${publicKeyText(hostKey(1))}\n`;
    expect(await outcome({ knownHosts })).toMatch(/^host-key: .*CHANGED/);
  });
});

describe('markers', () => {
  test('a revoked key is refused, naming file and line', async () => {
    const key = publicKeyText(hostKey(0));
    for (const names of [name, '*', '127.0.0.1']) {
      const knownHosts = `${name} ${key}\n@revoked ${names} ${key}\n`;
      expect(await outcome({ knownHosts, acceptNew: true })).toMatch(
        /^host-key: .*known_hosts:2 marks as revoked/,
      );
    }
  });

  test('a revoked key of another host does not matter', async () => {
    const key = publicKeyText(hostKey(0));
    expect(await outcome({ knownHosts: `@revoked elsewhere ${key}\n${name} ${key}\n` })).toBe('ready');
  });

  test('a host known by an authority only is refused, saying so', async () => {
    const authority = `@cert-authority 127.*,[127.*]:* ${publicKeyText(other)}\n`;
    expect(await outcome({ knownHosts: authority, acceptNew: true })).toMatch(
      /^host-key: .*authority only \(.*known_hosts:1\), and host certificates are not supported/,
    );
    expect(await outcome({ knownHosts: `${authority}${name} ${publicKeyText(hostKey(0))}\n` })).toBe('ready');
  });
});

test('known_hosts made by ssh-keyscan is understood', async () => {
  const scanned = execFileSync('ssh-keyscan', ['-H', '-p', String(server.port), '127.0.0.1'], {
    stdio: 'pipe',
  });
  expect(await outcome({ knownHosts: scanned.toString() })).toBe('ready');
});

test('a known_hosts file that cannot be read stops the attempt', async () => {
  const folder = freshFolder('unreadable');
  const identity = await prepare({ knownHosts: '', config: [`UserKnownHostsFile ${folder}`] }).identity();
  await expect(identity.connect()).rejects.toMatchObject({ code: 'configuration', path: folder });
});

function ssh(...args: string[]): void {
  execFileSync('ssh', ['-o', 'BatchMode=yes', ...args], { stdio: 'pipe' });
}
