import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { type Connection, type ConnectionOptions, createConnection } from '../../src/ssh/connection.js';
import { createIdentity, type IdentityOptions } from '../../src/ssh/identity.js';
import { parseTarget } from '../../src/ssh/target.js';
import { systemClock } from '../../src/system-clock.js';
import { stateOf } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { startProxy, type TestProxy } from '../support/proxy.js';
import { configFor } from '../support/ssh-hops.js';
import { makeKey } from '../support/ssh-keys.js';
import { freePort, type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(options?: SshdOptions): Promise<TestSshd> {
  const server = await startSshd(options);
  endings.push(() => server.stop());
  return server;
}

async function proxyTo(server: TestSshd): Promise<TestProxy> {
  const proxy = await startProxy({ targetPort: server.port });
  endings.push(() => proxy.stop());
  return proxy;
}

async function connect(
  configFile: string,
  options: Partial<ConnectionOptions> = {},
  more: Partial<IdentityOptions> = {},
): Promise<Connection> {
  const identity = await createIdentity({
    target: parseTarget('box:'),
    configFile,
    acceptNew: false,
    env: process.env,
    ...more,
  });
  const connection = createConnection({
    label: identity.label,
    connect: identity.connect,
    classify: identity.classify,
    clock: systemClock,
    log: silence,
    ...options,
  });
  endings.push(() => connection.close());
  return connection;
}

async function works(connection: Connection): Promise<void> {
  await connection.ready();
  expect(await (await connection.channel('transfer')).realPath('/')).toBe('/');
}

const all = (servers: readonly TestSshd[]) => servers.map((server) => server.sessions().length > 0);

describe('ProxyJump', () => {
  test('several hops, each with its own host key and user key; all end with the connection', async () => {
    const servers = [await serve(), await serve(), await serve()] as const;
    const [one, two, box] = servers;
    const configFile = configFor({
      one: { server: one },
      two: { server: two },
      box: { server: box, lines: ['ProxyJump one,two'] },
    });
    const connection = await connect(configFile);
    await works(connection);
    expect(all(servers)).toEqual([true, true, true]);
    // Each was let in by its own key, the target from the last hop.
    for (const server of servers) expect(server.logText()).toContain('Accepted publickey');
    await connection.close();
    await eventually(() => {
      expect(all(servers)).toEqual([false, false, false]);
    });
  });

  test("a hop's own way there counts: a jump host behind a jump host", async () => {
    const [one, two, box] = [await serve(), await serve(), await serve()] as const;
    const configFile = configFor({
      one: { server: one },
      two: { server: two, lines: ['ProxyJump one'] },
      box: { server: box, lines: ['ProxyJump two'] },
    });
    await works(await connect(configFile));
    expect(one.logText()).toContain('Accepted publickey');
  });

  test('user and port in ProxyJump go before ssh_config; the options of the target are not for hops', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const lines = [`ProxyJump ${one.user}@one:${String(one.port)}`];
    const configFile = configFor({
      one: { server: one, lines: ['User nobody-there', 'Port 1'] },
      box: { server: box, lines },
    });
    const port = box.port;
    await works(await connect(configFile, {}, { port, identityFiles: [box.keyFile] }));
  });

  test('a wrong host key at the first hop is refused, naming that hop, and nothing goes on', async () => {
    const [one, two, box] = [await serve(), await serve(), await serve()] as const;
    const other = readFileSync(`${makeKey()}.pub`, 'utf8').split(' ');
    writeFileSync(one.knownHostsFile, `[127.0.0.1]:${String(one.port)} ${other[0]!} ${other[1]!}\n`);
    const configFile = configFor({
      one: { server: one },
      two: { server: two },
      box: { server: box, lines: ['ProxyJump one,two'] },
    });
    const connection = await connect(configFile);
    const { error } = await stateOf(connection, 'halted');
    expect(error).toMatchObject({
      code: 'host-key',
      message: expect.stringContaining(`jump host ${one.user}@one:${String(one.port)} on the way to`),
    });
    expect(error.message).toContain('has CHANGED');
    expect(one.logText()).not.toContain('Accepted');
    expect(two.logText()).not.toContain('Accepted');
  });

  test('a wrong host key behind the hops is the target’s own', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    writeFileSync(
      box.knownHostsFile,
      readFileSync(one.knownHostsFile, 'utf8').replace(String(one.port), String(box.port)),
    );
    const connection = await connect(
      configFor({ one: { server: one }, box: { server: box, lines: ['ProxyJump one'] } }),
    );
    const { error } = await stateOf(connection, 'halted');
    expect(error.code).toBe('host-key');
    expect(error.message).not.toContain('jump host');
    await eventually(() => {
      expect(one.sessions()).toEqual([]);
    });
  });

  test('a hop that lets us not in is named, with what was tried', async () => {
    const [one, two, box] = [await serve(), await serve(), await serve()] as const;
    writeFileSync(two.authorizedKeysFile, '');
    const configFile = configFor({
      one: { server: one },
      two: { server: two },
      box: { server: box, lines: ['ProxyJump one,two'] },
    });
    const { error } = await stateOf(await connect(configFile), 'halted');
    expect(error).toMatchObject({
      code: 'authentication',
      message: expect.stringMatching(/^jump host \S+@two:\d+ on the way to \S+@box:\d+: .*tried /),
    });
    await eventually(() => {
      expect(all([one, two])).toEqual([false, false]);
    });
  });

  test('a hop where nobody listens, and a target that the hop does not reach', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const port = String(await freePort());
    const away = configFor({
      one: { server: one, lines: [`Port ${port}`] },
      box: { server: box, lines: ['ProxyJump one'] },
    });
    const { error } = await stateOf(await connect(away), 'waiting');
    expect(error).toMatchObject({ code: 'network', message: expect.stringContaining('jump host') });
    const behind = configFor({
      one: { server: one },
      box: { server: box, lines: ['ProxyJump one', `Port ${port}`] },
    });
    const { error: second } = await stateOf(await connect(behind), 'waiting');
    expect(second.code).toBe('network');
    expect(second.message).toContain(`cannot reach 127.0.0.1 port ${port}`);
    expect(second.message).toContain('jump host');
  });

  test('a hop that forwards nothing is no matter for another attempt', async () => {
    const [one, box] = [await serve({ config: ['AllowTcpForwarding no'] }), await serve()] as const;
    const configFile = configFor({ one: { server: one }, box: { server: box, lines: ['ProxyJump one'] } });
    const { error } = await stateOf(await connect(configFile), 'halted');
    expect(error).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('AllowTcpForwarding'),
    });
  });

  test('a hop that dies takes the connection along, and both come back', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const configFile = configFor({ one: { server: one }, box: { server: box, lines: ['ProxyJump one'] } });
    const connection = await connect(configFile);
    await works(connection);
    const lost = stateOf(connection, 'waiting');
    one.killSessions();
    expect((await lost).error).toMatchObject({
      code: 'network',
      message: expect.stringContaining('jump host'),
    });
    await works(connection);
    expect(connection.epoch).toBe(2);
  });

  test('a silent hop is given up within its ConnectTimeout', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const proxy = await proxyTo(one);
    proxy.stall();
    const lines = [
      `HostKeyAlias [127.0.0.1]:${String(one.port)}`,
      `Port ${String(proxy.port)}`,
      'ConnectTimeout 1',
    ];
    const configFile = configFor({
      one: { server: one, lines },
      box: { server: box, lines: ['ProxyJump one'] },
    });
    const connection = await connect(configFile, { giveUpAfter: 1 });
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/jump host .* within 1 s/),
    });
  });

  test('a target that is silent behind its hop is given up as well, and the hop is closed', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const proxy = await proxyTo(box);
    proxy.stall();
    const configFile = configFor({
      one: { server: one },
      box: { server: box, lines: ['ProxyJump one', `Port ${String(proxy.port)}`, 'ConnectTimeout 1'] },
    });
    const connection = await connect(configFile, { giveUpAfter: 1 });
    await expect(connection.ready()).rejects.toMatchObject({ code: 'network' });
    await eventually(() => {
      expect(one.sessions()).toEqual([]);
    });
  });

  test('a hop that falls silent later is noticed by asking through it', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const proxy = await proxyTo(one);
    const lines = [`HostKeyAlias [127.0.0.1]:${String(one.port)}`, `Port ${String(proxy.port)}`];
    const configFile = configFor({
      one: { server: one, lines },
      box: { server: box, lines: ['ProxyJump one'] },
    });
    const connection = await connect(configFile, { keepaliveMs: 200, pingTimeoutMs: 300 });
    await works(connection);
    proxy.stall();
    await stateOf(connection, 'waiting');
    proxy.unstall();
    await works(connection);
    expect(connection.epoch).toBeGreaterThanOrEqual(2);
    // Half-open as it is, the old way is not left behind.
    proxy.stall();
    await connection.close();
  });

  test('closing in the middle of the way ends what is there of it', async () => {
    const [one, two, box] = [await serve(), await serve(), await serve()] as const;
    const proxy = await proxyTo(two);
    proxy.stall();
    const configFile = configFor({
      one: { server: one },
      two: { server: two, lines: [`Port ${String(proxy.port)}`] },
      box: { server: box, lines: ['ProxyJump one,two'] },
    });
    const connection = await connect(configFile);
    await eventually(() => {
      expect(proxy.connections).toBe(1);
    });
    await connection.close();
    await eventually(() => {
      expect(one.sessions()).toEqual([]);
    });
  });

  test('--accept-new goes for the hops too, and their keys are written down', async () => {
    const [one, box] = [await serve(), await serve()] as const;
    const known = join(freshFolder('known'), 'known_hosts');
    const lines = ['StrictHostKeyChecking ask', `UserKnownHostsFile ${known}`];
    const configFile = configFor({
      one: { server: one, lines },
      box: { server: box, lines: ['ProxyJump one'] },
    });
    await works(await connect(configFile, {}, { acceptNew: true }));
    expect(readFileSync(known, 'utf8')).toBe(readFileSync(one.knownHostsFile, 'utf8'));
  });

  test('a way in a circle is an error, not an endless one', async () => {
    const server = await serve();
    const circles = [
      configFor({
        box: { server, lines: ['ProxyJump one'] },
        one: { server: { ...server, port: 1 }, lines: ['ProxyJump box'] },
      }),
      configFor({ box: { server, lines: ['ProxyJump box'] } }),
    ];
    for (const configFile of circles) {
      await expect(connect(configFile)).rejects.toMatchObject({
        code: 'configuration',
        message: expect.stringContaining('circle'),
      });
    }
  });

  test('none is none', async () => {
    const box = await serve();
    await works(
      await connect(configFor({ box: { server: box, lines: ['ProxyJump none', 'ProxyCommand none'] } })),
    );
  });
});
