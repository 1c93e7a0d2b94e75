/** An agent that stood still finds what it was not told, and watches anew. */
import { expect, test } from 'vitest';
import { FairStage } from '../sim/fair.js';

test('what was changed while the event loop was blocked is found, and the watch set built anew', async () => {
  const stage = new FairStage();
  const { local, remote } = stage.world;
  stage.start();
  await stage.clock.run(60_000);
  const [first] = stage.watchers;
  stage.clock.standStill(20_000);
  stage.edit(() => local.edit.write('d/f', 'not told'), false);
  await stage.clock.run(10_000);
  expect(remote.edit.read('d/f').toString()).toBe('not told');
  expect(first!.watching).toBe(false);
  expect([...stage.watchers].filter(({ watching }) => watching)).toHaveLength(1);
  expect(stage.violations()).toEqual([]);
});

test('without a stall nothing is compared again', async () => {
  const stage = new FairStage();
  stage.start();
  await stage.clock.run(600_000);
  stage.edit(() => stage.world.local.edit.write('d/f', 'not told'), false);
  await stage.clock.run(600_000);
  expect(stage.world.remote.edit.stat('d/f')).toBeNull();
  expect(stage.watchers.size).toBe(1);
});
