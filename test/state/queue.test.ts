import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { QueuePut, QueueStore, State } from '../../src/ports-state.js';
import { openState } from '../../src/state/open.js';
import { freshFolder } from '../support/folder.js';
import {
  applyToModel,
  applyToState,
  contentOf,
  contentOfModel,
  newModel,
  nextOperation,
  randomFrom,
} from './operations.js';

type Free = (path: string) => boolean;
const any: Free = () => true;

async function freshState(folder = freshFolder('state')): Promise<State> {
  const state = await openState({ folder, label: 'test' });
  onTestFinished(() => state.close());
  return state;
}

function watched(path: string, more: Partial<QueuePut> = {}): QueuePut {
  return { path, cause: 'watch', sinceMs: 100, ...more };
}

async function pathsDue(queue: QueueStore, nowMs: number, limit = 100, free: Free = any): Promise<string[]> {
  return (await queue.due(nowMs, limit, free)).map((row) => row.path);
}

test('does what a simple model does, over any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.nat({ max: 60 }), async (seed, steps) => {
      const state = await openState({ folder: freshFolder('state'), label: 'test' });
      const random = randomFrom(seed);
      const model = newModel();
      for (let i = 0; i < steps; i++) {
        const operation = nextOperation(random, model);
        await applyToState(state, operation);
        applyToModel(model, operation);
      }
      expect(await contentOf(state)).toEqual(contentOfModel(model));
      await state.close();
    }),
    { numRuns: 60 },
  );
});

test('a row is removed only by the generation that was leased', async () => {
  const { queue } = await freshState();
  await queue.put([watched('a')]);
  const [leased] = await queue.due(200, 1, any);
  await queue.put([watched('a', { sinceMs: 150 })]);
  await queue.settle([{ path: 'a', generation: leased!.generation, type: 'done' }]);
  const [again] = await queue.due(200, 1, any);
  expect(again).toMatchObject({ path: 'a', sinceMs: 100, attempts: 0 });
  expect(again!.generation).toBeGreaterThan(leased!.generation);
  const late = {
    path: 'a',
    generation: leased!.generation,
    type: 'again',
    notBeforeMs: 9e9,
    counts: true,
    held: true,
  } as const;
  await queue.settle([late]);
  expect(await queue.due(200, 1, any)).toEqual([again]);
  await queue.settle([{ path: 'a', generation: again!.generation, type: 'done' }]);
  expect(await queue.counts()).toEqual({ total: 0, held: 0, problems: 0, oldestMs: null });
});

test('the generation of a path that comes again is a new one, also after a restart', async () => {
  const folder = freshFolder('state');
  const first = await openState({ folder, label: 'test' });
  await first.queue.put([watched('a')]);
  const [earlier] = await first.queue.due(200, 1, any);
  await first.queue.settle([{ path: 'a', generation: earlier!.generation, type: 'done' }]);
  await first.close();
  const { queue } = await freshState(folder);
  await queue.put([watched('a')]);
  await queue.settle([{ path: 'a', generation: earlier!.generation, type: 'done' }]);
  const [now] = await queue.due(200, 1, any);
  expect(now!.generation).toBeGreaterThan(earlier!.generation);
});

test('an attempt that counts is counted, and its problem stays until the next outcome', async () => {
  const { queue } = await freshState();
  await queue.put([watched('a'), watched('b')]);
  const [row] = await queue.due(200, 1, any);
  const problem = { code: 'permission', message: 'a cannot be read' } as const;
  await queue.settle([
    { path: 'a', generation: row!.generation, type: 'again', notBeforeMs: 5000, counts: true, problem },
  ]);
  expect(await pathsDue(queue, 4999)).toEqual(['b']);
  expect(await queue.problems(10)).toMatchObject([{ path: 'a', attempts: 1, problem, notBeforeMs: 5000 }]);
  expect(await queue.counts()).toEqual({ total: 2, held: 0, problems: 1, oldestMs: 100 });
  await queue.put([watched('a')]);
  const [refreshed] = await queue.due(200, 1, any);
  expect(refreshed).toMatchObject({ path: 'a', attempts: 1, problem });
  await queue.settle([
    { path: 'a', generation: refreshed!.generation, type: 'again', notBeforeMs: 300, counts: false },
  ]);
  expect(await queue.due(300, 1, (path) => path === 'a')).toMatchObject([{ attempts: 1, problem: null }]);
});

test('rows come oldest first, whatever the clock says of "at once", and never those that are held', async () => {
  const { queue } = await freshState();
  await queue.put([
    watched('later', { notBeforeMs: 50 }),
    watched('z', { sinceMs: 1 }),
    watched('d/x'),
    watched('d'),
    watched('d-'),
  ]);
  await queue.put([watched('h', { held: true }), watched('not yet', { notBeforeMs: 61 })]);
  expect(await pathsDue(queue, 60)).toEqual(['z', 'd', 'd/x', 'd-', 'later']);
  expect(await pathsDue(queue, 0)).toEqual(['z', 'd', 'd/x', 'd-']);
  expect(await pathsDue(queue, 60, 2)).toEqual(['z', 'd']);
  expect(await pathsDue(queue, 60, 0)).toEqual([]);
  expect(await queue.held(5)).toEqual(['h']);
  expect(await queue.counts()).toMatchObject({ total: 7, held: 1 });
  await queue.put([watched('h')]);
  expect(await queue.held(5)).toEqual([]);
});

test('nextDueMs is the earliest of the rows that are not held', async () => {
  const { queue } = await freshState();
  expect(await queue.nextDueMs()).toBeNull();
  await queue.put([watched('h', { held: true, notBeforeMs: 5 })]);
  expect(await queue.nextDueMs()).toBeNull();
  await queue.put([watched('a', { notBeforeMs: 70 }), watched('b', { notBeforeMs: 60 })]);
  expect(await queue.nextDueMs()).toBe(60);
  expect(await queue.release()).toBe(1);
  expect(await queue.nextDueMs()).toBe(5);
});

test('free rows are found behind very many that are not, and what changed on the way is not handed out', async () => {
  const { queue } = await freshState();
  const busy = Array.from({ length: 20_000 }, (_, i) => watched(`busy/${String(i).padStart(5, '0')}`));
  await queue.put([...busy, watched('z1'), watched('z2'), watched('z3')]);
  expect(await pathsDue(queue, 200, 2, (path) => !path.startsWith('busy'))).toEqual(['z1', 'z2']);
  const walking = pathsDue(queue, 200, 3, (path) => path === 'busy/00000' || path.startsWith('z'));
  await queue.put([watched('busy/00000', { held: true }), watched('z1', { notBeforeMs: 900 })]);
  expect(await walking).toEqual(['z2', 'z3']);
});

test('releasing very many rows lets all of them go', async () => {
  const { queue } = await freshState();
  await queue.put(Array.from({ length: 10_000 }, (_, i) => watched(`f${i}`, { held: true })));
  await queue.put([watched('', { held: true }), watched('free')]);
  expect(await queue.release()).toBe(10_001);
  expect(await queue.counts()).toMatchObject({ total: 10_002, held: 0 });
  expect(await queue.release()).toBe(0);
});
