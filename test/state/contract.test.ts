/**
 * The simulation rests on a state in memory: whatever is done to both, it and SQLite must answer alike, or the simulation
 * would show what is not so.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePaths } from '../../src/core/path.js';
import type { PartialRow, QueuePut, State } from '../../src/ports-state.js';
import { openState } from '../../src/state/open.js';
import { Durable } from '../sim/durable.js';
import { Life } from '../sim/life.js';
import { freshFolder } from '../support/folder.js';
import { applyToState, contentOf, nextOperation, randomFrom } from './operations.js';

type Step = (state: State) => Promise<unknown>;

const names = ['a', 'a/b', 'a-b', 'z', 'é/ü', 'd'];

/** A step that `operations.ts` does not know; its result is compared. */
function otherStep(random: () => number): Step {
  const below = (count: number): number => Math.floor(random() * count);
  const name = () => names[below(names.length)]!;
  const number = below(100);
  const path = name();
  const failed: QueuePut = {
    path,
    cause: 'retry',
    sinceMs: number,
    problem: { code: 'permission', message: `m${String(number)}` },
  };
  const partial: PartialRow = {
    temp: `t${String(below(4))}`,
    path,
    side: 'remote',
    fingerprint: null,
    offset: 0,
  };
  const value = [null, number, { text: path }, undefined][below(4)];
  const steps: Step[] = [
    (state) => state.queue.put([failed]),
    (state) => state.queue.put([failed, { ...failed, held: true }]),
    (state) => state.queue.due(number, 1 + (number % 4), (candidate) => candidate !== path),
    (state) => state.queue.nextDueMs(),
    (state) => state.queue.counts(),
    (state) => state.queue.problems(2),
    (state) => state.queue.held(2),
    (state) => state.queue.release(),
    (state) => state.base.get([path, 'not there']),
    (state) => state.base.byInode(1, number * 10),
    (state) => state.base.byRemoteRevision(number * 10, number * 10 + 0.25, 2),
    (state) => rowsBelow(state, path),
    (state) => state.partials.record([partial]),
    (state) => state.partials.progress(partial.temp, `f${String(number)}`, number),
    (state) => state.partials.forget([partial.temp]),
    (state) => state.facts.set(path, value),
    (state) => state.facts.get(path),
  ];
  return steps[below(steps.length)]!;
}

async function rowsBelow(state: State, path: string): Promise<unknown> {
  const found = [];
  for await (const rows of state.base.scan(path)) found.push(...rows);
  return found;
}

async function partialsOf(state: State): Promise<readonly PartialRow[]> {
  return [...(await state.partials.all())].sort((a, b) => comparePaths(a.temp, b.temp));
}

test('the state of the simulation does what SQLite does, over any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.nat({ max: 80 }), async (seed, steps) => {
      const real = await openState({ folder: freshFolder('state'), label: 'test' });
      const durable = new Durable();
      const fake = durable.open(new Life(), () => undefined);
      const random = randomFrom(seed);
      // Outcomes that are drawn speak of generations that are there.
      const known = { puts: 0, queue: durable.queue, base: durable.base };
      for (let count = 0; count < steps; count++) {
        if (random() < 0.5) {
          const operation = nextOperation(random, known);
          await Promise.all([applyToState(real, operation), applyToState(fake, operation)]);
        } else {
          const step = otherStep(random);
          expect(await step(fake)).toEqual(await step(real));
        }
      }
      expect(await partialsOf(fake)).toEqual(await partialsOf(real));
      expect(await contentOf(fake)).toEqual(await contentOf(real));
      await real.close();
    }),
    { numRuns: 100 },
  );
});

test('what was leased is settled by its generation only, in both', async () => {
  const real = await openState({ folder: freshFolder('state'), label: 'test' });
  const fake = new Durable().open(new Life(), () => undefined);
  for (const { queue } of [real, fake]) {
    await queue.put([{ path: 'a', cause: 'watch', sinceMs: 1 }]);
    const [leased] = await queue.due(5, 1, () => true);
    await queue.put([{ path: 'a', cause: 'watch', sinceMs: 2 }]);
    await queue.settle([{ path: 'a', generation: leased!.generation, type: 'done' }]);
    expect(await queue.counts()).toMatchObject({ total: 1, oldestMs: 1 });
    await queue.settle([{ path: 'a', generation: leased!.generation + 1, type: 'done' }]);
    expect(await queue.counts()).toMatchObject({ total: 0 });
  }
  await real.close();
});
