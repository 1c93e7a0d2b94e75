import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { proxiedPair } from '../support/proxied-pair.js';
import type { ProxyOptions, TestProxy } from '../support/proxy.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, push, watch } from '../support/towline.js';

const mib = 2 ** 20;
/** What one interruption may cost. */
const againMax = 16 * mib;
/** Handshakes, listings, headers of packets. */
const overhead = 2 * mib;

interface Setting {
  readonly sshd: TestSshd;
  readonly pair: TestPair;
  readonly proxy: TestProxy;
}

async function setting(options: Partial<ProxyOptions> = {}): Promise<Setting> {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  const { pair, proxy } = await proxiedPair(sshd, options);
  onTestFinished(() => proxy.stop());
  return { sshd, pair, proxy };
}

function temps(pair: TestPair): string[] {
  return readdirSync(pair.remote, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.towline'),
  );
}

function partial(pair: TestPair): string {
  const found = temps(pair);
  expect(found).toHaveLength(1);
  return join(pair.remote, found[0]!);
}

function isWhole(pair: TestPair, content: Buffer, name = 'large'): boolean {
  return readFileSync(join(pair.remote, name)).equals(content);
}

/** An agent that is killed when `bytes` of a `size` file have arrived; returns the file's content. */
async function killedAt({ sshd, pair }: Setting, size: number, bytes: number): Promise<Buffer> {
  const content = randomBytes(size);
  writeFileSync(join(pair.local, 'large'), content);
  const agent = watch(pair);
  await eventually(() => {
    expect(statSync(partial(pair)).size).toBeGreaterThan(bytes);
  });
  await agent.stop('SIGKILL');
  sshd.killSessions();
  return content;
}

test(
  'a link that drops every 12 MiB carries 64 MiB, sending little again',
  { timeout: 180_000 },
  async () => {
    const { pair, proxy } = await setting();
    const content = randomBytes(64 * mib);
    writeFileSync(join(pair.local, 'large'), content);
    const agent = watch(pair);
    onTestFinished(async () => {
      await agent.stop();
    });
    let drops = 0;
    const dropping = (async () => {
      for (let epoch = 1; ; epoch++) {
        await agent.line((line) => line.state === 'ready' && Number(line.epoch) >= epoch);
        proxy.dropAfterBytes(12 * mib);
        drops = epoch - 1;
      }
    })().catch(() => undefined);
    await eventually(() => {
      expect(isWhole(pair, content)).toBe(true);
    }, 150_000);
    expect(drops).toBeGreaterThanOrEqual(5);
    expect(proxy.bytesUp).toBeLessThan(content.length + drops * againMax + overhead);
    // Far better than what may be: what was acknowledged is never sent again.
    expect(proxy.bytesUp).toBeLessThan(content.length + drops * 4 * mib + overhead);
    await eventually(() => {
      expect(temps(pair)).toEqual([]);
    });
    await agent.stop();
    await dropping;
  },
);

test('an agent that is killed again and again goes on where it was', async () => {
  const { sshd, pair, proxy } = await setting({ bytesPerSecond: 20 * mib });
  const content = randomBytes(64 * mib);
  writeFileSync(join(pair.local, 'large'), content);
  const kills = [13, 30, 47];
  for (const at of kills) {
    const agent = watch(pair);
    await eventually(() => {
      expect(statSync(partial(pair)).size).toBeGreaterThan(at * mib);
    });
    await agent.stop('SIGKILL');
    sshd.killSessions();
  }
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, content)).toBe(true);
  // At most 16 MiB for each kill are allowed; 8 MiB between two records and what is in flight are what it takes.
  expect(proxy.bytesUp).toBeLessThan(content.length + kills.length * 12 * mib + overhead);
  expect(temps(pair)).toEqual([]);
  expect(await push(pair)).toMatchObject({ code: 0, transferred: 0 });
});

test('a source that was changed between the attempts is sent whole', async () => {
  const all = await setting({ bytesPerSecond: 16 * mib });
  const { pair } = all;
  const content = await killedAt(all, 24 * mib, 12 * mib);
  const file = join(pair.local, 'large');
  const { atime, mtime } = statSync(file);
  content.fill('x', 0, 1000);
  writeFileSync(file, content);
  // Even with the same size and time: the file system's own time of change tells.
  utimesSync(file, atime, mtime);
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, content)).toBe(true);
  expect(temps(pair)).toEqual([]);
});

test('a source that only grew is sent whole', async () => {
  const all = await setting({ bytesPerSecond: 16 * mib });
  const { pair } = all;
  const content = await killedAt(all, 24 * mib, 12 * mib);
  appendFileSync(join(pair.local, 'large'), 'more');
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, Buffer.concat([content, Buffer.from('more')]))).toBe(true);
  expect(temps(pair)).toEqual([]);
});

test('what lies beyond the offset on record is cut', async () => {
  const all = await setting({ bytesPerSecond: 16 * mib });
  const { pair, proxy } = all;
  const content = await killedAt(all, 24 * mib, 12 * mib);
  appendFileSync(partial(pair), Buffer.alloc(30 * mib, 'garbage'));
  const before = proxy.bytesUp;
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, content)).toBe(true);
  expect(proxy.bytesUp - before).toBeLessThan(content.length - 6 * mib);
  expect(temps(pair)).toEqual([]);
});

test('a partial that is shorter than what was acknowledged is not trusted', async () => {
  const all = await setting({ bytesPerSecond: 16 * mib });
  const { pair, proxy } = all;
  const content = await killedAt(all, 24 * mib, 12 * mib);
  truncateSync(partial(pair), 5 * mib);
  const before = proxy.bytesUp;
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, content)).toBe(true);
  expect(proxy.bytesUp - before).toBeGreaterThan(content.length);
  expect(temps(pair)).toEqual([]);
});

test('a clean stop loses nothing of what was acknowledged', async () => {
  const { pair, proxy } = await setting({ bytesPerSecond: 4 * mib });
  const content = randomBytes(32 * mib);
  writeFileSync(join(pair.local, 'large'), content);
  const agent = watch(pair);
  await eventually(() => {
    expect(statSync(partial(pair)).size).toBeGreaterThan(2 * mib);
  });
  expect(await agent.stop('SIGINT')).toBe(0);
  const there = statSync(partial(pair)).size;
  const before = proxy.bytesUp;
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, content)).toBe(true);
  expect(proxy.bytesUp - before).toBeLessThan(content.length - there + overhead);
  expect(temps(pair)).toEqual([]);
});

test('a partial whose source went away is removed', async () => {
  const all = await setting({ bytesPerSecond: 16 * mib });
  const { pair } = all;
  await killedAt(all, 24 * mib, 12 * mib);
  writeFileSync(join(pair.local, 'large'), 'small now');
  expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
  expect(isWhole(pair, Buffer.from('small now'))).toBe(true);
  expect(temps(pair)).toEqual([]);
});
