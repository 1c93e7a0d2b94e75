/** Versions that get a name of their own: what is put in their place meanwhile. */
import { expect, test } from 'vitest';
import { MemoryPair } from './memory-pair.js';

test.each(['push', 'pull'] as const)(
  '%s: what others put there before the right version is, is kept beside it as well',
  async (mode) => {
    const versions = ['first', 'second', 'third'];
    const again = {
      // Somebody saves the file again each time it went.
      after: (operation: string, path: string) => {
        const next = operation === 'move' && path === 'a' ? versions.shift() : undefined;
        if (next !== undefined) follower.edit.write('a', next);
      },
    };
    const pair = new MemoryPair(mode === 'push' ? { remote: again } : { local: again });
    const [source, follower] = mode === 'push' ? [pair.local, pair.remote] : [pair.remote, pair.local];
    source.edit.write('a', 'the right one');
    await pair.rest();
    await pair.run({ mode, onDrift: 'backup' });
    await pair.rest();
    follower.edit.write('a', versions.shift()!);
    const { result } = await pair.run({ mode, onDrift: 'backup' });
    expect(result).toMatchObject({ problems: [] });
    const tree = Object.keys(follower.edit.tree());
    const contents = tree.map((path) => follower.edit.read(path).toString()).sort();
    expect(contents).toEqual(['first', 'second', 'the right one', 'third']);
    expect(follower.edit.read('a').toString()).toBe('the right one');
  },
);
