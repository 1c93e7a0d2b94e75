import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { silence } from '../../src/core/silence.js';
import { type Connection, createConnection } from '../../src/ssh/connection.js';
import { lookupHost } from '../../src/ssh/known-hosts.js';
import { systemClock } from '../../src/system-clock.js';
import { stateOf } from '../support/connection.js';
import { type CaseIdentity, identityFor, type LoginCase } from '../support/login-case.js';
import { scriptPrompts } from '../support/script-prompts.js';
import { makeKey, publicKeyText } from '../support/ssh-keys.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(config: readonly string[] = []): Promise<TestSshd> {
  const server = await startSshd({ config });
  endings.push(() => server.stop());
  return server;
}

function identityAt(server: TestSshd, given: Partial<LoginCase>): Promise<CaseIdentity> {
  const { port, user, keyFile } = server;
  return identityFor({ port, user, identityFiles: [keyFile], knownHosts: '', ...given });
}

function connect(identity: CaseIdentity): Connection {
  const connection = createConnection({ ...identity, clock: systemClock, log: silence });
  endings.push(() => connection.close());
  return connection;
}

function fingerprintOf(server: TestSshd): string {
  const shown = execFileSync('ssh-keygen', ['-l', '-f', `${server.hostKeyFiles[0]!}.pub`]).toString();
  return shown.split(' ')[1] ?? '';
}

/** Below a file there are no folders, for root neither. */
const unwritable = '/etc/passwd/known_hosts';

const nameOf = (server: TestSshd) => `[127.0.0.1]:${String(server.port)}`;

describe('an unknown host', () => {
  test('is asked about with kind and fingerprint as ssh-keygen shows them; yes writes the line as ssh would', async () => {
    const server = await serve(['RekeyLimit 64K']);
    const prompts = scriptPrompts('yes');
    const identity = await identityAt(server, { prompts });
    const connection = connect(identity);
    await connection.ready();
    await identity.accepted();
    expect(prompts.asked).toEqual([
      `${nameOf(server)} is not known: nothing tells yet whether it is the right host.\n` +
        `Its ED25519 key fingerprint is ${fingerprintOf(server)}.\n` +
        'Connect, and remember this key (yes/no/[fingerprint])? ',
    ]);
    expect(readFileSync(identity.knownHostsFile, 'utf8')).toBe(readFileSync(server.knownHostsFile, 'utf8'));
  });

  test('the fingerprint itself will do, and only the right one', async () => {
    const server = await serve();
    const prompts = scriptPrompts('SHA256:wrong', 'perhaps', fingerprintOf(server));
    await connect(await identityAt(server, { prompts })).ready();
    expect(prompts.asked).toHaveLength(3);
    const never = scriptPrompts('SHA256:wrong', '', 'y');
    const identity = await identityAt(server, { prompts: never });
    await expect(connect(identity).ready()).rejects.toMatchObject({ code: 'host-key' });
    expect(readFileSync(identity.knownHostsFile, 'utf8')).toBe('');
  });

  test('HashKnownHosts is honoured', async () => {
    const server = await serve();
    const identity = await identityAt(server, {
      prompts: scriptPrompts('yes'),
      config: ['HashKnownHosts yes'],
    });
    await connect(identity).ready();
    const text = readFileSync(identity.knownHostsFile, 'utf8');
    expect(text).toMatch(/^\|1\|/);
    const found = lookupHost([{ file: 'x', text }], '127.0.0.1', server.port);
    expect(found.map(({ type, blob }) => `${type} ${blob.toString('base64')}`)).toEqual([
      publicKeyText(server.hostKeyFiles[0]!),
    ]);
  });

  test('no refuses it, with the command that accepts it', async () => {
    const server = await serve();
    const identity = await identityAt(server, { prompts: scriptPrompts('no') });
    await expect(connect(identity).ready()).rejects.toMatchObject({
      code: 'host-key',
      message: expect.stringContaining('--accept-new'),
    });
    expect(readFileSync(identity.knownHostsFile, 'utf8')).toBe('');
  });

  test('who gives up ends it', async () => {
    const server = await serve();
    const prompts = scriptPrompts(new TowlineError('interrupted', 'interrupted'));
    await expect(connect(await identityAt(server, { prompts })).ready()).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  test('that shows another key after the answer is refused, also where nothing can be written', async () => {
    const server = await serve();
    const swap = async () => {
      copyFileSync(makeKey(), server.hostKeyFiles[0]!);
      await server.restart();
      return 'yes';
    };
    const prompts = { secret: () => Promise.reject(new Error('nothing is secret')), answer: swap };
    for (const config of [[], [`UserKnownHostsFile ${unwritable}`]]) {
      const connection = connect(await identityAt(server, { prompts, config }));
      await expect(connection.ready()).rejects.toMatchObject({
        code: 'host-key',
        message: expect.stringContaining('CHANGED'),
      });
    }
  });

  test('a file that cannot be written keeps nobody out, and is told of', async () => {
    const server = await serve();
    const config = [`UserKnownHostsFile ${unwritable}`];
    const identity = await identityAt(server, { prompts: scriptPrompts('yes'), config });
    const connection = connect(identity);
    await connection.ready();
    await expect(identity.accepted()).rejects.toMatchObject({ code: 'configuration' });
    await expect(identity.accepted()).resolves.toBeUndefined();
    server.killSessions();
    await stateOf(connection, 'ready', ({ epoch }) => epoch === 2);
  });

  test.each([
    ['StrictHostKeyChecking yes', ''],
    ['StrictHostKeyChecking ask', 'changed'],
    ['StrictHostKeyChecking no', 'changed'],
    ['StrictHostKeyChecking off', 'changed'],
    ['StrictHostKeyChecking accept-new', 'changed'],
    ['StrictHostKeyChecking ask', 'revoked'],
    ['BatchMode yes', ''],
  ])('is refused without a question: %s %s', async (setting, what) => {
    const server = await serve();
    const own = publicKeyText(server.hostKeyFiles[0]!);
    const lines: Record<string, string> = {
      '': '',
      changed: `${nameOf(server)} ${publicKeyText(makeKey())}\n`,
      revoked: `@revoked * ${own}\n`,
    };
    const prompts = scriptPrompts('yes');
    const knownHosts = lines[what] ?? '';
    const identity = await identityAt(server, { prompts, config: [setting], knownHosts });
    await expect(connect(identity).ready()).rejects.toMatchObject({ code: 'host-key' });
    expect(prompts.asked).toEqual([]);
    expect(readFileSync(identity.knownHostsFile, 'utf8')).toBe(knownHosts);
  });
});
