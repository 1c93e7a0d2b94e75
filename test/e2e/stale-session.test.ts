/**
 * A server session that was frozen when its connection was given up wakes after another one has finished the file: what
 * it still has in its pipe must do no harm (FACTS.md: with the same temp name it cut finished files in half).
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import type { Storage } from '../../src/ports.js';
import { systemClock } from '../../src/system-clock.js';
import { createSftpStorage } from '../../src/storage/sftp/storage.js';
import { tempOf } from '../contract/side.js';
import { connectTo } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { signalProcess } from '../support/processes.js';
import { proxiedPair } from '../support/proxied-pair.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, push, watch } from '../support/towline.js';

const mib = 2 ** 20;
const size = 8 * mib;

async function server(): Promise<TestSshd> {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  return sshd;
}

/** Stops processes; they run again at the end of the test at the latest. */
function freeze(pids: readonly number[]): { thaw: () => void } {
  for (const pid of pids) signalProcess(pid, 'SIGSTOP');
  const thaw = () => {
    for (const pid of pids) signalProcess(pid, 'SIGCONT');
  };
  onTestFinished(thaw);
  return { thaw };
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${String(pid)}/cmdline`)
    ? readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8') !== ''
    : false;
}

/** Two connections to one folder of a server, and the one session process of the first. */
async function twoConnections(): Promise<{
  root: string;
  old: Storage;
  next: () => Promise<Storage>;
  pid: number;
}> {
  const sshd = await server();
  const root = join(freshFolder('stale'), 'root');
  await mkdir(root);
  const login = async () => {
    const session = connectTo(sshd);
    onTestFinished(() => session.close());
    await session.ready();
    return createSftpStorage({ session, root, label: 'box', clock: systemClock });
  };
  const old = await login();
  await old.observe(['file']);
  const [pid] = sshd.sftpServers() as [number];
  return { root, old, next: login, pid };
}

/** As the agent does after a reconnect: goes on with the temp of the old session, and finishes. */
async function finishAnew(
  storage: Storage,
  content: Buffer,
  offset: number,
  meanwhile: () => void | Promise<void> = () => undefined,
): Promise<void> {
  const seen = (await storage.observe(['file']))[0] as Entry | null;
  const temp = (await storage.resumeTemp('file', tempOf(1), tempOf(2), offset))!;
  await meanwhile();
  await temp.write(content.subarray(offset), offset);
  await temp.complete({ size: content.length, sync: false });
  await temp.publish(seen);
}

const befores = [
  ['a new file', null],
  ['a replacement', 'the version before'],
] as const;

/** A session that was frozen right before it took the RENAME of a finished temp. */
async function frozenBeforeRename(before: string | null) {
  const connections = await twoConnections();
  const { root, old, pid } = connections;
  if (before !== null) writeFileSync(join(root, 'file'), before);
  const content = randomBytes(size);
  const seen = (await old.observe(['file']))[0] as Entry | null;
  const stale = await old.createTemp('file', tempOf(1));
  await stale.write(content, 0);
  await stale.complete({ size, sync: false });
  const { thaw } = freeze([pid]);
  const published = stale.publish(seen).then(
    () => 'published',
    () => 'refused',
  );
  return { ...connections, content, thaw, published };
}

test.each(befores)(
  'a session frozen with the RENAME of %s in its pipe, that wakes during the next attempt',
  async (_, before) => {
    const { root, next, content, thaw, published } = await frozenBeforeRename(before);
    await finishAnew(await next(), content, size / 2, async () => {
      thaw();
      expect(await published).toBe('refused');
      const shown = before === null ? null : readFileSync(join(root, 'file'), 'utf8');
      expect(shown).toBe(before);
      expect(readdirSync(root)).toEqual(before === null ? [tempOf(2)] : [tempOf(2), 'file']);
    });
    expect(readFileSync(join(root, 'file')).equals(content)).toBe(true);
    expect(readdirSync(root)).toEqual(['file']);
  },
);

test.each(befores)(
  'a session frozen with the RENAME of %s in its pipe, that wakes after the next attempt',
  async (_, before) => {
    const { root, next, content, thaw, published } = await frozenBeforeRename(before);
    await finishAnew(await next(), content, size / 2);
    expect(readFileSync(join(root, 'file')).equals(content)).toBe(true);
    // Somebody goes on working with the file: a late rename would undo that too.
    writeFileSync(join(root, 'file'), 'the version after');
    thaw();
    expect(await published).toBe('refused');
    expect(readFileSync(join(root, 'file'), 'utf8')).toBe('the version after');
    expect(readdirSync(root)).toEqual(['file']);
  },
);

test('a session frozen with half of the content in its pipe', async () => {
  const { root, old, next, pid } = await twoConnections();
  const content = randomBytes(size);
  const stale = await old.createTemp('file', tempOf(1));
  await stale.write(content.subarray(0, size / 2), 0);
  expect(await settled(() => stale.acknowledged)).toBe(size / 2);
  const { thaw } = freeze([pid]);
  const late = stale.write(content.subarray(size / 2, size / 2 + 200_000), size / 2);
  await finishAnew(await next(), content, size / 2);
  thaw();
  await late;
  expect(await stale.leave()).toBe(size / 2 + 200_000);
  expect(readFileSync(join(root, 'file')).equals(content)).toBe(true);
  expect(await stale.discard()).toBe(true);
  expect(readdirSync(root)).toEqual(['file']);
});

test('a session frozen with an OPEN in its pipe leaves a temp that the next run removes', async () => {
  const sshd = await server();
  const { pair, proxy } = await proxiedPair(sshd);
  onTestFinished(() => proxy.stop());
  const agent = watch(pair);
  onTestFinished(async () => {
    await agent.stop();
  });
  await agent.ready();
  const pids = sshd.sftpServers();
  const { thaw } = freeze(pids);
  const before = proxy.bytesUp;
  writeFileSync(join(pair.local, 'file'), 'content');
  await eventually(() => {
    expect(proxy.bytesUp).toBeGreaterThan(before);
  });
  proxy.dropAll();
  await eventually(() => {
    expect(readFileSync(join(pair.remote, 'file'), 'utf8')).toBe('content');
  });
  thaw();
  await eventually(() => {
    expect(pids.filter(isRunning)).toEqual([]);
  });
  expect(readFileSync(join(pair.remote, 'file'), 'utf8')).toBe('content');
  await agent.stop();
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(readdirSync(pair.remote)).toEqual(['file']);
});

test.each([2, 6, 11, 15])(
  'an agent whose session froze after %i of 16 MiB finishes over a new one; waking the old one does no harm',
  async (mibs) => {
    const sshd = await server();
    const { pair, proxy } = await proxiedPair(sshd, { bytesPerSecond: 16 * mib });
    onTestFinished(() => proxy.stop());
    const content = randomBytes(16 * mib);
    writeFileSync(join(pair.local, 'large'), content);
    utimesSync(join(pair.local, 'large'), 1_600_000_000, 1_600_000_000);
    const agent = watch(pair);
    onTestFinished(async () => {
      await agent.stop();
    });
    const start = proxy.bytesUp;
    await eventually(() => {
      expect(proxy.bytesUp - start).toBeGreaterThan(mibs * mib);
    });
    const pids = sshd.sftpServers();
    const { thaw } = freeze(pids);
    // Nobody reads on the other side any more: what goes through until then fills the pipe.
    await steady(() => proxy.bytesUp);
    proxy.dropAll();
    await eventually(() => {
      expect(isWhole(pair, content)).toBe(true);
    });
    thaw();
    await eventually(() => {
      expect(pids.filter(isRunning)).toEqual([]);
    });
    expect(isWhole(pair, content)).toBe(true);
    await agent.stop();
    expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
    expect(isWhole(pair, content)).toBe(true);
    expect(readdirSync(pair.remote)).toEqual(['large']);
  },
);

function isWhole(pair: TestPair, content: Buffer): boolean {
  return readFileSync(join(pair.remote, 'large')).equals(content);
}

/** The value once it is the same in several looks. */
async function steady(value: () => number): Promise<number> {
  let last = -1;
  let times = 0;
  return eventually(() => {
    const now = value();
    times = now === last ? times + 1 : 0;
    last = now;
    expect(times).toBeGreaterThan(20);
    return now;
  });
}

/** The value when it has come to its end. */
function settled(value: () => number): Promise<number> {
  return steady(value);
}
