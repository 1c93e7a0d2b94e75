/** What was renamed on the server: it is renamed here, and nothing is lost where that is not all that happened. */
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/engine/context.js';
import { MemoryPair, type PairOptions, type Run } from './memory-pair.js';

type Mode = Settings['mode'];

/** Both sides hold these files, and have agreed on them. */
async function agreed(
  files: Readonly<Record<string, string>>,
  options: PairOptions = {},
): Promise<MemoryPair> {
  const pair = new MemoryPair(options);
  pair.local.edit.write('kept', 'kept');
  for (const [path, text] of Object.entries(files)) pair.local.edit.write(path, text);
  await pair.rest();
  await pair.run({ mode: 'two-way' });
  await pair.rest();
  return pair;
}

function run(pair: MemoryPair, mode: Mode = 'two-way', wishes: Partial<Settings> = {}): Promise<Run> {
  pair.durable.facts.set('mode', JSON.stringify(mode));
  return pair.run({ mode, delete: true, ...wishes });
}

/** The inode of a local file: what was fetched has a new one. */
async function inode(pair: MemoryPair, path: string): Promise<number | undefined> {
  const [entry] = await pair.local.observe([path]);
  return entry !== null && entry !== undefined && 'ino' in entry ? entry.ino : undefined;
}

const text = (pair: MemoryPair, side: 'local' | 'remote', path: string) =>
  pair[side].edit.read(path).toString();

async function expectQuiet(pair: MemoryPair, mode: Mode = 'two-way'): Promise<void> {
  expect(pair.local.edit.tree()).toEqual(pair.remote.edit.tree());
  await pair.rest();
  const { result } = await run(pair, mode);
  expect(result).toMatchObject({ transferred: 0, deleted: 0, moved: 0, conflicts: 0, problems: [] });
}

describe.each(['two-way', 'pull'] as const)('%s', (mode) => {
  test('a file is renamed, whichever of its names comes first', async () => {
    const pair = await agreed({ 'b/one': 'first', 'y/two': 'second' });
    const [one, two] = [await inode(pair, 'b/one'), await inode(pair, 'y/two')];
    pair.remote.edit.mkdir('a');
    pair.remote.edit.mkdir('z');
    pair.remote.edit.rename('b/one', 'a/one');
    pair.remote.edit.rename('y/two', 'z/two');
    const { result } = await run(pair, mode);
    expect(result).toMatchObject({ moved: 2, transferred: 0, deleted: 0, bytesReceived: 0 });
    expect([await inode(pair, 'a/one'), await inode(pair, 'z/two')]).toEqual([one, two]);
    await expectQuiet(pair, mode);
  });

  test('so is what is as it was of a renamed directory, and what changed there is fetched', async () => {
    const pair = await agreed({ 'd/a': 'one', 'd/b/c': 'two', 'd/b/d': 'three' });
    pair.remote.edit.rename('d', 'moved');
    pair.remote.edit.write('moved/new', 'new');
    pair.remote.edit.write('moved/a', 'changed there');
    const { result } = await run(pair, mode);
    expect(result).toMatchObject({ moved: 1, transferred: 2, problems: [] });
    await expectQuiet(pair, mode);
  });

  test('what only looks the same is fetched', async () => {
    const pair = await agreed({ old: 'content' });
    const { mtimeMs } = pair.remote.edit.stat('old')!;
    pair.remote.edit.remove('old');
    pair.remote.edit.write('new', 'CONTENT', { mtimeMs });
    expect((await run(pair, mode)).result).toMatchObject({ moved: 0, transferred: 1, deleted: 1 });
    expect(text(pair, 'local', 'new')).toBe('CONTENT');
    await expectQuiet(pair, mode);
  });

  test('a copy is fetched: the old name is there still', async () => {
    const pair = await agreed({ old: 'content' });
    const { mtimeMs } = pair.remote.edit.stat('old')!;
    pair.remote.edit.write('copy', 'content', { mtimeMs });
    expect((await run(pair, mode)).result).toMatchObject({ moved: 0, transferred: 1, deleted: 0 });
    await expectQuiet(pair, mode);
  });

  test('a new mode over there is carried along', async () => {
    const pair = await agreed({ old: 'content' });
    pair.remote.edit.rename('old', 'new');
    pair.remote.edit.chmod('new', 0o600);
    expect((await run(pair, mode)).result).toMatchObject({ moved: 1, transferred: 0 });
    await expectQuiet(pair, mode);
  });

  test('two files of one content, size and time each get one of the new names', async () => {
    const pair = new MemoryPair();
    for (const path of ['one', 'two', 'three', 'kept'])
      pair.local.edit.write(path, 'same', { mtimeMs: 1e12 });
    await pair.rest();
    await run(pair, 'two-way');
    pair.remote.edit.rename('one', 'a');
    pair.remote.edit.rename('two', 'z');
    expect((await run(pair, mode)).result).toMatchObject({ moved: 2, transferred: 0, deleted: 0 });
    await expectQuiet(pair, mode);
  });

  test.each([
    ['swapped', { a: 'b', b: 'a' }],
    ['a chain', { a: 'b', b: 'c' }],
    ['a ring', { a: 'b', b: 'c', c: 'a' }],
  ])('names that go to others: %s', async (_, names) => {
    const pair = await agreed({
      a: 'first',
      b: 'the second',
      ...('c' in names ? { c: 'number three' } : {}),
    });
    for (const from of Object.keys(names)) pair.remote.edit.rename(from, `${from}.old`);
    for (const [from, to] of Object.entries(names)) pair.remote.edit.rename(`${from}.old`, to);
    const expected = pair.remote.edit.tree();
    await run(pair, mode);
    await run(pair, mode);
    expect(pair.local.edit.tree()).toEqual(expected);
    await expectQuiet(pair, mode);
  });

  test('without --delete the old name stays, so it is fetched', async () => {
    const pair = await agreed({ old: 'content' });
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair, mode, { delete: false })).result).toMatchObject({ moved: 0, transferred: 1 });
    expect(text(pair, 'local', 'old')).toBe('content');
  });

  test('where the server cannot hash it is fetched', async () => {
    const pair = await agreed({ old: 'content' });
    Object.assign(pair.remote, { hashInPlace: () => Promise.resolve(null) });
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair, mode)).result).toMatchObject({ moved: 0, transferred: 1, deleted: 1 });
    await expectQuiet(pair, mode);
  });

  test('something in the way here is not replaced', async () => {
    const pair = await agreed({ old: 'content' }, { local: { before: plant } });
    let planted = false;
    function plant(operation: string): void {
      if (operation !== 'move' || planted) return;
      planted = true;
      pair.local.edit.write('new', 'appeared meanwhile');
    }
    pair.remote.edit.rename('old', 'new');
    await run(pair, mode);
    expect(planted).toBe(true);
    const contents = Object.keys(pair.local.edit.tree()).map((path) => text(pair, 'local', path));
    expect(contents).toContain('content');
    if (mode === 'two-way') expect(contents).toContain('appeared meanwhile');
  });
});

describe('an edit of the old name here survives', () => {
  test('made before', async () => {
    const pair = await agreed({ old: 'content' });
    pair.local.edit.write('old', 'edited here');
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair)).result).toMatchObject({ moved: 0, transferred: 2, conflicts: 0 });
    expect(text(pair, 'remote', 'old')).toBe('edited here');
    expect(text(pair, 'local', 'new')).toBe('content');
    await expectQuiet(pair);
  });

  test('even if only its time was changed', async () => {
    const pair = await agreed({ old: 'content' });
    pair.local.edit.touch('old', pair.clock.now());
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair)).result).toMatchObject({ moved: 0, transferred: 2, conflicts: 0 });
    expect(text(pair, 'local', 'old')).toBe('content');
    await expectQuiet(pair);
  });

  test('made before, of the same size and time', async () => {
    const pair = await agreed({ old: 'content' });
    const { mtimeMs } = pair.local.edit.stat('old')!;
    pair.local.edit.write('old', 'CONTENT', { mtimeMs });
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair)).result).toMatchObject({ moved: 0, conflicts: 0 });
    await run(pair);
    expect(text(pair, 'remote', 'old')).toBe('CONTENT');
    expect(text(pair, 'local', 'new')).toBe('content');
    await expectQuiet(pair);
  });

  test.each(['hash', 'hashInPlace', 'move'])('made just before the %s', async (moment) => {
    let edited = false;
    const edit = (operation: string): void => {
      if (edited || !armed || operation !== moment) return;
      edited = true;
      pair.local.edit.write('old', 'edited meanwhile');
    };
    let armed = false;
    const pair = await agreed({ old: 'content' }, { local: { before: edit }, remote: { before: edit } });
    armed = true;
    pair.remote.edit.rename('old', 'new');
    await run(pair);
    await run(pair);
    expect(edited).toBe(true);
    expect(text(pair, 'remote', 'old')).toBe('edited meanwhile');
    expect(text(pair, 'local', 'new')).toBe('content');
    await expectQuiet(pair);
  });

  test('while the server takes the old name up again', async () => {
    let looks = 0;
    const back = (operation: string): void => {
      if (operation === 'hash' && ++looks === 1) pair.remote.edit.write('old', 'back again');
    };
    const pair = await agreed({ old: 'content' }, { remote: { before: back } });
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair)).result).toMatchObject({ moved: 0 });
    await run(pair);
    expect(looks).toBeGreaterThan(0);
    expect(text(pair, 'local', 'old')).toBe('back again');
    await expectQuiet(pair);
  });
});

test.each(['push-backup', 'pull-backup'] as const)(
  '%s brings the new name, and keeps the old one',
  async (mode) => {
    const pair = await agreed({ old: 'content' });
    pair.remote.edit.rename('old', 'new');
    expect((await run(pair, mode)).result).toMatchObject({ moved: 0, transferred: 1, deleted: 0 });
    expect([text(pair, 'local', 'old'), text(pair, 'local', 'new')]).toEqual(['content', 'content']);
  },
);

test('a folder of which more than the guard allows was renamed is not held back', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`d/${String(index)}`, `f${String(index)}`]),
  );
  const pair = await agreed(files);
  pair.remote.edit.rename('d', 'moved');
  const { result } = await run(pair, 'two-way', { maxDelete: { percent: 10, butAtLeast: 5 } });
  expect(result).toMatchObject({ moved: 1, transferred: 0, holds: [], problems: [] });
  await expectQuiet(pair);
});

test('what a checksum run hashed is known from then on', async () => {
  const pair = await agreed({ file: 'content' });
  const row = pair.durable.base.get('file')!;
  const { hash, ...local } = row.local;
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  pair.durable.base.set('file', { ...row, local });
  await run(pair, 'two-way', { compare: 'checksum', afresh: true });
  expect(pair.durable.base.get('file')!.local.hash).toBe(hash);
});
