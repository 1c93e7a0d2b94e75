/** Folders that are to go, and that their modes close to us. */
import { expect, test } from 'vitest';
import type { WatchEvent } from '../sim/fake-watcher.js';
import { MemoryPair } from './memory-pair.js';

/** Both sides hold `d`, and others closed these folders on the server; then `d` goes here. */
async function closedOverThere(folders: readonly string[], excluded: string | null = null) {
  const opened: string[] = [];
  let isWatched = false;
  const pair = new MemoryPair({
    remote: {
      before: (operation, path) => {
        if (isWatched && operation === 'setMetadata') opened.push(path);
        return Promise.resolve();
      },
    },
  });
  for (const path of ['kept', 'd/a', 'd/sub/b', 'd/sub/deep/c']) pair.local.edit.write(path, path);
  await pair.rest();
  await pair.run({ mode: 'push' });
  if (excluded !== null) pair.remote.edit.write(excluded, 'excluded unless it is asked for');
  for (const path of folders) pair.remote.edit.chmod(path, 0o500);
  await pair.rest();
  pair.local.edit.remove('d');
  isWatched = true;
  return { pair, opened };
}

test.each([[['d']], [['d/sub/deep']], [['d/sub/deep', 'd/sub', 'd']]])(
  '%j: closed to changes, they go with all in them',
  async (folders) => {
    const { pair } = await closedOverThere(folders);
    const { result } = await pair.run({ mode: 'push' });
    expect(result).toMatchObject({ deleted: 6, problems: [] });
    expect(Object.keys(pair.remote.edit.tree())).toEqual(['kept']);
  },
);

test('a folder that stays for something excluded gets back its mode, and the rest goes', async () => {
  const { pair, opened } = await closedOverThere(['d/sub', 'd'], 'd/sub/b~');
  const { result } = await pair.run({ mode: 'push' });
  expect(result).toMatchObject({ deleted: 4, problems: [] });
  expect(Object.keys(pair.remote.edit.tree())).toEqual(['d', 'd/sub', 'd/sub/b~', 'kept']);
  for (const path of ['d', 'd/sub']) expect(pair.remote.edit.stat(path)!.mode).toBe(0o500);
  opened.length = 0;
  await pair.rest();
  expect((await pair.run({ mode: 'push' })).result).toMatchObject({ deleted: 0, problems: [] });
  expect(opened).toEqual([]);
});

test('a folder in which nothing goes is not opened', async () => {
  const { pair, opened } = await closedOverThere(['d/sub/deep', 'd'], 'd/sub/deep/c~');
  pair.remote.edit.chmod('d/sub/deep', 0o700);
  pair.remote.edit.remove('d/sub/deep/c');
  pair.remote.edit.chmod('d/sub/deep', 0o500);
  await pair.rest();
  await pair.run({ mode: 'push' });
  expect(new Set(opened)).toEqual(new Set(['d']));
});

test('a folder that had to be opened for a look inside, and stays, is not opened again by that event', async () => {
  const opened: string[] = [];
  const heard: ((event: WatchEvent) => void)[] = [];
  const pair = new MemoryPair({
    local: {
      after: (operation, path) => {
        if (operation !== 'setMetadata' || heard.length === 0) return;
        opened.push(path);
        for (const tell of heard) tell({ kind: 'change', path });
      },
    },
  });
  for (const path of ['kept', 'd/a']) pair.remote.edit.write(path, path);
  await pair.rest();
  await pair.watch({ mode: 'pull' }, async (tell) => {
    pair.local.edit.write('d/a~', 'excluded unless it is asked for');
    pair.remote.edit.remove('d');
    pair.local.edit.chmod('d', 0o000);
    heard.push(tell);
    tell({ kind: 'change', path: 'd' });
    await pair.clock.run(5 * 60_000);
  });
  expect(pair.local.edit.stat('d')!.mode).toBe(0o000);
  // For a look, and closed again.
  expect(opened).toEqual(['d', 'd']);
  pair.local.edit.chmod('d', 0o700);
  expect(Object.keys(pair.local.edit.tree())).toEqual(['d', 'd/a~', 'kept']);
});
