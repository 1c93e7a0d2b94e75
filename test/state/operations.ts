import type { BasePair } from '../../src/core/entry.js';
import { comparePaths } from '../../src/core/path.js';
import type { QueueOutcome, QueuePut, QueueRow, State } from '../../src/ports-state.js';

/** One step of a random history of the state; which one it is follows from the seed alone. */
export type Operation =
  | { readonly type: 'put'; readonly rows: readonly QueuePut[] }
  | { readonly type: 'settle'; readonly outcomes: readonly QueueOutcome[] }
  | { readonly type: 'commit'; readonly rows: readonly { path: string; pair: BasePair | null }[] }
  | { readonly type: 'release' };

/** What the state should hold. */
export interface Model {
  puts: number;
  readonly queue: Map<string, QueueRow>;
  readonly base: Map<string, BasePair>;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function newModel(): Model {
  return { puts: 0, queue: new Map(), base: new Map() };
}

const names = ['a', 'a/b', 'a-b', 'a/b/c', 'é/ü', 'z\n', '😀', '\uffee', 'd/\u0001', 'd'];

function pairOf(size: number): BasePair {
  const entry = { kind: 'file', size, mtimeMs: size + 0.25, mode: 0o644 } as const;
  return { local: { ...entry, dev: 1, ino: size }, remote: entry, racy: size % 2 === 0 };
}

/** The next step after what the model holds. */
export function nextOperation(random: () => number, model: Model): Operation {
  const below = (count: number): number => Math.floor(random() * count);
  const some = Array.from({ length: 1 + below(5) }, () => names[below(names.length)]!);
  const dice = random();
  if (dice < 0.45) {
    const row = (path: string): QueuePut => ({
      path,
      cause: 'watch',
      sinceMs: below(100),
      notBeforeMs: below(100),
      held: below(4) === 0,
    });
    return { type: 'put', rows: some.map(row) };
  }
  if (dice < 0.75) {
    const outcome = (path: string): QueueOutcome => {
      const known = model.queue.get(path)?.generation ?? 0;
      const generation = below(3) === 0 ? known - 1 : known;
      if (below(2) === 0) return { path, generation, type: 'done' };
      const problem =
        below(2) === 0 ? { problem: { code: 'permission' as const, message: `m${below(9)}` } } : {};
      return {
        path,
        generation,
        type: 'again',
        notBeforeMs: below(100),
        counts: below(2) === 0,
        held: below(4) === 0,
        ...problem,
      };
    };
    return { type: 'settle', outcomes: some.map(outcome) };
  }
  if (dice < 0.95) {
    return {
      type: 'commit',
      rows: some.map((path) => ({ path, pair: below(3) === 0 ? null : pairOf(below(1000)) })),
    };
  }
  return { type: 'release' };
}

export async function applyToState(state: State, operation: Operation): Promise<void> {
  switch (operation.type) {
    case 'put':
      return state.queue.put(operation.rows);
    case 'settle':
      return state.queue.settle(operation.outcomes);
    case 'commit':
      return state.base.commit(operation.rows);
    case 'release':
      await state.queue.release();
  }
}

function putToModel(model: Model, put: QueuePut): void {
  const old = model.queue.get(put.path);
  model.queue.set(put.path, {
    path: put.path,
    cause: put.cause,
    generation: model.puts,
    sinceMs: Math.min(old?.sinceMs ?? Infinity, put.sinceMs),
    attempts: old?.attempts ?? 0,
    notBeforeMs: put.notBeforeMs ?? 0,
    held: put.held ?? false,
    problem: old?.problem ?? null,
  });
}

function settleInModel(model: Model, outcome: QueueOutcome): void {
  const row = model.queue.get(outcome.path);
  if (row?.generation !== outcome.generation) return;
  if (outcome.type === 'done') {
    model.queue.delete(outcome.path);
    return;
  }
  const { notBeforeMs, counts, held = false, problem = null } = outcome;
  model.queue.set(outcome.path, {
    ...row,
    notBeforeMs,
    held,
    problem,
    attempts: row.attempts + Number(counts),
  });
}

export function applyToModel(model: Model, operation: Operation): void {
  switch (operation.type) {
    case 'put':
      model.puts++;
      for (const put of operation.rows) putToModel(model, put);
      return;
    case 'settle':
      for (const outcome of operation.outcomes) settleInModel(model, outcome);
      return;
    case 'commit':
      for (const { path, pair } of operation.rows) {
        if (pair === null) model.base.delete(path);
        else model.base.set(path, pair);
      }
      return;
    case 'release':
      for (const row of model.queue.values()) model.queue.set(row.path, { ...row, held: false });
  }
}

/** All that can be seen of a state, in a form that compares. Lets held rows go to see them whole: the last look. */
export async function contentOf(state: State): Promise<unknown> {
  const base = [];
  for await (const rows of state.base.scan('')) base.push(...rows);
  const look = { base, count: await state.base.count(), counts: await state.queue.counts() };
  const more = {
    problems: await state.queue.problems(100),
    held: await state.queue.held(100),
    next: await state.queue.nextDueMs(),
  };
  await state.queue.release();
  return { ...look, ...more, rows: await state.queue.due(Infinity, 100, () => true) };
}

/** What `contentOf` gives for a state that holds just this. */
export function contentOfModel(model: Model): unknown {
  const base = [...model.base]
    .map(([path, pair]) => ({ path, pair }))
    .sort((a, b) => comparePaths(a.path, b.path));
  const rows = [...model.queue.values()].sort((a, b) => comparePaths(a.path, b.path));
  const held = rows.filter((row) => row.held);
  const problems = rows.filter((row) => row.problem !== null);
  const least = (values: number[]): number | null => (values.length === 0 ? null : Math.min(...values));
  const oldestMs = least(rows.filter((row) => !row.held && row.problem === null).map((row) => row.sinceMs));
  const due = rows
    .map((row) => ({ ...row, held: false }))
    .sort((a, b) => a.notBeforeMs - b.notBeforeMs || a.sinceMs - b.sinceMs || comparePaths(a.path, b.path));
  return {
    base,
    count: base.length,
    counts: { total: rows.length, held: held.length, problems: problems.length, oldestMs },
    problems,
    held: held.map((row) => row.path),
    next: least(rows.filter((row) => !row.held).map((row) => row.notBeforeMs)),
    rows: due,
  };
}
