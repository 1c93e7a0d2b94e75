/** What people do to a path just while the agent works on it. */
import { expect, test } from 'vitest';
import { FairStage } from '../sim/fair.js';

test.each(['createTemp', 'write', 'complete', 'publish'])(
  'a save that comes during the %s of the one before is sent too',
  async (moment) => {
    // Settled at once: its row is in the queue before the attempt that is under way ends.
    const stage = new FairStage({ settleMs: 0 });
    const { local, remote } = stage.world;
    stage.edit(() => local.edit.write('f', 'first'));
    stage.start();
    await stage.clock.run(60_000);
    let saves = 0;
    let leased = 0;
    let dirtied = 0;
    stage.onCall = (_, operation, path) => {
      if (operation === moment && path === 'f' && ++saves === 1) {
        leased = stage.durable.queue.get('f')!.generation;
        stage.edit(() => local.edit.write('f', 'the third'));
        stage.clock.timer(1, () => (dirtied = stage.durable.queue.get('f')!.generation));
      }
      return undefined;
    };
    stage.edit(() => local.edit.write('f', 'second'));
    await stage.clock.run(60_000);
    expect(dirtied).toBeGreaterThan(leased);
    expect(remote.edit.read('f').toString()).toBe('the third');
    expect(stage.durable.queue.size).toBe(0);
    expect(stage.violations()).toEqual([]);
  },
);

test('a file that is back at the source by the time it would be deleted is not deleted', async () => {
  const stage = new FairStage();
  const { local, remote } = stage.world;
  stage.edit(() => ['gone', 'd/below', 'other'].forEach((path) => local.edit.write(path, path)));
  stage.start();
  await stage.clock.run(60_000);
  const back = new Set<string>();
  let looks = 0;
  stage.onCall = (side, operation) => {
    // The plan is made: both sides were looked at, and the next look at the source is the last.
    if (side === 'local' && operation === 'observe' && stage.durable.queue.size > 0) looks++;
    if (looks === 2 && back.size === 0) {
      for (const path of ['gone', 'd/below']) {
        back.add(path);
        stage.edit(() => local.edit.write(path, path), false);
      }
    }
    return undefined;
  };
  stage.edit(() => ['gone', 'd'].forEach((path) => local.edit.remove(path)));
  const removed: string[] = [];
  await stage.clock.run(60_000, () => {
    for (const path of ['gone', 'd/below']) if (remote.edit.stat(path) === null) removed.push(path);
    return false;
  });
  expect(back.size).toBe(2);
  expect(removed).toEqual([]);
});
