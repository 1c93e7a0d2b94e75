/** One large file against an agent that is killed at random moments, and over a link that keeps dropping. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { server, started, temps } from '../support/faults.js';
import { proxiedPair } from '../support/proxied-pair.js';
import { seed, seededRandom } from '../support/seed.js';
import { push, watch } from '../support/towline.js';

const mib = 2 ** 20;
/** What one kill may cost. */
const againMax = 16 * mib;
/** Handshakes, listings, headers of packets. */
const overhead = 3 * mib;
const kills = 6;

test(
  `200 MB and ${String(kills)} kills at random moments: little is sent again (seed ${String(seed)})`,
  { timeout: 180_000 },
  async () => {
    const random = seededRandom(seed);
    const sshd = await server();
    const { pair, proxy } = await proxiedPair(sshd, { bytesPerSecond: 40 * mib });
    onTestFinished(() => proxy.stop());
    const content = randomBytes(200_000_000);
    writeFileSync(join(pair.local, 'large'), content);
    for (let kill = 0; kill < kills; kill++) {
      const agent = watch(pair);
      // Any moment: while it connects, looks, goes on with what is there, sends.
      const bytes = random() < 0.25 ? random() * 20_000 : random() * 40 * mib;
      const at = proxy.bytesUp + Math.floor(bytes);
      await eventually(() => {
        expect(proxy.bytesUp).toBeGreaterThanOrEqual(at);
      });
      await agent.stop('SIGKILL');
      expect(existsSync(join(pair.remote, 'large'))).toBe(false);
    }
    expect(await push(pair)).toMatchObject({ code: 0, failed: 0 });
    expect(readFileSync(join(pair.remote, 'large')).equals(content)).toBe(true);
    expect(proxy.bytesUp).toBeLessThan(content.length + kills * againMax + overhead);
    expect(temps(pair)).toEqual([]);
  },
);

test('a link that drops every 700 KB carries 4 MB', { timeout: 180_000 }, async () => {
  const sshd = await server();
  // So slow that a connection lives for seconds, as real ones do: the agent need not take it for a refusal.
  const { pair, proxy } = await proxiedPair(sshd, { bytesPerSecond: 2 ** 17 });
  onTestFinished(() => proxy.stop());
  const content = randomBytes(4_000_000);
  writeFileSync(join(pair.local, 'large'), content);
  const agent = started(pair);
  let drops = 0;
  const dropping = (async () => {
    for (let epoch = 1; ; epoch++) {
      await agent.line((line) => line.state === 'ready' && Number(line.epoch) >= epoch);
      proxy.dropAfterBytes(700_000);
      drops = epoch - 1;
    }
  })().catch(() => undefined);
  await eventually(() => {
    expect(existsSync(join(pair.remote, 'large'))).toBe(true);
  }, 170_000);
  expect(readFileSync(join(pair.remote, 'large')).equals(content)).toBe(true);
  expect(drops).toBeGreaterThanOrEqual(5);
  await agent.stop();
  await dropping;
  expect(await push(pair)).toMatchObject({ code: 0, transferred: 0 });
  expect(temps(pair)).toEqual([]);
});
