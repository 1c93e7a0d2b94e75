import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/ports.js';
import { systemClock } from '../../src/system-clock.js';
import type { Connection } from '../../src/ssh/connection.js';
import { connectTo, stateOf } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';
import { startProxy, type TestProxy } from '../support/proxy.js';
import { publicKeyBlob } from '../support/ssh-keys.js';
import { freePort, type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function serve(options?: SshdOptions): Promise<TestSshd> {
  const sshd = await startSshd(options);
  endings.push(() => sshd.stop());
  return sshd;
}

async function proxyTo(sshd: TestSshd): Promise<TestProxy> {
  const proxy = await startProxy({ targetPort: sshd.port });
  endings.push(() => proxy.stop());
  return proxy;
}

function link(sshd: TestSshd, options?: Parameters<typeof connectTo>[1]): Connection {
  const connection = connectTo(sshd, options);
  endings.push(() => connection.close());
  return connection;
}

/** The time stands still, and whoever waits does so for a fiftieth of it: what counts is how long they meant to. */
function hastyClock(): Clock {
  const nowMs = Date.now();
  return {
    ...systemClock,
    now: () => nowMs,
    timer: (ms, callback) => systemClock.timer(ms / 50, callback),
    random: () => 0.5,
  };
}

const patient = { connectTimeoutMs: 1_000_000, requestTimeoutMs: 1_000_000, pingTimeoutMs: 1_000_000 };

/** How long each wait was meant to be, until the link is ready. */
function waits(connection: Connection, clock: Clock): number[] {
  const planned: number[] = [];
  connection.onState((state) => {
    if (state.name === 'waiting' && state.attempt > 0) planned.push(state.retryAtMs - clock.now());
  });
  return planned;
}

describe('a server that will not have us for a while is not stormed, and found again', () => {
  test('one that closes what it accepts, as with PerSourcePenalties', async () => {
    const sshd = await serve();
    let refusals = 0;
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      if (refusals < 5) {
        refusals++;
        socket.resume();
        socket.end(refusals % 2 === 0 ? '' : 'Not allowed at this time\r\n');
        return;
      }
      const through = connect(sshd.port, '127.0.0.1');
      through.on('error', () => socket.destroy());
      socket.pipe(through).pipe(socket);
      socket.on('close', () => through.destroy());
      through.on('close', () => socket.destroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    endings.push(async () => {
      server.close();
      await once(server, 'close');
    });
    const { port } = server.address() as { port: number };
    const clock = hastyClock();
    const connection = link(sshd, { port, clock, ...patient });
    const planned = waits(connection, clock);
    const first = await stateOf(connection, 'waiting');
    expect(first.error).toMatchObject({
      code: 'network',
      message: expect.stringContaining('the server said: Not allowed at this time'),
      serverText: 'Not allowed at this time',
    });
    await connection.ready();
    expect(planned).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(refusals).toBe(5);
  });

  test('MaxStartups: its own word for it is in the message', async () => {
    const sshd = await serve({ config: ['MaxStartups 1'] });
    const proxy = await proxyTo(sshd);
    // Somebody else who does not log in has the only place; who looked whether it runs may have it a moment longer.
    const other = await eventually(async () => {
      const socket = connect(sshd.port, '127.0.0.1');
      const [greeting] = (await once(socket, 'data')) as [Buffer];
      expect(greeting.toString()).toMatch(/^SSH-/);
      return socket;
    });
    const clock = hastyClock();
    const connection = link(sshd, { port: proxy.port, clock, ...patient });
    const planned = waits(connection, clock);
    const { error } = await stateOf(connection, 'waiting', ({ attempt }) => attempt === 4);
    expect(error.message).toContain('Exceeded MaxStartups');
    expect(proxy.connections).toBe(4);
    other.destroy();
    await connection.ready();
    expect(planned.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(proxy.connections).toBe(planned.length + 1);
  });
});

test('a connection that worked and was lost at once is tried again soon, unless that goes on and on', async () => {
  const sshd = await serve();
  const proxy = await proxyTo(sshd);
  proxy.refuse();
  const connection = link(sshd, { port: proxy.port, clock: hastyClock(), ...patient });
  await stateOf(connection, 'waiting', ({ attempt }) => attempt === 4);
  proxy.accept();
  const rows: number[] = [];
  for (let round = 1; round <= 4; round++) {
    await stateOf(connection, 'ready', ({ epoch }) => epoch === round);
    await (await connection.channel('transfer')).lstat('/');
    const waiting = new Promise<number>((resolve) => {
      const stop = connection.onState((state) => {
        if (state.name !== 'waiting' || state.attempt === 0) return;
        stop();
        resolve(state.attempt);
      });
    });
    proxy.dropAll();
    rows.push(await waiting);
  }
  expect(rows).toEqual([1, 2, 3, 4]);
});

describe('a machine that slept, or is in another network', () => {
  /** A link whose time stands still unless it is moved. */
  async function stillLink() {
    const sshd = await serve();
    const proxy = await proxyTo(sshd);
    const clock = new ManualClock();
    let addresses = '192.0.2.1';
    const connection = link(sshd, { port: proxy.port, clock, addresses: () => addresses });
    await connection.ready();
    return { proxy, clock, connection, move: () => (addresses = '198.51.100.7') };
  }

  test('after sleep a dead connection is given up within seconds', async () => {
    const { proxy, clock, connection } = await stillLink();
    proxy.stall();
    clock.jump(8 * 3_600_000);
    clock.advance(2000);
    expect(connection.state.name).toBe('ready');
    clock.advance(5000);
    expect(connection.state).toMatchObject({
      name: 'waiting',
      error: { code: 'network', message: expect.stringContaining('no sign of life within 5 s') },
    });
  });

  test('after sleep a connection that lives stays, with what is under way', async () => {
    const { proxy, clock, connection } = await stillLink();
    const channel = await connection.channel('transfer');
    clock.jump(60_000);
    clock.advance(2000);
    // Answered in order: behind the question.
    await channel.lstat('/');
    clock.advance(10_000);
    expect(connection.state).toEqual({ name: 'ready', epoch: 1 });
    proxy.stall();
  });

  test('a question that was out before counts no more: a new one has few seconds', async () => {
    const { proxy, clock, connection } = await stillLink();
    proxy.stall();
    // The usual question after 15 s of silence, with 15 s for the answer.
    clock.advance(16_000);
    clock.jump(3_600_000);
    clock.advance(2000);
    expect(connection.state.name).toBe('ready');
    clock.advance(5000);
    expect(connection.state.name).toBe('waiting');
  });

  test('in another network a dead connection is given up within seconds', async () => {
    const { proxy, clock, connection, move } = await stillLink();
    proxy.stall();
    move();
    clock.advance(7000);
    expect(connection.state.name).toBe('waiting');
  });

  test.each(['sleep', 'another network'])('a long wait is over at once after %s', async (what) => {
    const sshd = await serve();
    const clock = new ManualClock();
    let addresses = 'one';
    const connection = link(sshd, { port: await freePort(), clock, addresses: () => addresses });
    for (let attempt = 1; attempt < 6; attempt++) {
      await stateOf(connection, 'waiting', (state) => state.attempt === attempt);
      clock.advance(60_000);
    }
    await stateOf(connection, 'waiting', (state) => state.attempt === 6);
    if (what === 'sleep') clock.jump(3_600_000);
    else addresses = 'two';
    clock.advance(2000);
    // And the waits begin anew.
    const waiting = await stateOf(connection, 'waiting', (state) => state.attempt === 1);
    expect(waiting.retryAtMs - clock.now()).toBe(1000);
  });
});

test('the server changes keys every MiB in the middle of large transfers, and its host key is verified each time', async () => {
  const sshd = await serve({ config: ['RekeyLimit 1M'] });
  const hostKey = publicKeyBlob(sshd.hostKeyFiles[0]!);
  let verified = 0;
  const connection = link(sshd, {
    connect: () =>
      Promise.resolve({
        host: sshd.host,
        port: sshd.port,
        hostVerifier: (key: Buffer) => {
          verified++;
          return key.equals(hostKey);
        },
        ssh: { username: sshd.user, privateKey: readFileSync(sshd.keyFile) },
      }),
  });
  await connection.ready();
  const channel = await connection.channel('transfer');
  const data = randomBytes(24 * 2 ** 20);
  const path = join(freshFolder('rekey'), 'large');
  const handle = await channel.createExclusive(path, 0o600);
  const piece = 2 ** 18;
  const written: Promise<unknown>[] = [];
  for (let at = 0; at < data.length; at += piece) {
    const { acknowledged } = await channel.write(handle, data.subarray(at, at + piece), at);
    written.push(acknowledged);
  }
  await Promise.all(written);
  await channel.closeHandle(handle);
  expect(readFileSync(path).equals(data)).toBe(true);
  const afterUpload = verified;
  expect(afterUpload).toBeGreaterThan(10);

  const reading = await channel.openRead(path);
  const starts = Array.from({ length: data.length / 2 ** 15 }, (_, index) => index * 2 ** 15);
  const pieces = await Promise.all(starts.map((start) => channel.read(reading, start, 2 ** 15)));
  await channel.closeHandle(reading);
  expect(Buffer.concat(pieces).equals(data)).toBe(true);
  expect(verified).toBeGreaterThan(afterUpload + 10);
  expect(connection.epoch).toBe(1);
});

test('a server whose host key is another one at a rekey is left at once', async () => {
  const sshd = await serve({ config: ['RekeyLimit 1M'] });
  let verified = 0;
  const connection = link(sshd, {
    connect: () =>
      Promise.resolve({
        host: sshd.host,
        port: sshd.port,
        // As if somebody had taken over in the meantime.
        hostVerifier: () => ++verified < 3,
        ssh: { username: sshd.user, privateKey: readFileSync(sshd.keyFile) },
      }),
  });
  await connection.ready();
  const channel = await connection.channel('transfer');
  const path = join(freshFolder('rekey'), 'large');
  const handle = await channel.createExclusive(path, 0o600);
  const written = channel.write(handle, randomBytes(8 * 2 ** 20), 0).then(({ acknowledged }) => acknowledged);
  await expect(written).rejects.toMatchObject({ code: 'host-key' });
  await eventually(() => {
    expect(connection.state).toMatchObject({ name: 'halted', error: { code: 'host-key' } });
  });
});
