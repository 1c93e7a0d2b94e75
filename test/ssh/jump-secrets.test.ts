import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { type Connection, createConnection } from '../../src/ssh/connection.js';
import { createIdentity } from '../../src/ssh/identity.js';
import type { Prompts } from '../../src/ssh/prompts.js';
import { parseTarget } from '../../src/ssh/target.js';
import { systemClock } from '../../src/system-clock.js';
import { type AskingServer, startAskingServer } from '../support/asking-server.js';
import { freshFolder } from '../support/folder.js';
import { scriptPrompts } from '../support/script-prompts.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function sshd(): Promise<TestSshd> {
  const server = await startSshd();
  endings.push(() => server.stop());
  return server;
}

interface Way {
  readonly target: TestSshd;
  readonly jump: Pick<TestSshd | AskingServer, 'port'>;
  readonly keyFile: string;
  readonly knownHosts: string;
  readonly prompts?: Prompts;
  readonly env?: Readonly<Record<string, string>>;
}

/** A connection to `box` through `gate`, with one key for both. */
async function through(way: Way): Promise<{ connection: Connection; knownHostsFile: string }> {
  const folder = freshFolder('client');
  const [configFile, knownHostsFile] = [join(folder, 'config'), join(folder, 'known_hosts')];
  writeFileSync(knownHostsFile, way.knownHosts);
  const lines = [
    'Host box',
    '  ProxyJump gate',
    `  Port ${String(way.target.port)}`,
    'Host gate',
    `  Port ${String(way.jump.port)}`,
    'Host *',
    '  HostName 127.0.0.1',
    `  User ${way.target.user}`,
    `  IdentityFile ${way.keyFile}`,
    '  IdentityAgent none',
    `  UserKnownHostsFile ${knownHostsFile}`,
    '  GlobalKnownHostsFile none',
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`);
  const identity = await createIdentity({
    target: parseTarget('box:'),
    configFile,
    acceptNew: false,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...way.env },
    ...(way.prompts === undefined ? {} : { prompts: way.prompts }),
  });
  const connection = createConnection({ ...identity, clock: systemClock, log: silence });
  endings.push(() => connection.close());
  return { connection, knownHostsFile };
}

describe('through a jump host', () => {
  test('both hosts are asked about, the nearer one first, and a key that both take is unlocked once', async () => {
    const [jump, target] = [await sshd(), await sshd()];
    const keyFile = join(freshFolder('key'), 'locked');
    copyFileSync(target.keyFile, keyFile);
    copyFileSync(`${target.keyFile}.pub`, `${keyFile}.pub`);
    copyFileSync(`${keyFile}.pub`, jump.authorizedKeysFile);
    execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'planted', '-f', keyFile], { stdio: 'pipe' });
    const prompts = scriptPrompts('yes', 'planted', 'yes');
    const { connection, knownHostsFile } = await through({ target, jump, keyFile, knownHosts: '', prompts });
    await connection.ready();
    expect(prompts.asked).toEqual([
      expect.stringContaining(`[127.0.0.1]:${String(jump.port)} is not known`),
      `hidden: Passphrase for ${keyFile}: `,
      expect.stringContaining(`[127.0.0.1]:${String(target.port)} is not known`),
    ]);
    expect(readFileSync(knownHostsFile, 'utf8')).toBe(
      readFileSync(jump.knownHostsFile, 'utf8') + readFileSync(target.knownHostsFile, 'utf8'),
    );
  });

  test('the password that is configured for the target is not given to it', async () => {
    const target = await sshd();
    const jump = await startAskingServer([{ method: 'password', password: 'planted' }]);
    endings.push(() => jump.stop());
    const knownHosts = `[127.0.0.1]:${String(jump.port)} ${jump.hostKey}\n`;
    const env = { TOWLINE_PASSWORD: 'planted' };
    const { connection } = await through({ target, jump, keyFile: target.keyFile, knownHosts, env });
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'authentication',
      message: expect.stringContaining('a configured one is for the target alone'),
    });
    expect(jump.tries).not.toContain('password');
  });
});
