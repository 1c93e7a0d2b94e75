/** What the server told is not forgotten while the queue cannot be written. */
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { Context } from '../../src/engine/context.js';
import { RemoteFollower } from '../../src/engine/remote-follower.js';
import type { QueuePut } from '../../src/ports-state.js';
import { createMemoryStorage } from '../../src/storage/memory/storage.js';
import { FakeWatcher } from '../sim/fake-watcher.js';
import { Life } from '../sim/life.js';
import { Random } from '../sim/random.js';
import { VirtualClock } from '../sim/virtual-clock.js';

function stage(watches: boolean) {
  const clock = new VirtualClock();
  const life = new Life();
  const remote = createMemoryStorage({ label: 'remote', now: () => clock.now() });
  const queued: string[][] = [];
  const failing = { state: true };
  const silence = () => undefined;
  const context = {
    remote,
    clock: clock.of(life, new Random(1)),
    link: { state: { name: 'ready', epoch: 1 }, onState: () => silence },
    gate: { isOpen: true },
    filter: { excludes: () => false, isRuleFile: () => false },
    log: { debug: silence, info: silence, warn: silence, error: silence },
    emit: silence,
    stopSignal: new AbortController().signal,
    state: {
      base: { scan: async function* () {} },
      queue: {
        put: async (rows: readonly QueuePut[]) => {
          if (failing.state) throw new TowlineError('state', 'the disk is full');
          queued.push(rows.map(({ path }) => path));
        },
      },
    },
  } as unknown as Context;
  const watcher = new FakeWatcher(life, clock, 1, () => true);
  const follower = new RemoteFollower({
    context,
    newWatcher: watches ? () => watcher : null,
    pollMs: 15_000,
    onRows: silence,
    onScan: silence,
  });
  return { clock, remote, queued, failing, watcher, follower };
}

test('an event comes again a moment later', async () => {
  const { clock, queued, failing, watcher, follower } = stage(true);
  follower.start();
  await clock.run(1_000);
  watcher.tell({ kind: 'change', path: 'a' });
  await clock.run(500);
  watcher.tell({ kind: 'change', path: 'b' });
  await clock.run(500);
  failing.state = false;
  await clock.run(2_000);
  expect(queued.flat().sort()).toEqual(['a', 'b']);
  await follower.close();
});

test('what a listing found is found by the next one', async () => {
  const { clock, remote, queued, failing, follower } = stage(false);
  remote.edit.write('new', 'text');
  follower.start();
  await clock.run(1_000);
  failing.state = false;
  await clock.run(16_000);
  expect(queued).toEqual([['new']]);
  // And is told once.
  await clock.run(60_000);
  expect(queued).toHaveLength(1);
  await follower.close();
});
