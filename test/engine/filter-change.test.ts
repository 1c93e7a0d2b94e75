/** Rules that change: what they left out until then is nobody's to delete. */
import { describe, expect, test } from 'vitest';
import { MemoryPair, type Run } from './memory-pair.js';

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

describe.each(['push', 'pull'] as const)('%s: what was excluded until a run', (mode) => {
  /** The rule file said that the destination's `d/a.log` is excluded, and says so no more. */
  async function noMoreExcluded() {
    const pair = new MemoryPair();
    const [source, destination] = mode === 'push' ? [pair.local, pair.remote] : [pair.remote, pair.local];
    source.edit.write('.towlineignore', '*.log');
    source.edit.write('d/kept', 'kept');
    destination.edit.write('d/a.log', 'not ours to delete');
    await pair.rest();
    await pair.run({ mode });
    source.edit.write('.towlineignore', '# nothing');
    await pair.rest();
    return { pair, destination };
  }

  const told = ({ events }: Pick<Run, 'events'>) =>
    events.filter((event) => event.type === 'notice' && event.code === 'filter-changed').length;

  test('stays, run after run, until it is gone: then the new rules are those on record', async () => {
    const { pair, destination } = await noMoreExcluded();
    for (let run = 1; run <= 3; run++) {
      expect(await pair.plan({ mode })).toMatchObject({ totals: { deleted: 0, kept: 1 } });
      const done = await pair.run({ mode });
      expect(done.result).toMatchObject({ deleted: 0, kept: 1, holds: [] });
      expect(told(done)).toBe(1);
      await pair.rest();
    }
    expect(destination.edit.read('d/a.log').toString()).toBe('not ours to delete');
    destination.edit.remove('d/a.log');
    expect(told(await pair.run({ mode }))).toBe(0);
    destination.edit.write('d/b.log', 'never excluded');
    expect((await pair.run({ mode })).result).toMatchObject({ deleted: 1 });
  });

  test('goes when a person says so', async () => {
    const { pair, destination } = await noMoreExcluded();
    await pair.watch({ mode }, async (_tell, control) => {
      expect(destination.edit.stat('d/a.log')).not.toBeNull();
      await control.resume({ allowDeletes: true });
      await pair.clock.run(60_000);
      expect(destination.edit.stat('d/a.log')).toBeNull();
    });
    destination.edit.write('d/b.log', 'never excluded');
    const after = await pair.run({ mode });
    expect(after.result).toMatchObject({ deleted: 1 });
    expect(told(after)).toBe(0);
  });
});
