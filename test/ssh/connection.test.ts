import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { SftpChannel } from '../../src/ssh/channel.js';
import type { Connection } from '../../src/ssh/connection.js';
import { systemClock } from '../../src/system-clock.js';
import { connectTo, stateOf } from '../support/connection.js';
import { freshFolder } from '../support/folder.js';
import { signalProcess } from '../support/processes.js';
import { type ProxyOptions, startProxy, type TestProxy } from '../support/proxy.js';
import { eventually } from '../support/eventually.js';
import { freePort, type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function server(options?: SshdOptions): Promise<TestSshd> {
  const sshd = await startSshd(options);
  endings.push(() => sshd.stop());
  return sshd;
}

async function proxyTo(sshd: TestSshd, options: Omit<ProxyOptions, 'targetPort'> = {}): Promise<TestProxy> {
  const proxy = await startProxy({ targetPort: sshd.port, ...options });
  endings.push(() => proxy.stop());
  return proxy;
}

function link(sshd: TestSshd, options?: Parameters<typeof connectTo>[1]): Connection {
  const connection = connectTo(sshd, options);
  endings.push(() => connection.close());
  return connection;
}

/** Requests that the server cannot answer in the meantime: its processes are stopped first. */
async function requestsUnderWay(sshd: TestSshd, connection: Connection): Promise<Promise<unknown>[]> {
  const channels = [await connection.channel('transfer'), await connection.channel('scan')];
  for (const pid of sshd.sftpServers()) signalProcess(pid, 'SIGSTOP');
  return channels.flatMap((channel) => [
    channel.lstat('/'),
    channel.lstat('/nothing'),
    channel.realPath('.'),
  ]);
}

async function expectNetwork(requests: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(requests);
  expect(outcomes.length).toBeGreaterThan(0);
  for (const one of outcomes) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'network' } });
}

test('a killed session: requests reject, and a new epoch is ready', async () => {
  const sshd = await server();
  const connection = link(sshd);
  await connection.ready();
  expect(connection.epoch).toBe(1);
  const old = await connection.channel('transfer');
  const requests = await requestsUnderWay(sshd, connection);
  sshd.killSessions();
  await expectNetwork(requests);
  expect(connection.state.name).not.toBe('ready');
  expect(old.open).toBe(false);
  await expect(old.lstat('/')).rejects.toMatchObject({ code: 'network' });
  await connection.ready();
  expect(connection.state).toEqual({ name: 'ready', epoch: 2 });
  expect((await (await connection.channel('transfer')).lstat('/')).mode).toBeDefined();
});

test('a server that was stopped and comes back on the same port', async () => {
  const sshd = await server();
  const connection = link(sshd);
  await connection.ready();
  await sshd.stop();
  const refused = await stateOf(connection, 'waiting', (state) => state.attempt >= 2);
  expect(refused.error.code).toBe('network');
  await expect(connection.channel('scan')).rejects.toMatchObject({ code: 'network' });
  await sshd.restart();
  await connection.ready();
  expect(connection.epoch).toBe(2);
});

test('a reset connection is made anew', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd);
  const connection = link(sshd, { port: proxy.port });
  await connection.ready();
  const requests = await requestsUnderWay(sshd, connection);
  proxy.dropAll();
  await expectNetwork(requests);
  await connection.ready();
  expect(connection.epoch).toBe(2);
});

test('a half-open connection with requests under way is noticed by their deadline', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd);
  const connection = link(sshd, { port: proxy.port, requestTimeoutMs: 300, keepaliveMs: 60_000 });
  await connection.ready();
  const channel = await connection.channel('transfer');
  proxy.stall();
  await expectNetwork([channel.lstat('/'), channel.lstat('/tmp')]);
  proxy.unstall();
  await connection.ready();
  expect(connection.epoch).toBe(2);
});

test('a half-open connection without any request is noticed by asking', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd);
  const connection = link(sshd, { port: proxy.port, keepaliveMs: 200, pingTimeoutMs: 300 });
  await connection.ready();
  proxy.stall();
  const lost = await stateOf(connection, 'waiting');
  expect(lost.error.code).toBe('network');
  proxy.unstall();
  await connection.ready();
  expect(connection.epoch).toBe(2);
});

test('a quiet connection that answers stays', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd);
  const connection = link(sshd, { port: proxy.port, keepaliveMs: 60, pingTimeoutMs: 20_000 });
  await connection.ready();
  const seen = proxy.bytesDown;
  await eventually(() => expect(proxy.bytesDown).toBeGreaterThanOrEqual(seen + 300));
  expect(connection.state).toEqual({ name: 'ready', epoch: 1 });
});

test('after the machine slept the server is asked at once', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd);
  let sleptMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + sleptMs };
  const connection = link(sshd, { port: proxy.port, keepaliveMs: 600, pingTimeoutMs: 400, clock });
  await connection.ready();
  proxy.stall();
  sleptMs = 3_600_000;
  const lost = await stateOf(connection, 'waiting');
  expect(lost.error.code).toBe('network');
});

test('a channel that dies alone is opened anew on the same connection', async () => {
  const sshd = await server();
  const connection = link(sshd);
  await connection.ready();
  const scan = await connection.channel('scan');
  const requests = await requestsUnderWay(sshd, connection);
  const servers = sshd.sftpServers();
  expect(servers).toHaveLength(2);
  for (const pid of servers) signalProcess(pid, 'SIGKILL');
  await expectNetwork(requests);
  expect(scan.open).toBe(false);
  const again = await connection.channel('scan');
  expect(again).not.toBe(scan);
  expect((await again.stat('/')).mode).toBeDefined();
  expect((await (await connection.channel('transfer')).stat('/')).mode).toBeDefined();
  expect(connection.state).toEqual({ name: 'ready', epoch: 1 });
});

test('channels that keep dying end the connection', async () => {
  const sshd = await server();
  const connection = link(sshd);
  await connection.ready();
  while (connection.epoch === 1 && connection.state.name === 'ready') {
    const channel = await connection.channel('scan').catch(() => null);
    for (const pid of sshd.sftpServers()) signalProcess(pid, 'SIGKILL');
    await channel?.lstat('/').catch(() => undefined);
  }
  await connection.ready();
  expect(connection.epoch).toBe(2);
});

test('a server that allows one channel only: both purposes share it', async () => {
  const sshd = await server({ config: ['MaxSessions 1'] });
  const connection = link(sshd);
  await connection.ready();
  const transfer = await connection.channel('transfer');
  expect(await connection.channel('scan')).toBe(transfer);
  for (const pid of sshd.sftpServers()) signalProcess(pid, 'SIGKILL');
  await expectNetwork([transfer.lstat('/')]);
  // The server may still count the dead one for a moment.
  let scan: SftpChannel | null = null;
  while (scan === null) {
    await connection.ready();
    scan = await connection.channel('scan').catch(() => null);
  }
  expect(await connection.channel('transfer')).toBe(scan);
});

test('a slow link with much under way is not a dead one', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd, { bytesPerSecond: 512 * 1024 });
  const connection = link(sshd, {
    port: proxy.port,
    requestTimeoutMs: 1500,
    keepaliveMs: 500,
    pingTimeoutMs: 1500,
  });
  await connection.ready();
  const channel = await connection.channel('transfer');
  const file = join(freshFolder(), 'slow');
  const handle = await channel.createExclusive(file, 0o600);
  const data = Buffer.alloc(2 * 1024 * 1024, 'slow');
  const { acknowledged } = await channel.write(handle, data, 0);
  await acknowledged;
  await channel.closeHandle(handle);
  expect(statSync(file).size).toBe(data.length);
  expect(connection.epoch).toBe(1);
});

test('many writers share the window, and all bytes arrive', async () => {
  const sshd = await server();
  const connection = link(sshd, { windowBytes: 256 * 1024 });
  await connection.ready();
  const channel = await connection.channel('transfer');
  const folder = freshFolder();
  const sizes = Array.from({ length: 12 }, (_, i) => 300_000 + i);
  await Promise.all(
    sizes.map(async (size, i) => {
      const handle = await channel.createExclusive(join(folder, String(i)), 0o600);
      const { acknowledged } = await channel.write(handle, Buffer.alloc(size, i), 0);
      await acknowledged;
      await channel.closeHandle(handle);
    }),
  );
  expect(sizes.map((_, i) => statSync(join(folder, String(i))).size)).toEqual(sizes);
});

test('nobody listens: waits and tries on, and says why', async () => {
  const sshd = await server();
  const connection = link(sshd, { port: await freePort() });
  const waiting = await stateOf(connection, 'waiting', (state) => state.attempt === 2);
  expect(waiting.error).toMatchObject({ code: 'network', host: `${sshd.user}@box` });
  expect(waiting.error.message).toContain('127.0.0.1');
});

test('nobody listens, one shot: closed after the last attempt', async () => {
  const sshd = await server();
  const connection = link(sshd, { port: await freePort(), giveUpAfter: 2 });
  await expect(connection.ready()).rejects.toMatchObject({ code: 'network' });
  expect(connection.state.name).toBe('closed');
  await expect(connection.channel('transfer')).rejects.toMatchObject({ code: 'network' });
});

test('a server that says nothing is given up in time', async () => {
  const sshd = await server();
  const proxy = await proxyTo(sshd);
  proxy.stall();
  const connection = link(sshd, { port: proxy.port, connectTimeoutMs: 300, giveUpAfter: 1 });
  await expect(connection.ready()).rejects.toMatchObject({ code: 'network' });
});

test('a key that is not accepted halts; so does another host key', async () => {
  const sshd = await server();
  const stranger = await server();
  const wrongKey = link({ ...sshd, keyFile: stranger.keyFile });
  await expect(wrongKey.ready()).rejects.toMatchObject({ code: 'authentication' });
  expect(wrongKey.state.name).toBe('halted');
  const wrongHost = link({ ...sshd, hostKeyFiles: stranger.hostKeyFiles });
  await expect(wrongHost.ready()).rejects.toMatchObject({ code: 'host-key' });
  expect(wrongHost.state.name).toBe('halted');
});

test('closing rejects what is under way, and all that wait', async () => {
  const sshd = await server();
  const connection = link(sshd);
  await connection.ready();
  const requests = await requestsUnderWay(sshd, connection);
  await Promise.all([expectNetwork(requests), connection.close()]);
  expect(connection.state.name).toBe('closed');
  await expect(connection.ready()).rejects.toMatchObject({ code: 'network' });
  const never = link(sshd, { port: await freePort() });
  const waits = expect(never.ready()).rejects.toMatchObject({ code: 'network' });
  await never.close();
  await waits;
});

test('waiting for the link can be given up', async () => {
  const sshd = await server();
  const connection = link(sshd, { port: await freePort() });
  const controller = new AbortController();
  const waits = connection.ready(controller.signal);
  controller.abort();
  await expect(waits).rejects.toMatchObject({ code: 'interrupted' });
});
