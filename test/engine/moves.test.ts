/** What bears the inode of a file that is gone, and is another one: inodes are given again as soon as they are free. */
import { describe, expect, test } from 'vitest';
import { MemoryPair } from './memory-pair.js';

const longAgoMs = 1_000_000_000_000;

/** Another file, of the same size and time, by the inode that `old` had. */
function replaceByTwin(pair: MemoryPair): void {
  pair.local.edit.rename('old', 'new');
  pair.local.edit.write('new', 'twin', { mtimeMs: longAgoMs });
}

describe.each(['two-way', 'push'] as const)('%s', (mode) => {
  describe.each([true, false])('where the server can hash: %s', (canHash) => {
    const newPair = () => {
      const pair = new MemoryPair();
      if (!canHash) Object.assign(pair.remote, { hashInPlace: () => Promise.resolve(null) });
      return pair;
    };

    test('a file that was sent is not taken for its twin', async () => {
      const pair = newPair();
      for (const path of ['kept', 'old']) pair.local.edit.write(path, path, { mtimeMs: longAgoMs });
      pair.local.edit.write('old', 'once', { mtimeMs: longAgoMs });
      await pair.run({ mode });
      replaceByTwin(pair);
      await pair.run({ mode });
      expect(pair.remote.edit.tree()).toEqual(pair.local.edit.tree());
    });

    test('nor is one that was found equal by size and time', async () => {
      const pair = newPair();
      for (const side of ['local', 'remote'] as const) {
        pair[side].edit.write('kept', 'kept', { mtimeMs: longAgoMs });
        pair[side].edit.write('old', 'once', { mtimeMs: longAgoMs });
      }
      await pair.run({ mode });
      replaceByTwin(pair);
      await pair.run({ mode });
      expect(pair.remote.edit.tree()).toEqual(pair.local.edit.tree());
    });
  });

  test('one that is the same is renamed', async () => {
    const pair = new MemoryPair();
    for (const path of ['kept', 'old']) pair.local.edit.write(path, path, { mtimeMs: longAgoMs });
    await pair.run({ mode });
    pair.local.edit.rename('old', 'new');
    expect((await pair.run({ mode })).result).toMatchObject({ moved: 1, transferred: 0, deleted: 0 });
    expect(pair.remote.edit.tree()).toEqual(pair.local.edit.tree());
  });
});
