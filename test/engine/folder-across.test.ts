/** A whole folder that was renamed on the server is one rename here, or falls back where more than that happened. */
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/engine/context.js';
import type { SyncResult } from '../../src/engine/events.js';
import { MemoryPair, type PairOptions } from './memory-pair.js';

type Mode = Settings['mode'];

/** Both sides hold a folder `d` and have agreed on all that is in it. */
async function agreed(options: PairOptions = {}): Promise<MemoryPair> {
  const pair = new MemoryPair(options);
  const { edit } = pair.local;
  edit.write('kept', 'kept');
  edit.write('d/a', 'one');
  edit.write('d/b/c', 'two', { mode: 0o600 });
  edit.write('d/b/d/e', 'three');
  edit.write('d/empty file', '');
  edit.mkdir('d/empty folder', 0o700);
  edit.symlink('a', 'd/link');
  await pair.rest();
  await pair.run({ mode: 'two-way' });
  await pair.rest();
  return pair;
}

async function run(pair: MemoryPair, mode: Mode, wishes: Partial<Settings> = {}): Promise<SyncResult> {
  pair.durable.facts.set('mode', JSON.stringify(mode));
  return (await pair.run({ mode, delete: true, ...wishes })).result;
}

async function inode(pair: MemoryPair, path: string): Promise<number | undefined> {
  const [entry] = await pair.local.observe([path]);
  return entry !== null && entry !== undefined && 'ino' in entry ? entry.ino : undefined;
}

const text = (pair: MemoryPair, side: 'local' | 'remote', path: string) =>
  pair[side].edit.read(path).toString();

async function expectQuiet(pair: MemoryPair, mode: Mode): Promise<void> {
  expect(pair.local.edit.tree()).toEqual(pair.remote.edit.tree());
  await pair.rest();
  expect(await run(pair, mode)).toMatchObject({ transferred: 0, deleted: 0, moved: 0, problems: [] });
}

describe.each(['two-way', 'pull'] as const)('%s', (mode) => {
  test.each(['moved', 'a/b/moved', 'z'])('it is one rename, to %s', async (to) => {
    const pair = await agreed();
    const inodes = await Promise.all(['d', 'd/b', 'd/b/d/e'].map((path) => inode(pair, path)));
    if (to.includes('/')) pair.remote.edit.mkdir('a/b');
    pair.remote.edit.rename('d', to);
    const made = to.includes('/') ? 2 : 0;
    expect(await run(pair, mode)).toMatchObject({
      moved: 1,
      transferred: 0,
      deleted: 0,
      directories: made,
      bytesReceived: 0,
    });
    const now = await Promise.all([to, `${to}/b`, `${to}/b/d/e`].map((path) => inode(pair, path)));
    expect(now).toEqual(inodes);
    await expectQuiet(pair, mode);
  });

  test('two folders of the same names and contents each go where they went', async () => {
    const pair = new MemoryPair();
    for (const path of ['v1/a', 'v2/a', 'v3/a']) pair.local.edit.write(path, 'same', { mtimeMs: 1e12 });
    await pair.rest();
    await run(pair, 'two-way');
    pair.remote.edit.rename('v1', 'w1');
    pair.remote.edit.rename('v3', 'w3');
    expect(await run(pair, mode)).toMatchObject({ moved: 2, transferred: 0, deleted: 0 });
    await expectQuiet(pair, mode);
  });

  test('what came into being in it comes by itself, and new modes too', async () => {
    const pair = await agreed();
    pair.remote.edit.rename('d', 'moved');
    pair.remote.edit.write('moved/0 new', 'new');
    pair.remote.edit.chmod('moved', 0o750);
    pair.remote.edit.chmod('moved/b', 0o711);
    pair.remote.edit.chmod('moved/b/c', 0o640);
    expect(await run(pair, mode)).toMatchObject({ moved: 1, transferred: 1, problems: [] });
    await expectQuiet(pair, mode);
  });

  test('more files than are looked at in one go', async () => {
    const pair = await agreed();
    for (let index = 0; index < 1_200; index++)
      pair.local.edit.write(`d/many/${String(index)}`, `f${String(index)}`);
    await pair.rest();
    await run(pair, 'two-way');
    await pair.rest();
    pair.remote.edit.rename('d', 'b');
    const done = await run(pair, mode, { maxDelete: { percent: 1, butAtLeast: 1 } });
    expect(done).toMatchObject({ moved: 1, transferred: 0, deleted: 0, holds: [] });
    await expectQuiet(pair, mode);
  });

  test('who died before the base learned of it finds nothing to do', async () => {
    const pair = await agreed();
    for (const side of ['local', 'remote'] as const) pair[side].edit.rename('d', 'moved');
    expect(await run(pair, mode)).toMatchObject({ moved: 0, transferred: 0, deleted: 0, conflicts: 0 });
    await expectQuiet(pair, mode);
  });

  describe('it is not one rename, and in the end both sides are as they should be,', () => {
    test('when something in it was changed there', async () => {
      const pair = await agreed();
      pair.remote.edit.rename('d', 'moved');
      pair.remote.edit.write('moved/a', 'changed there');
      // The folder in it, which is as it was, is one.
      expect(await run(pair, mode)).toMatchObject({ moved: 1, problems: [] });
      expect(text(pair, 'local', 'moved/a')).toBe('changed there');
      await expectQuiet(pair, mode);
    });

    test('when something of it is not there', async () => {
      const pair = await agreed();
      pair.remote.edit.rename('d', 'moved');
      pair.remote.edit.remove('moved/b/c');
      await run(pair, mode);
      expect(pair.local.edit.stat('moved/b/c')).toBeNull();
      await expectQuiet(pair, mode);
    });

    test('when a file of it only looks the same', async () => {
      const pair = await agreed();
      pair.remote.edit.rename('d', 'moved');
      const { mtimeMs } = pair.remote.edit.stat('moved/b/c')!;
      pair.remote.edit.write('moved/b/c', 'TWO', { mtimeMs });
      await run(pair, mode);
      expect(text(pair, 'local', 'moved/b/c')).toBe('TWO');
      await expectQuiet(pair, mode);
    });

    test.each(['local', 'remote'] as const)('when a link in it leads elsewhere: %s', async (side) => {
      const pair = await agreed();
      pair[side].edit.remove('d/link');
      pair[side].edit.symlink('b', 'd/link');
      pair.remote.edit.rename('d', 'moved');
      await run(pair, mode);
      expect(pair.local.edit.stat('moved/link')!.target).toBe(side === 'local' ? 'a' : 'b');
      await expectQuiet(pair, mode);
    });

    test('when it was copied', async () => {
      const pair = await agreed();
      const { mtimeMs } = pair.remote.edit.stat('d/a')!;
      pair.remote.edit.write('copy/a', 'one', { mtimeMs });
      expect(await run(pair, mode)).toMatchObject({ moved: 0, transferred: 1, deleted: 0 });
      await expectQuiet(pair, mode);
    });

    test('without delete, and where the server cannot hash', async () => {
      const kept = await agreed();
      kept.remote.edit.rename('d', 'moved');
      expect(await run(kept, mode, { delete: false })).toMatchObject({ moved: 0, transferred: 5 });
      expect(text(kept, 'local', 'd/a')).toBe('one');
      const unhashed = await agreed();
      Object.assign(unhashed.remote, { hashInPlace: () => Promise.resolve(null) });
      unhashed.remote.edit.rename('d', 'moved');
      expect(await run(unhashed, mode)).toMatchObject({ moved: 0, transferred: 5 });
      await expectQuiet(unhashed, mode);
    });

    test.each([
      ['the old name', 'd/b/ignored', '/d/b/ignored\n'],
      ['any name', 'd/ignored/x', 'ignored\n'],
    ])('when something in it is excluded under %s, which stays', async (_, path, rules) => {
      const pair = await agreed();
      for (const side of ['local', 'remote'] as const) pair[side].edit.write('.towlineignore', rules);
      await run(pair, mode);
      pair.local.edit.write(path, 'mine alone');
      pair.remote.edit.rename('d', 'moved');
      await run(pair, mode);
      expect(text(pair, 'local', path)).toBe('mine alone');
      expect(pair.remote.edit.stat(path)).toBeNull();
      expect(text(pair, 'local', 'moved/a')).toBe('one');
      expect(text(pair, 'local', 'moved/b/c')).toBe('two');
    });

    test('when something in it is excluded under the new name, which is not brought', async () => {
      const pair = await agreed();
      for (const side of ['local', 'remote'] as const)
        pair[side].edit.write('.towlineignore', '/moved/b/c\n');
      await run(pair, mode);
      pair.remote.edit.rename('d', 'moved');
      await run(pair, mode);
      expect(pair.local.edit.stat('moved/b/c')).toBeNull();
      expect(text(pair, 'local', 'moved/b/d/e')).toBe('three');
    });

    test('when something is in its way here', async () => {
      let planted = false;
      const plant = (operation: string): void => {
        if (operation !== 'move' || planted) return;
        planted = true;
        pair.local.edit.write('moved/own', 'appeared meanwhile');
      };
      const pair = await agreed({ local: { before: plant } });
      pair.remote.edit.rename('d', 'moved');
      await run(pair, mode);
      await run(pair, mode);
      expect(planted).toBe(true);
      expect(text(pair, 'local', 'moved/b/c')).toBe('two');
      if (mode === 'two-way') expect(text(pair, 'remote', 'moved/own')).toBe('appeared meanwhile');
      await expectQuiet(pair, mode);
    });
  });
});

describe('what was done here in the folder survives', () => {
  test.each([
    ['an edit', 'd/b/c', 'edited'],
    ['a new file', 'd/b/new', 'new'],
  ])('%s made before', async (_, path, content) => {
    const pair = await agreed();
    pair.local.edit.write(path, content);
    pair.remote.edit.rename('d', 'moved');
    await run(pair, 'two-way');
    expect(text(pair, 'remote', path)).toBe(content);
    expect(text(pair, 'local', 'moved/a')).toBe('one');
    await expectQuiet(pair, 'two-way');
  });

  test('an edit of the same size and time made before', async () => {
    const pair = await agreed();
    const { mtimeMs } = pair.local.edit.stat('d/b/c')!;
    pair.local.edit.write('d/b/c', 'TWO', { mtimeMs });
    pair.remote.edit.rename('d', 'moved');
    await run(pair, 'two-way');
    await run(pair, 'two-way');
    const found = ['d/b/c', 'moved/b/c'].map((path) =>
      pair.remote.edit.stat(path) === null ? null : text(pair, 'remote', path),
    );
    expect(found).toEqual(['TWO', 'two']);
    await expectQuiet(pair, 'two-way');
  });

  test.each(['b', 'moved'])('a deletion made before brings the file under the new name: %s', async (to) => {
    const pair = await agreed();
    pair.local.edit.remove('d/a');
    pair.remote.edit.rename('d', to);
    await run(pair, 'two-way');
    expect(text(pair, 'local', `${to}/a`)).toBe('one');
    expect(pair.local.edit.stat('d')).toBeNull();
    await expectQuiet(pair, 'two-way');
  });

  test.each([
    ['an edit', 'b/c', 'edited'],
    ['a new file', 'b/new', 'new'],
  ])('%s made right before the rename goes with it', async (_, path, content) => {
    let edited = false;
    const edit = (operation: string): void => {
      if (operation !== 'move' || edited) return;
      edited = true;
      pair.local.edit.write(`d/${path}`, content);
    };
    const pair = await agreed({ local: { before: edit } });
    pair.remote.edit.rename('d', 'moved');
    expect(await run(pair, 'two-way')).toMatchObject({ moved: 1 });
    await run(pair, 'two-way');
    expect(edited).toBe(true);
    expect(text(pair, 'remote', `moved/${path}`)).toBe(content);
    await expectQuiet(pair, 'two-way');
  });

  test.each(['hash', 'hashInPlace'])(
    'the server takes the old name up again just before the %s',
    async (moment) => {
      let back = false;
      const again = (operation: string): void => {
        if (operation !== moment || back || pair.remote.edit.stat('moved') === null) return;
        back = true;
        pair.remote.edit.write('d/a', 'back again');
      };
      const pair = await agreed({ remote: { before: again } });
      pair.remote.edit.rename('d', 'moved');
      await run(pair, 'two-way');
      await run(pair, 'two-way');
      expect(back).toBe(true);
      expect(text(pair, 'local', 'd/a')).toBe('back again');
      expect(text(pair, 'local', 'moved/a')).toBe('one');
      await expectQuiet(pair, 'two-way');
    },
  );
});

test.each(['push-backup', 'pull-backup'] as const)(
  '%s brings the new name, and keeps the old',
  async (mode) => {
    const pair = await agreed();
    pair.remote.edit.rename('d', 'moved');
    expect(await run(pair, mode)).toMatchObject({ moved: 0, deleted: 0 });
    expect([text(pair, 'local', 'd/a'), text(pair, 'local', 'moved/a')]).toEqual(['one', 'one']);
  },
);
