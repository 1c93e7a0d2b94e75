/** A file that was published and never recorded, and a save that looks just like it. */
import { expect, test } from 'vitest';
import { FairStage } from '../sim/fair.js';

test.each(['crash', 'disconnect'] as const)(
  'after a %s between rename and base, a save of the same size and second is sent',
  async (type) => {
    const stage = new FairStage();
    const { local, remote } = stage.world;
    stage.start();
    await stage.clock.run(60_000);
    let published = 0;
    stage.onCall = (_, operation) => {
      if (operation !== 'publish' || ++published > 1) return undefined;
      // Done, and nobody hears of it; the user saves again.
      stage.clock.timer(1, () => stage.edit(() => local.edit.write('f', 'saved 2', { mtimeMs }), false));
      return { type, done: true };
    };
    const mtimeMs = stage.clock.now() - 60_000;
    stage.edit(() => local.edit.write('f', 'saved 1', { mtimeMs }));
    await stage.clock.run(500);
    expect(remote.edit.read('f').toString()).toBe('saved 1');
    if (type === 'crash') stage.start();
    await stage.clock.run(60_000);
    expect(remote.edit.read('f').toString()).toBe('saved 2');
    expect(stage.durable.partials.size).toBe(0);
  },
);
