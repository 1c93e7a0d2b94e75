import { expect, test } from 'vitest';
import { openState } from '../../src/state/open.js';
import { freshFolder } from '../support/folder.js';
import { startChild } from './child.js';
import {
  applyToModel,
  contentOf,
  contentOfModel,
  newModel,
  nextOperation,
  randomFrom,
} from './operations.js';

/** What the state should hold after so many steps of the history with this seed. */
function contentAfter(seed: number, steps: number): unknown {
  const random = randomFrom(seed);
  const model = newModel();
  for (let i = 0; i < steps; i++) applyToModel(model, nextOperation(random, model));
  return contentOfModel(model);
}

const runs = 8;

test(`kill -9 at a random step, ${runs} times: what was acknowledged is there, what was not is there whole or not at all`, async () => {
  for (let run = 0; run < runs; run++) {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomFrom(seed ^ 0x5eed);
    const folder = freshFolder('state');
    const child = startChild('operate', [folder, String(seed)]);
    const killAfter = 1 + Math.floor(random() * 1500);
    let acknowledged = 0;
    for (let line = await child.line(); line !== null; line = await child.line()) {
      if (++acknowledged === killAfter) child.process.kill('SIGKILL');
    }
    await child.ended;
    expect(acknowledged, `seed ${seed}`).toBeGreaterThanOrEqual(killAfter);

    const state = await openState({ folder, label: 'test' });
    expect(state.setAside, `seed ${seed}`).toBeNull();
    const content = await contentOf(state);
    await state.close();
    // The step in flight may have been committed before it could be acknowledged.
    const allowed = [contentAfter(seed, acknowledged), contentAfter(seed, acknowledged + 1)];
    expect(allowed, `seed ${seed}, ${acknowledged} acknowledged`).toContainEqual(content);
  }
});
