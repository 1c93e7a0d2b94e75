import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { CommandStream } from '../../src/ports-stream.js';
import type { Connection } from '../../src/ssh/connection.js';
import { connectTo } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { allProcesses } from '../support/processes.js';
import { startProxy } from '../support/proxy.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

let sshd: TestSshd;
const open: Connection[] = [];

beforeAll(async () => {
  sshd = await startSshd();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});
afterAll(() => sshd.stop());

async function connected(options: Parameters<typeof connectTo>[1] = {}): Promise<Connection> {
  const connection = connectTo(sshd, options);
  open.push(connection);
  await connection.ready();
  return connection;
}

async function bytesOf(stream: CommandStream): Promise<number> {
  let bytes = 0;
  for await (const piece of stream.stdout) bytes += piece.length;
  return bytes;
}

async function textOf(stream: CommandStream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream.stdout) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

function pidIn(file: string): Promise<number> {
  return eventually(() => {
    const pid = Number(readFileSync(file, 'utf8'));
    if (!(pid > 0)) throw new Error('not yet');
    return pid;
  });
}

function isGone(pid: number): Promise<void> {
  return eventually(() => {
    if (allProcesses().some((one) => one.pid === pid)) throw new Error(`${String(pid)} still runs`);
  });
}

test('gives its output, its errors and its exit code; reads what it is given', async () => {
  const connection = await connected();
  const heard: string[] = [];
  const directory = freshFolder('stream');
  const stream = connection.stream('cat; pwd; printf %s "$WORD"; echo oops >&2; exit 3', {
    stdin: "it's\n\n",
    directory,
    environment: { WORD: 'a b' },
    onStderr: (text) => heard.push(text),
  });
  expect(await textOf(stream)).toBe(`it's\n\n${directory}\na b`);
  // A login script may have said something before.
  const { code, stderr } = await stream.ended;
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringMatching(/oops\n$/) as string });
  expect(heard.join('')).toBe(stderr);
});

test('a long output is whole', async () => {
  const connection = await connected();
  expect(await textOf(connection.stream('seq 1 200000'))).toBe(
    Array.from({ length: 200_000 }, (_, i) => `${String(i + 1)}\n`).join(''),
  );
});

test('what is not read holds the command back', async () => {
  const connection = await connected();
  const done = join(freshFolder('stream'), 'done');
  const bytes = 100_000_000;
  const script = `head -c ${String(bytes)} /dev/zero`;
  const held = connection.stream(`${script}; echo > ${done}`);
  const reading = held.stdout[Symbol.asyncIterator]();
  const first = await reading.next();
  expect(await bytesOf(connection.stream(script))).toBe(bytes);
  expect(existsSync(done)).toBe(false);
  let rest = (first.value as Buffer).length;
  for (let next = await reading.next(); next.done !== true; next = await reading.next())
    rest += next.value.length;
  expect(rest).toBe(bytes);
  expect(existsSync(done)).toBe(true);
});

test.each(['ended', 'no longer read', 'called off'] as const)(
  'a stream that is %s ends there',
  async (how) => {
    const connection = await connected();
    const file = join(freshFolder('stream'), 'pid');
    const stop = new AbortController();
    const stream = connection.stream(
      `trap '' TERM HUP; echo $$ > ${file}; echo begun; while :; do sleep 1; done`,
      {
        signal: stop.signal,
      },
    );
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const piece of stream.stdout) {
        expect(piece.toString()).toBe('begun\n');
        if (how === 'no longer read') break;
        if (how === 'ended') stream.end();
        else stop.abort(reason);
      }
    })();
    if (how === 'called off') {
      await expect(reading).rejects.toBe(reason);
      await expect(stream.ended).rejects.toBe(reason);
    } else {
      await reading;
      expect(await stream.ended).toMatchObject({ code: null });
    }
    await isGone(await pidIn(file));
  },
);

test('a lost connection ends it, here and there', async () => {
  const proxy = await startProxy({ targetPort: sshd.port });
  const connection = await connected({ port: proxy.port });
  const file = join(freshFolder('stream'), 'pid');
  const stream = connection.stream(`echo $$ > ${file}; exec sleep 1000`);
  const pid = await pidIn(file);
  proxy.dropAll();
  await expect(bytesOf(stream)).rejects.toMatchObject({ code: 'network' });
  await isGone(pid);
  await proxy.stop();
});

test('without a connection it says that', async () => {
  const connection = await connected();
  await connection.close();
  const stream = connection.stream('true');
  await expect(bytesOf(stream)).rejects.toMatchObject({ code: 'network' });
  await expect(stream.ended).rejects.toMatchObject({ code: 'network' });
});

test('its numbers tell one connection from the next', async () => {
  const proxy = await startProxy({ targetPort: sshd.port });
  const connection = await connected({ port: proxy.port });
  const before = connection.epoch;
  proxy.dropAll();
  await eventually(() => expect(connection.epoch).toBe(before + 1));
  await proxy.stop();
});
