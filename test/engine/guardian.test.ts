/** What a person allows, and for how long. */
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { Context } from '../../src/engine/context.js';
import { DeletionLog } from '../../src/engine/deletion-log.js';
import { Guardian } from '../../src/engine/guardian.js';
import { createMemoryStorage } from '../../src/storage/memory/storage.js';
import { Durable } from '../sim/durable.js';
import { Life } from '../sim/life.js';
import { Random } from '../sim/random.js';
import { VirtualClock } from '../sim/virtual-clock.js';
import { MemoryPair, usualSettings } from './memory-pair.js';

test('deletions that are allowed while the server cannot be asked are not allowed', async () => {
  const life = new Life();
  let isLinked = true;
  const local = createMemoryStorage();
  const remote = createMemoryStorage({
    before: () => {
      if (!isLinked) throw new TowlineError('network', 'the connection was lost');
    },
  });
  for (const { edit } of [local, remote]) edit.write('kept', 'kept');
  const context = {
    local,
    remote,
    settings: { ...usualSettings, maxDelete: { paths: 3 } },
    state: new Durable().open(life, () => undefined),
    clock: new VirtualClock().of(life, new Random(1)),
    deletions: new DeletionLog(),
    filter: { excludes: () => false },
    inspectRoot: () => Promise.resolve({ dev: 1, ino: 1, mountPoint: false }),
    emit: () => undefined,
    signal: new AbortController().signal,
  } as unknown as Context;
  const guardian = new Guardian(context, false);
  const causes = async () => (await guardian.recheck()).map(({ cause }) => cause);
  await guardian.reviewAll(10, () => Promise.resolve());
  await context.state.queue.put([{ path: 'gone', cause: 'deletion', sinceMs: 0, held: true }]);
  expect(await causes()).toEqual(['too-many-deletions']);
  isLinked = false;
  await expect(guardian.allow()).rejects.toMatchObject({ code: 'network' });
  isLinked = true;
  expect(await causes()).toEqual(['too-many-deletions']);
  await guardian.allow();
  expect(await causes()).toEqual([]);
});

test('a root that holds nothing but what an interrupted transfer left is an emptied one', async () => {
  const pair = new MemoryPair();
  pair.local.edit.write('kept', 'kept');
  await pair.rest();
  await pair.run({});
  pair.remote.edit.remove('kept');
  pair.remote.edit.write('.towline-another-0123456789.tmp', 'half');
  pair.local.edit.write('new', 'new');
  const { result } = await pair.run({});
  expect(result.holds.map(({ cause }) => cause)).toEqual(['root-emptied']);
  expect(result.problems).toMatchObject([{ path: 'new', code: 'unmounted' }]);
  expect(Object.keys(pair.local.edit.tree())).toEqual(['kept', 'new']);
});
