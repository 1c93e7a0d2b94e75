/** The link and the server fail in the middle of work: a half-open link, killed sessions, an agent killed with a full queue. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { PairStatus } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { arrived, converged, grow, server, started } from '../support/faults.js';
import { proxiedPair } from '../support/proxied-pair.js';
import { seed, seededRandom } from '../support/seed.js';
import { type TestPair, freshPair, towline, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

async function queued(pair: TestPair): Promise<number> {
  const { stdout } = await towline(['status', '--json', pair.local, pair.target, ...pair.flags]);
  return (JSON.parse(stdout) as PairStatus).queue.total;
}

test('a link that falls silent in the middle of work is given up, and another one goes on', async () => {
  const sshd = await server();
  const { pair, proxy } = await proxiedPair(sshd, { bytesPerSecond: 2 ** 18 });
  onTestFinished(() => proxy.stop());
  grow(pair.local, 100, 20_000);
  const agent = started(pair);
  await eventually(() => {
    expect(arrived(pair).length).toBeGreaterThan(30);
  });
  proxy.stall();
  writeFileSync(join(pair.local, 'd0', 'f0'), 'saved while the link was silent');
  await agent.line(({ state }) => state === 'waiting');
  expect(treeOf(pair.remote)).not.toEqual(treeOf(pair.local));
  // What was held back reaches the old session now, beside the new one.
  proxy.unstall();
  await agent.line(({ state, epoch }) => state === 'ready' && Number(epoch) > 1);
  await converged(pair);
}, 120_000);

test(`sessions killed at random moments of a first sync of 1000 files (seed ${String(seed)})`, async () => {
  const random = seededRandom(seed);
  const sshd = await server();
  const { pair, proxy } = await proxiedPair(sshd, { bytesPerSecond: 2 ** 20 });
  onTestFinished(() => proxy.stop());
  grow(pair.local, 1000, 20_000);
  const agent = started(pair);
  // Each kill so soon after the last doubles the wait for the next connection: 31 s in all, at times half as much again.
  // Up to 64 files arrive at once, so five kills take less than 700 of them.
  for (let kill = 0; kill < 5; kill++) {
    const from = agent.lines.length;
    const enough = Math.floor(arrived(pair).length + random() * 70);
    await eventually(() => {
      expect(arrived(pair).length).toBeGreaterThanOrEqual(enough);
      expect(sshd.sessions()).not.toEqual([]);
    });
    sshd.killSessions();
    expect(arrived(pair).length).toBeLessThan(1000);
    await agent.line(({ state }) => state === 'ready', from);
  }
  await converged(pair, 60_000);
}, 150_000);

test('an agent killed while its queue holds thousands: all arrives, and deletions made meanwhile follow', async () => {
  const sshd = await server();
  const pair = freshPair(sshd);
  grow(pair.local, 3000, 2_000);
  const agent = watch(pair, ['--delete', '--max-delete', '100%']);
  await agent.ready();
  await sshd.stop();
  await agent.line(({ state }) => state === 'waiting');
  for (let n = 0; n < 3000; n++)
    appendFileSync(join(pair.local, `d${String(n % 20)}`, `f${String(n)}`), 'more');
  await eventually(async () => {
    expect(await queued(pair)).toBeGreaterThanOrEqual(3000);
  });
  await agent.stop('SIGKILL');
  expect(await queued(pair)).toBeGreaterThanOrEqual(3000);
  for (let n = 1; n < 3000; n += 9) rmSync(join(pair.local, `d${String(n % 20)}`, `f${String(n)}`));
  rmSync(join(pair.local, 'd7'), { recursive: true });
  await sshd.restart();
  const next = started(pair, ['--delete', '--max-delete', '100%']);
  await next.ready();
  await converged(pair);
  await eventually(async () => {
    expect(await queued(pair)).toBe(0);
  });
  expect(readFileSync(join(pair.remote, 'd0', 'f0'), 'latin1')).toMatch(/more$/);
});
