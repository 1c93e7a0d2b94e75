import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/engine/context.js';
import type { AgentEvent } from '../../src/engine/events.js';
import { MemoryPair, type PairOptions } from './memory-pair.js';

/** Both sides hold these files, and have agreed on them. */
async function agreed(
  files: Readonly<Record<string, string>>,
  mode: Settings['mode'] = 'two-way',
  options: PairOptions = {},
): Promise<MemoryPair> {
  const pair = new MemoryPair(options);
  pair.local.edit.write('kept', 'kept');
  for (const [path, text] of Object.entries(files)) pair.local.edit.write(path, text);
  await pair.rest();
  await pair.run({ mode: 'two-way' });
  pair.durable.facts.set('mode', JSON.stringify(mode));
  await pair.rest();
  return pair;
}

const text = (pair: MemoryPair, side: 'local' | 'remote', path: string) =>
  pair[side].edit.read(path).toString();
const names = (pair: MemoryPair, side: 'local' | 'remote') =>
  Object.keys(pair[side].edit.tree()).filter((path) => path !== 'kept');
const copies = (pair: MemoryPair, side: 'local' | 'remote') =>
  names(pair, side).filter((path) => path.includes('.conflict-'));

/** How each conflict that was told was settled, or that it waits. */
const resolutionsIn = (events: readonly AgentEvent[]) =>
  events.flatMap((event) => (event.type === 'conflict' ? [event.resolution] : []));

describe('two-way', () => {
  test('what was edited unseen is not deleted with the folder it is in', async () => {
    const pair = await agreed({ 'd/a': 'one', 'd/b': 'two' });
    const { mtimeMs } = pair.local.edit.stat('d/a')!;
    pair.local.edit.remove('d/a');
    pair.local.edit.write('d/a', 'new', { mtimeMs });
    pair.remote.edit.remove('d');
    const { result } = await pair.run({});
    expect(result).toMatchObject({ conflicts: 0, problems: [] });
    expect(names(pair, 'local')).toEqual(['d', 'd/a']);
    expect(text(pair, 'remote', 'd/a')).toBe('new');
  });

  test('nor alone', async () => {
    const pair = await agreed({ a: 'one' });
    const { mtimeMs } = pair.local.edit.stat('a')!;
    pair.local.edit.remove('a');
    pair.local.edit.write('a', 'new', { mtimeMs });
    pair.remote.edit.remove('a');
    await pair.run({});
    expect(text(pair, 'remote', 'a')).toBe('new');
  });

  test.each([
    ['local', null],
    ['local', 0o600],
    ['remote', null],
    ['remote', 0o600],
  ] as const)(
    'two of one size and time, first %s, change places here (mode %o since)',
    async (from, mode) => {
      const pair = new MemoryPair();
      for (const path of ['a', 'b', 'kept'])
        pair[from].edit.write(path, path, { mtimeMs: 1_000_000_000_000 });
      await pair.run({});
      for (const path of ['a', 'b']) if (mode !== null) pair.local.edit.chmod(path, mode);
      await pair.run({});
      const { edit } = pair.local;
      edit.rename('a', 'c');
      edit.rename('b', 'a');
      edit.rename('c', 'b');
      pair.remote.edit.remove('b');
      await pair.run({});
      expect([text(pair, 'remote', 'a'), text(pair, 'remote', 'b')]).toEqual(['b', 'a']);
    },
  );

  test.each([
    ['local', 'i', 'theirs'],
    ['remote', 'mine', 'i'],
  ] as const)(
    'a folder that wins by --conflict %s is told of as a conflict',
    async (conflict, here, there) => {
      const pair = await agreed({});
      pair.local.edit.write(here === 'i' ? 'a/i' : 'a', here);
      pair.remote.edit.write(there === 'i' ? 'a/i' : 'a', there);
      expect((await pair.plan({ conflict })).totals).toMatchObject({ conflicts: 1 });
      const { result, events } = await pair.run({ conflict });
      expect(result).toMatchObject({ conflicts: 1, problems: [] });
      expect(resolutionsIn(events)).toEqual([conflict]);
      for (const side of ['local', 'remote'] as const) expect(names(pair, side)).toEqual(['a', 'a/i']);
    },
  );

  test('a chmod does not keep a file from being deleted', async () => {
    const pair = await agreed({ a: 'one' });
    pair.local.edit.chmod('a', 0o600);
    pair.remote.edit.remove('a');
    expect((await pair.run({})).result).toMatchObject({ deleted: 1, transferred: 0 });
    expect(names(pair, 'local')).toEqual([]);
  });

  test('deletions of files whose content is in doubt are asked of the guard too', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`f${String(index)}`, String(index)]),
    );
    const pair = await agreed(files);
    for (const path of Object.keys(files)) {
      pair.local.edit.chmod(path, 0o600);
      pair.remote.edit.remove(path);
    }
    const { result } = await pair.run({ maxDelete: { paths: 5 } });
    expect(result.deleted).toBe(0);
    expect(result.holds.map(({ cause }) => cause)).toEqual(['too-many-deletions']);
  });

  test('a folder in conflict goes over with all that is in it, at once', async () => {
    const pair = await agreed({ a: 'one' });
    pair.local.edit.remove('a');
    pair.local.edit.write('a/x/y', 'mine');
    pair.remote.edit.write('a', 'theirs');
    expect((await pair.run({})).result).toMatchObject({ conflicts: 1, problems: [] });
    const [copy] = copies(pair, 'remote');
    expect(text(pair, 'remote', `${copy!}/x/y`)).toBe('mine');
    expect(text(pair, 'local', 'a')).toBe('theirs');
  });

  test('a file in place of a folder that got something new, without deletions: both are kept', async () => {
    const pair = await agreed({ 'd/a': 'one' });
    pair.local.edit.remove('d');
    pair.local.edit.write('d', 'mine');
    pair.remote.edit.write('d/new', 'theirs');
    expect((await pair.run({ delete: false })).result).toMatchObject({ conflicts: 1, problems: [] });
    const [copy] = copies(pair, 'remote');
    expect(text(pair, 'remote', copy!)).toBe('mine');
    expect(text(pair, 'local', 'd/new')).toBe('theirs');
  });

  test('a version is set aside only while there are few copies, folders included', async () => {
    const pair = await agreed({ a: 'one' });
    for (let round = 0; round < 3; round++) {
      pair.local.edit.remove('a');
      if (round === 0) pair.local.edit.write('a/in', 'mine 0');
      else pair.local.edit.write('a', `mine ${String(round)}`);
      pair.remote.edit.write('a', `theirs ${String(round)} ${'.'.repeat(round)}`);
      const { result, events } = await pair.run({ maxConflictCopies: 2 });
      expect(result.problems.map(({ code }) => code)).toEqual(round < 2 ? [] : ['conflict']);
      expect(resolutionsIn(events)).toEqual([round < 2 ? 'both' : 'waiting']);
      await pair.rest();
    }
    expect(copies(pair, 'local').filter((path) => !path.includes('/'))).toHaveLength(2);
    expect(text(pair, 'local', 'a')).toBe('mine 2');
    expect(text(pair, 'remote', 'a')).toBe('theirs 2 ..');
  });

  test.each([
    ['local', 'local', 'remote'],
    ['remote', 'remote', 'local'],
    ['newest', 'local', 'remote'],
  ] as const)('policy %s is told as settled for %s', async (conflict, resolution, side) => {
    const pair = await agreed({ a: 'one' });
    pair.remote.edit.write('a', 'theirs');
    await pair.rest();
    pair.local.edit.write('a', 'mine');
    const { events } = await pair.run({ conflict });
    expect(events.filter(({ type }) => type === 'conflict')).toEqual([
      { type: 'conflict', path: 'a', cause: 'conflict', resolution, side, copy: null },
    ]);
  });

  test('a conflict that waits is told once by a run, and again when its path has another one', async () => {
    const pair = await agreed({ a: 'one' });
    const conflict = 'manual';
    pair.local.edit.write('a', 'mine');
    pair.remote.edit.write('a', 'theirs');
    // The second run meets it twice: as a row that waits, and in its scan.
    for (let run = 0; run < 2; run++) {
      expect(resolutionsIn((await pair.run({ conflict })).events)).toEqual(['waiting']);
    }
    pair.decide('a', 'both');
    expect(resolutionsIn((await pair.run({ conflict })).events)).toEqual(['both']);
    await pair.rest();
    pair.local.edit.write('a', 'mine again');
    pair.remote.edit.write('a', 'theirs again');
    expect(resolutionsIn((await pair.run({ conflict })).events)).toEqual(['waiting']);
  });

  test('what a person decided is done, once', async () => {
    const pair = await agreed({ a: 'one' });
    pair.local.edit.write('a', 'mine');
    pair.remote.edit.write('a', 'theirs');
    expect((await pair.run({ conflict: 'manual' })).result.problems).toMatchObject([
      { path: 'a', code: 'conflict' },
    ]);
    pair.decide('a', 'local');
    await pair.run({ conflict: 'manual' });
    expect(text(pair, 'remote', 'a')).toBe('mine');
    await pair.rest();
    pair.local.edit.write('a', 'mine again');
    pair.remote.edit.write('a', 'theirs again');
    await pair.run({ conflict: 'manual' });
    expect(text(pair, 'remote', 'a')).toBe('theirs again');
  });

  test('what a person decided does not outlive its conflict, when others settle that', async () => {
    const pair = await agreed({ a: 'one' });
    pair.local.edit.write('a', 'mine');
    pair.remote.edit.write('a', 'theirs');
    await pair.run({ conflict: 'manual' });
    pair.decide('a', 'local');
    pair.remote.edit.write('a', 'mine');
    await pair.run({ conflict: 'manual' });
    await pair.rest();
    pair.local.edit.write('a', 'mine again');
    pair.remote.edit.write('a', 'theirs again');
    const { result } = await pair.run({ conflict: 'manual' });
    expect(result.problems).toMatchObject([{ path: 'a', code: 'conflict' }]);
    expect(text(pair, 'remote', 'a')).toBe('theirs again');
  });

  test('below a conflict that waits nothing is tried', async () => {
    const pair = await agreed({ a: 'one' });
    pair.local.edit.write('a', 'mine');
    pair.remote.edit.remove('a');
    pair.remote.edit.write('a/inside', 'theirs');
    const { result } = await pair.run({ conflict: 'manual' });
    expect(result.problems).toMatchObject([{ path: 'a', code: 'conflict' }]);
  });

  test('a file from a server without modes keeps the one it has here', async () => {
    const pair = await agreed({ 'run.sh': 'one' }, 'two-way', { remote: { capabilities: { modes: false } } });
    pair.local.edit.chmod('run.sh', 0o755);
    await pair.run({});
    pair.remote.edit.write('run.sh', 'two, longer');
    await pair.run({});
    expect(pair.local.edit.stat('run.sh')).toMatchObject({ mode: 0o755, size: 11 });
  });
});

describe('moves', () => {
  test.each(['push', 'two-way'] as const)(
    '%s: a renamed folder takes along what changed beside it',
    async (mode) => {
      const pair = await agreed({ 'd/a': 'one', 'd/b': 'two', 'd/c/e': 'three' }, mode);
      pair.local.edit.rename('d', 'D');
      pair.local.edit.chmod('D', 0o700);
      pair.local.edit.remove('D/b');
      pair.remote.edit.chmod('d/a', 0o600);
      pair.remote.edit.write('d/new', 'theirs');
      const { result } = await pair.run({ mode, delete: true });
      expect(result).toMatchObject({ transferred: mode === 'push' ? 0 : 1, problems: [] });
      expect(pair.remote.edit.tree()).toEqual(pair.local.edit.tree());
      expect(names(pair, 'remote')).toEqual([
        'D',
        'D/a',
        'D/c',
        'D/c/e',
        ...(mode === 'push' ? [] : ['D/new']),
      ]);
    },
  );
});

test('what the server lost of a folder that is renamed in the middle of a scan is held by the guard', async () => {
  const all = Array.from({ length: 600 }, (_, index) => String(index));
  const gone = all.slice(0, 99);
  const pair = await agreed(Object.fromEntries(all.map((name) => [`d/${name}`, name])));
  pair.local.edit.rename('d', 'D');
  for (const name of gone) pair.remote.edit.remove(`d/${name}`);
  const { result } = await pair.run({ maxDelete: { percent: 10, butAtLeast: 5 } });
  expect(result).toMatchObject({ moved: 1, problems: [] });
  expect(result.holds).toHaveLength(1);
  // What is asked about in small batches goes as far as the guard lets it.
  expect(result.deleted).toBeLessThanOrEqual(5);
  expect(names(pair, 'local')).toHaveLength(601 - result.deleted);
});

describe('drift in a folder that goes', () => {
  test.each(['keep', 'backup'] as const)(
    '--on-drift %s spares what others changed in it, now and later',
    async (onDrift) => {
      const pair = await agreed({ 'd/a': 'one', 'd/b': 'two' }, 'push');
      pair.local.edit.remove('d');
      pair.remote.edit.write('d/a', 'theirs');
      pair.durable.facts.delete('filter');
      for (let run = 0; run < 3; run++) {
        await pair.run({ mode: 'push', delete: true, onDrift });
        expect(names(pair, 'remote')).toEqual(['d', 'd/a']);
        await pair.rest();
      }
      expect(text(pair, 'remote', 'd/a')).toBe('theirs');
    },
  );

  test.each(['keep', 'backup'] as const)(
    '--on-drift %s spares it when the source loses the path and has it again, without --delete',
    async (onDrift) => {
      const pair = await agreed({ a: 'one' }, 'push');
      pair.durable.facts.delete('filter');
      const wishes = { mode: 'push', delete: false, onDrift } as const;
      pair.local.edit.remove('a');
      pair.remote.edit.write('a', 'theirs');
      expect((await pair.run(wishes)).result).toMatchObject({ problems: [] });
      await pair.rest();
      pair.local.edit.write('a', 'mine');
      await pair.run(wishes);
      const [copy = 'a'] = copies(pair, 'remote');
      expect(text(pair, 'remote', copy)).toBe('theirs');
      expect(copies(pair, 'remote')).toHaveLength(onDrift === 'backup' ? 1 : 0);
    },
  );

  test('--on-drift keep: below a folder that others removed or replaced nothing is sent', async () => {
    const pair = await agreed({ 'd/a': 'one', 'e/a': 'one' }, 'push');
    pair.remote.edit.remove('d');
    pair.remote.edit.remove('e');
    pair.remote.edit.write('e', 'theirs');
    pair.local.edit.write('d/new', 'mine');
    pair.local.edit.write('e/new', 'mine');
    const { result } = await pair.run({ mode: 'push', delete: true, onDrift: 'keep' });
    expect(result).toMatchObject({ transferred: 0, deleted: 0, problems: [] });
    expect(names(pair, 'remote')).toEqual(['e']);
  });

  test('a file in place of a folder with drift: kept and told, or kept beside', async () => {
    for (const onDrift of ['keep', 'backup'] as const) {
      const pair = await agreed({ 'd/a': 'one' }, 'push');
      pair.durable.facts.delete('filter');
      pair.local.edit.remove('d');
      pair.local.edit.write('d', 'mine');
      pair.remote.edit.write('d/a', 'theirs');
      const { result } = await pair.run({ mode: 'push', delete: true, onDrift });
      const codes = result.problems.map(({ code }) => code);
      expect(codes).toEqual(onDrift === 'keep' ? ['not-empty'] : []);
      const [copy = 'd'] = copies(pair, 'remote');
      expect(text(pair, 'remote', `${copy}/a`)).toBe('theirs');
      if (onDrift === 'backup') expect(text(pair, 'remote', 'd')).toBe('mine');
    }
  });
});

describe('backups', () => {
  test('push-backup keeps a folder beside that a file takes the place of', async () => {
    const pair = await agreed({ 'd/a': 'one' }, 'push-backup');
    pair.local.edit.remove('d');
    pair.local.edit.write('d', 'mine');
    expect((await pair.run({ mode: 'push-backup', delete: false })).result.problems).toEqual([]);
    const [copy] = copies(pair, 'remote');
    expect(text(pair, 'remote', `${copy!}/a`)).toBe('one');
    expect(text(pair, 'remote', 'd')).toBe('mine');
  });

  test('pull-backup finds a place for what is new in a folder that is a file here', async () => {
    const pair = await agreed({ 'd/a': 'one' }, 'pull-backup');
    pair.local.edit.remove('d');
    pair.local.edit.write('d', 'mine');
    pair.remote.edit.write('d/new', 'theirs');
    expect((await pair.run({ mode: 'pull-backup', delete: false })).result.problems).toEqual([]);
    expect(text(pair, 'local', 'd/new')).toBe('theirs');
    expect(text(pair, 'local', copies(pair, 'local')[0]!)).toBe('mine');
    expect(text(pair, 'remote', 'd/a')).toBe('one');
  });
});
