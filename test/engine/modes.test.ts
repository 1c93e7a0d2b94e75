import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Settings } from '../../src/engine/context.js';
import { conflictPolicies, driftPolicies, type Mode, modes } from '../../src/core/policy.js';
import { ancestorsOf } from '../../src/core/path.js';
import { type Tree, walkTree } from '../sim/walk-tree.js';
import { type Edit, keptPath, perform, someEdits } from './random-edits.js';
import { MemoryPair, type Run } from './memory-pair.js';

interface Case {
  readonly before: Edit[];
  readonly here: Edit[];
  readonly there: Edit[];
  /** Made on both sides alike. */
  readonly both: Edit[];
  readonly wishes: Pick<Settings, 'mode' | 'delete' | 'conflict' | 'onDrift' | 'compare' | 'afresh'>;
  /** Nobody waits until times are old enough to be trusted. */
  readonly hasty: boolean;
  readonly lacks: 'nothing' | 'modes' | 'times' | 'symlinkTimes' | 'atomicReplace';
  readonly order: number;
}

const cases = (of: readonly Mode[]): fc.Arbitrary<Case> =>
  fc.record({
    before: someEdits(12),
    here: someEdits(6),
    there: someEdits(6),
    both: someEdits(2),
    wishes: fc
      .record({
        mode: fc.constantFrom(...of),
        delete: fc.boolean(),
        conflict: fc.constantFrom(...conflictPolicies),
        onDrift: fc.constantFrom(...driftPolicies.filter((policy) => policy !== 'halt')),
        compare: fc.constantFrom('mtime+size' as const, 'checksum' as const),
        afresh: fc.boolean(),
      })
      .map((wishes) => ({ ...wishes, delete: wishes.delete && !wishes.mode.endsWith('backup') })),
    hasty: fc.boolean(),
    lacks: fc.constantFrom('nothing', 'nothing', 'modes', 'times', 'symlinkTimes', 'atomicReplace'),
    order: fc.nat(1_000),
  });

interface Sides {
  readonly local: Tree;
  readonly remote: Tree;
}

interface Ran {
  readonly base: Sides;
  readonly before: Sides;
  readonly after: Sides;
  readonly first: Run;
  readonly second: Run;
  readonly afterSecond: Sides;
}

async function play({ before, here, there, both, wishes, hasty, lacks, order }: Case): Promise<Ran> {
  const pair = new MemoryPair({ remote: lacks === 'nothing' ? {} : { capabilities: { [lacks]: false } } });
  let count = 0;
  // Each of a length of its own: without times, that is all a rename onto another file shows.
  const token = (by: string) => `${by[0]!}${'~'.repeat(count)}${String(count++ % 10)}`;
  const edit = async (side: 'local' | 'remote', edits: readonly Edit[]) => {
    for (const one of edits) {
      // A server that keeps no modes has none that its users could change.
      if (side === 'remote' && lacks === 'modes' && one.type.startsWith('chmod')) continue;
      perform(pair[side].edit, one, token(side), pair.clock.now());
      // Two edits of the same size within a second look the same in whole seconds.
      await pair.clock.run(hasty && side === 'local' ? 5 : 1_100);
    }
  };
  const sides = (): Sides => ({ local: walkTree(pair.local.edit), remote: walkTree(pair.remote.edit) });
  pair.local.edit.write(keptPath, 'kept');
  await edit('local', before);
  if (!hasty) await pair.rest();
  await pair.run({ mode: 'two-way' });
  pair.durable.facts.set('mode', JSON.stringify(wishes.mode));
  // The rules of that run are not those of this one.
  pair.durable.facts.delete('filter');
  // Within the second of the last save, an edit of the same size cannot be seen in whole seconds.
  await pair.clock.run(hasty ? 1_100 : 10_000);
  const base = sides();
  await edit('local', here);
  await edit('remote', there);
  await pair.clock.run(1_100);
  for (const one of both) {
    const alike = token('both');
    perform(pair.local.edit, one, alike, pair.clock.now());
    perform(pair.remote.edit, one, alike, pair.clock.now());
    await pair.clock.run(1_100);
  }
  const changed = sides();
  pair.shuffle = (rows) => shuffled(rows, order);
  const first = await pair.run(wishes);
  const after = sides();
  await pair.rest();
  const second = await pair.run(wishes);
  return { base, before: changed, after, first, second, afterSecond: sides() };
}

function shuffled<T>(items: readonly T[], order: number): T[] {
  return items
    .map((item, index) => ({ item, key: ((index + 1) * (order * 7_919 + 1)) % 1_009 }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** What people care about, without the times of directories. */
function plain(tree: Tree, options: { modes: boolean; times: boolean }): Record<string, string> {
  return Object.fromEntries(
    [...tree].map(([path, { kind, content, mode, mtimeMs }]) => {
      const shown = [kind, content];
      if (options.modes && kind !== 'symlink') shown.push(mode.toString(8));
      if (options.times && kind === 'file') shown.push(String(Math.floor(mtimeMs / 1000)));
      return [path, shown.join(' ')];
    }),
  );
}

const contentsOf = (tree: Tree) =>
  new Set(
    [...tree.values()]
      .filter(({ kind }) => kind !== 'directory')
      .map(({ kind, content }) => `${kind} ${content}`),
  );

/** What a side has that it did not have when the sides agreed, at a path where it was not. */
function newContents(base: Tree, now: Tree): Set<string> {
  const old = contentsOf(base);
  return new Set([...contentsOf(now)].filter((content) => !old.has(content)));
}

function expectNothingLost({ base, before, after }: Ran, { mode, conflict, onDrift }: Case['wishes']): void {
  const found = new Set([...contentsOf(after.local), ...contentsOf(after.remote)]);
  const chosen = conflict === 'local' || conflict === 'remote' || conflict === 'newest';
  const losers: Record<Mode, readonly ('local' | 'remote')[]> = {
    push: onDrift === 'overwrite' ? ['remote'] : [],
    pull: onDrift === 'overwrite' ? ['local'] : [],
    'two-way': chosen ? ['local', 'remote'] : [],
    'push-backup': [],
    'pull-backup': [],
  };
  for (const side of ['local', 'remote'] as const) {
    if (losers[mode].includes(side)) continue;
    // What was never agreed on and that only a mirror has is not its own.
    const mirror = (mode === 'push' && side === 'remote') || (mode === 'pull' && side === 'local');
    const paths = mirror ? new Map([...before[side]].filter(([path]) => base[side].has(path))) : before[side];
    const lost = [...newContents(base[side], paths)].filter((content) => !found.has(content));
    expect(lost, `new on the ${side} side and lost`).toEqual([]);
  }
}

function expectWrittenSidesOnly({ before, afterSecond }: Ran, mode: Mode): void {
  const everything = { modes: true, times: true };
  if (mode === 'push') expect(plain(afterSecond.local, everything)).toEqual(plain(before.local, everything));
  if (mode === 'pull' || mode === 'pull-backup')
    expect(plain(afterSecond.remote, everything)).toEqual(plain(before.remote, everything));
}

/** Files that only one side touched, below directories that neither did anything to: what the table says of them alone. */
function expectTable({ base, before, after }: Ran, { mode, delete: deletes, onDrift }: Case['wishes']): void {
  const paths = new Set([...base.local.keys(), ...before.local.keys(), ...before.remote.keys()]);
  for (const path of paths) {
    const above = ancestorsOf(path);
    const calm = [base.local, before.local, before.remote].every((tree) =>
      above.every((one) => tree.get(one)?.kind === 'directory'),
    );
    const seen = [base.local.get(path), before.local.get(path), before.remote.get(path)];
    if (!calm || seen.some((one) => one !== undefined && one.kind !== 'file')) continue;
    const [was, ours, theirs] = seen.map((one) => one?.content ?? null) as [
      string | null,
      string | null,
      string | null,
    ];
    const touched = (one: (typeof seen)[0]) =>
      was !== null && one?.content === was && one.mtimeMs !== seen[0]!.mtimeMs;
    if (ours !== was && theirs !== was) continue;
    const now = [after.local.get(path)?.content ?? null, after.remote.get(path)?.content ?? null];
    const expected = expectedOf({ mode, deletes, onDrift, was, ours, theirs });
    const doubtful = touched(seen[1]) || touched(seen[2]);
    if (!doubtful)
      expect(now, `'${path}' (${String(was)}: ${String(ours)} / ${String(theirs)})`).toEqual(expected);
  }
}

interface One {
  readonly mode: Mode;
  readonly deletes: boolean;
  readonly onDrift: Settings['onDrift'];
  readonly was: string | null;
  readonly ours: string | null;
  readonly theirs: string | null;
}

/** The tables of DESIGN.md section 6, for one file that at most one side changed. */
function expectedOf({ mode, deletes, onDrift, was, ours, theirs }: One): [string | null, string | null] {
  const stay: [string | null, string | null] = [ours, theirs];
  switch (mode) {
    case 'push':
    case 'pull': {
      const [source, other] = mode === 'push' ? [ours, theirs] : [theirs, ours];
      const pairOf = (made: string | null): [string | null, string | null] =>
        mode === 'push' ? [source, made] : [made, source];
      const drifted = was !== null && other !== was;
      if (source === null) return pairOf(deletes && !(drifted && onDrift !== 'overwrite') ? null : other);
      if (drifted && onDrift === 'keep') return stay;
      return pairOf(source);
    }
    case 'two-way':
      if (ours === was && theirs === null) return deletes ? [null, null] : stay;
      if (theirs === was && ours === null) return deletes ? [null, null] : stay;
      return ours === was ? [theirs, theirs] : [ours, ours];
    case 'push-backup':
      if (ours === null && theirs === was) return stay;
      if (theirs === null && ours === was) return stay;
      return ours === was ? [theirs, theirs] : [ours, ours];
    case 'pull-backup':
      return ours === was && theirs !== null ? [theirs, theirs] : stay;
  }
}

function expectRest({ second, after, afterSecond }: Ran): void {
  const everything = { modes: true, times: true };
  const { transferred, deleted, directories, metadata, conflicts } = second.result;
  const problems = second.result.problems.filter(({ code }) => code === 'conflict').length;
  expect({
    transferred,
    deleted,
    directories,
    metadata,
    conflicts: Math.max(0, conflicts - problems),
  }).toEqual({
    transferred: 0,
    deleted: 0,
    directories: 0,
    metadata: 0,
    conflicts: 0,
  });
  expect(plain(afterSecond.local, everything)).toEqual(plain(after.local, everything));
  expect(plain(afterSecond.remote, everything)).toEqual(plain(after.remote, everything));
}

/** Where nothing is in the way, the sides are equal in the end. */
function expectEqual({ after, first }: Ran, { wishes, lacks }: Case): void {
  if (first.result.problems.length > 0 || !wishes.delete) return;
  const mirrored = wishes.mode === 'two-way' || wishes.onDrift === 'overwrite';
  if (!mirrored) return;
  const options = { modes: lacks !== 'modes', times: lacks !== 'times' };
  expect(plain(after.remote, options)).toEqual(plain(after.local, options));
}

const runs = Number(process.env.TOWLINE_MODE_RUNS ?? 400);
const known = process.env.TOWLINE_MODE_SEED;

test.each(modes)(
  '%s: what the table says, nothing lost, and at rest after it',
  { timeout: 600_000 },
  async (mode) => {
    await fc.assert(
      fc.asyncProperty(cases([mode]), async (one) => {
        const ran = await play(one);
        const codes = [...ran.first.result.problems, ...ran.second.result.problems].map(({ code }) => code);
        expect(codes.filter((code) => !['conflict', 'not-empty'].includes(code))).toEqual([]);
        expectNothingLost(ran, one.wishes);
        expectWrittenSidesOnly(ran, mode);
        expectTable(ran, one.wishes);
        expectRest(ran);
        expectEqual(ran, one);
      }),
      { numRuns: runs, ...(known === undefined ? {} : { seed: Number(known) }) },
    );
  },
);
