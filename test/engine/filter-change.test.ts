/** Rules that change while an agent runs: what they left out until then is nobody's to delete. */
import { expect, test } from 'vitest';
import { MemoryPair } from './memory-pair.js';

const paths = ['d/.towlineignore', 'd/a', 'd/sub', 'd'];

test.each([
  ['push', 1],
  ['push', 5_000],
  ['pull', 1],
] as const)(
  '%s: a folder goes with its rule file, told of within %i ms: what that left out stays',
  async (mode, ms) => {
    const pair = new MemoryPair();
    const [source, destination] = mode === 'push' ? [pair.local, pair.remote] : [pair.remote, pair.local];
    source.edit.write('kept', 'kept');
    source.edit.write('d/.towlineignore', '*.log');
    source.edit.write('d/a', 'a');
    source.edit.mkdir('d/sub');
    destination.edit.write('d/sub/server.log', 'not ours to delete');
    await pair.rest();
    await pair.watch({ mode }, async (tell) => {
      source.edit.remove('d');
      for (const path of mode === 'push' ? paths : []) {
        tell({ kind: path === 'd' || path === 'd/sub' ? 'unlinkDir' : 'unlink', path });
        await pair.clock.run(ms);
      }
      await pair.clock.run(30 * 60_000);
    });
    expect(Object.keys(destination.edit.tree())).toEqual(['d', 'd/sub', 'd/sub/server.log', 'kept']);
    expect(destination.edit.read('d/sub/server.log').toString()).toBe('not ours to delete');
  },
);
