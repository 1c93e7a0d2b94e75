import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { type Connection, createConnection } from '../../src/ssh/connection.js';
import { createIdentity, type Identity } from '../../src/ssh/identity.js';
import { parseTarget } from '../../src/ssh/target.js';
import { systemClock } from '../../src/system-clock.js';
import { stateOf } from '../support/connection.js';
import { freshFolder } from '../support/folder.js';
import { startAgent } from '../support/ssh-agent.js';
import { makeKey } from '../support/ssh-keys.js';
import { type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(options?: SshdOptions): Promise<TestSshd> {
  const server = await startSshd(options);
  endings.push(() => server.stop());
  return server;
}

interface Client {
  readonly server: TestSshd;
  /** Ahead of those that lead to the server. */
  readonly config?: readonly string[];
  readonly acceptNew?: boolean;
  readonly agent?: string;
}

function identityOf({ server, config = [], acceptNew = false, agent }: Client): Promise<Identity> {
  const configFile = join(freshFolder('client'), 'config');
  const lines = [
    ...config,
    'HostName 127.0.0.1',
    `Port ${String(server.port)}`,
    `IdentityFile ${server.keyFile}`,
    `UserKnownHostsFile ${server.knownHostsFile}`,
    'GlobalKnownHostsFile none',
  ];
  writeFileSync(configFile, `Host box\n${lines.map((line) => `  ${line}\n`).join('')}`);
  const env = { ...process.env, SSH_AUTH_SOCK: agent };
  return createIdentity({ target: parseTarget('box:'), configFile, acceptNew, env });
}

function connect(identity: Identity): Connection {
  const { label, connect: prepare, classify } = identity;
  const connection = createConnection({
    label,
    connect: prepare,
    classify,
    clock: systemClock,
    log: silence,
  });
  endings.push(() => connection.close());
  return connection;
}

describe('with a connection', () => {
  test('an alias of ssh_config leads to a working channel', async () => {
    const server = await serve();
    const identity = await identityOf({ server });
    const connection = connect(identity);
    await connection.ready();
    await identity.accepted();
    const channel = await connection.channel('transfer');
    expect(await channel.realPath('/')).toBe('/');
    expect(connection.label).toBe(`${server.user}@box:${String(server.port)}`);
  });

  test('a new host is accepted, through rekeys, and written down afterwards', async () => {
    const server = await serve({ config: ['RekeyLimit 64K'] });
    const file = join(freshFolder('known'), 'known_hosts');
    const identity = await identityOf({ server, acceptNew: true, config: [`UserKnownHostsFile ${file}`] });
    const connection = connect(identity);
    await connection.ready();
    await identity.accepted();
    const channel = await connection.channel('transfer');
    const path = join(freshFolder('data'), 'file');
    const handle = await channel.createExclusive(path, 0o600);
    const { acknowledged } = await channel.write(handle, Buffer.alloc(2 ** 20, 7), 0);
    await acknowledged;
    await channel.closeHandle(handle);
    expect(readFileSync(path).equals(Buffer.alloc(2 ** 20, 7))).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(server.knownHostsFile, 'utf8'));
    expect(connection.epoch).toBe(1);
  });

  test('a server that comes back with another host key halts it', async () => {
    const server = await serve();
    const identity = await identityOf({ server, acceptNew: true });
    const connection = connect(identity);
    await connection.ready();
    await identity.accepted();
    copyFileSync(makeKey(), server.hostKeyFiles[0]!);
    await server.restart();
    const { error } = await stateOf(connection, 'halted');
    expect(error.code).toBe('host-key');
    expect(error.message).toContain(`${server.knownHostsFile}:1`);
  });

  test('the wrong key halts it, with what was tried', async () => {
    const server = await serve();
    const wrong = makeKey();
    const config = [`IdentityFile ${wrong}`, 'IdentityFile none'];
    writeFileSync(server.authorizedKeysFile, '');
    const connection = connect(await identityOf({ server, config }));
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'authentication',
      message: expect.stringContaining(`tried ${wrong}`),
    });
  });

  test('a server that gives up after too many keys halts it, with what it said', async () => {
    const server = await serve({ config: ['MaxAuthTries 2'] });
    const agent = await startAgent();
    endings.push(() => agent.stop());
    agent.add(...[1, 2, 3, 4].map((index) => makeKey({ name: `wrong${String(index)}` })));
    const connection = connect(await identityOf({ server, agent: agent.socket }));
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'authentication',
      message: expect.stringMatching(/tried agent \(\d of 4 keys\).*IdentitiesOnly yes/),
    });
  });

  test('an agent that will not sign is passed over', async () => {
    const server = await serve();
    const agent = await startAgent();
    endings.push(() => agent.stop());
    const other = makeKey();
    writeFileSync(
      server.authorizedKeysFile,
      readFileSync(`${server.keyFile}.pub`, 'utf8') + readFileSync(`${other}.pub`, 'utf8'),
    );
    agent.addUnconfirmed(other);
    const connection = connect(await identityOf({ server, agent: agent.socket }));
    await connection.ready();
  });

  test('nobody listening is a network error, not one of ours', async () => {
    const server = await serve();
    const identity = await identityOf({ server });
    await server.stop();
    const connection = connect(identity);
    const { error } = await stateOf(connection, 'waiting');
    expect(error.code).toBe('network');
    expect(error.message).toContain(`port ${String(server.port)}`);
  });
});

describe('createIdentity', () => {
  test('the label is user@host, with the port where it is not 22', async () => {
    const configFile = join(freshFolder('label'), 'config');
    writeFileSync(configFile, 'Host box\n  User dev\nHost other\n  Port 2222\n');
    const label = async (text: string, port?: number) => {
      const options = {
        configFile,
        acceptNew: false,
        env: process.env,
        ...(port === undefined ? {} : { port }),
      };
      return (await createIdentity({ target: parseTarget(text), ...options })).label;
    };
    expect(await label('box:')).toBe('dev@box');
    expect(await label('me@other:')).toBe('me@other:2222');
    expect(await label('me@other:', 22)).toBe('me@other');
    expect(await label('sftp://me@other:77/x')).toBe('me@other:77');
    expect(await label('me@[::1]:')).toBe('me@[::1]');
  });

  test('honours Ciphers, and refuses those that it does not have', async () => {
    const server = await serve();
    const identity = await identityOf({ server, config: ['Ciphers aes256-ctr,aes128-gcm@openssh.com'] });
    const { ssh } = await identity.connect();
    expect(ssh.algorithms?.cipher).toEqual(['aes128-gcm@openssh.com', 'aes256-ctr']);
    await expect(identityOf({ server, config: ['Ciphers 3des-cbc'] })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  test('refuses what it cannot do', async () => {
    const server = await serve();
    await expect(identityOf({ server, config: ['BindInterface eth9'] })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });

  test('passes on how long to wait, how often to ask, and where to connect from', async () => {
    const server = await serve();
    const config = ['ConnectTimeout 7', 'ServerAliveInterval 11', 'ServerAliveCountMax 4'];
    const identity = await identityOf({
      server,
      config: [...config, 'AddressFamily inet', 'BindAddress 127.0.0.1'],
    });
    expect(await identity.connect()).toMatchObject({
      connectTimeoutMs: 7000,
      serverAlive: { intervalMs: 11_000, countMax: 4 },
      family: 4,
      localAddress: '127.0.0.1',
    });
    const plain = await (await identityOf({ server })).connect();
    for (const key of ['connectTimeoutMs', 'serverAlive', 'family', 'localAddress', 'jump', 'proxyCommand']) {
      expect(plain).not.toHaveProperty(key);
    }
  });

  test('does not take other errors for its own', async () => {
    const server = await serve();
    const identity = await identityOf({ server });
    const lost = Object.assign(new Error('lost'), { code: 'ECONNRESET', level: 'client-socket' });
    expect(identity.classify(lost)).toBeNull();
    const connection = connect(identity);
    await connection.ready();
    await identity.accepted();
    expect(identity.classify(lost)).toBeNull();
    // The reason that sshd gives when a session is idle for too long, too.
    expect(identity.classify(Object.assign(new Error('bye'), { code: 2 }))).toBeNull();
  });
});
