/** Directories that were to go and stay for what is in them. */
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/engine/context.js';
import { MemoryPair, type Run } from './memory-pair.js';

/** A mirror's destination holds `d`, which the source has lost, and a few other files. */
async function lostAtTheSource(mode: 'push' | 'pull' | 'two-way', files: readonly string[]) {
  const pair = new MemoryPair();
  const [source, destination] = mode === 'pull' ? [pair.remote, pair.local] : [pair.local, pair.remote];
  for (const path of ['kept', ...files]) source.edit.write(path, path);
  await pair.rest();
  await pair.run({ mode });
  await pair.rest();
  source.edit.remove('d');
  return { pair, source, destination };
}

const told = ({ events }: Run) =>
  events.flatMap((event) => (event.type === 'notice' && event.code === 'kept-directory' ? [event] : []));
const planned = ({ events }: Run) =>
  events.flatMap((event) => (event.type === 'plan' ? event.actions.map(({ path }) => path) : []));

const none: Partial<Settings> = { delete: true, maxDelete: { paths: 0 } };

describe.each(['push', 'pull', 'two-way'] as const)('%s', (mode) => {
  test('a folder that holds something excluded is told of, and is no deletion', async () => {
    const { pair, destination } = await lostAtTheSource(mode, ['d/sub/a', 'd/b']);
    // Excluded unless it is asked for.
    destination.edit.write('d/sub/a~', '{}');
    const first = await pair.run({ mode, delete: true });
    expect(first.result).toMatchObject({ deleted: 2, kept: 2, holds: [] });
    expect(Object.keys(destination.edit.tree())).toEqual(['d', 'd/sub', 'd/sub/a~', 'kept']);
    for (let run = 2; run <= 3; run++) {
      await pair.rest();
      const again = await pair.run({ mode, ...none });
      expect(again.result).toMatchObject({ deleted: 0, kept: 2, holds: [], problems: [] });
      expect(planned(again)).toEqual([]);
      expect(told(again)).toEqual([
        expect.objectContaining({
          path: 'd',
          message: "'d' is not deleted: 'd/sub/a~' is excluded",
        }),
      ]);
    }
  });

  test('what goes from a folder that stays is all that counts', async () => {
    const { pair, destination } = await lostAtTheSource(mode, ['d/sub/a', 'd/b', 'd/c']);
    destination.edit.write('d/sub/a~', '{}');
    const held = await pair.run({ mode, delete: true, maxDelete: { paths: 2 } });
    expect(held.result).toMatchObject({ deleted: 0, holds: [{ cause: 'too-many-deletions', deletions: 3 }] });
    const done = await pair.run({ mode, delete: true, maxDelete: { paths: 3 } });
    expect(done.result).toMatchObject({ deleted: 3, kept: 2, holds: [] });
    expect(told(done)).toHaveLength(1);
  });
});

describe.each(['push', 'pull'] as const)('%s', (mode) => {
  test('a folder that holds what others changed is told of, and is no deletion', async () => {
    const wishes = { mode, onDrift: 'keep' } as const;
    const { pair, destination } = await lostAtTheSource(mode, ['d/a', 'd/b']);
    destination.edit.write('d/a', 'changed by others');
    const first = await pair.run({ ...wishes, delete: true });
    expect(first.result).toMatchObject({ deleted: 1, kept: 2, holds: [] });
    expect(told(first)).toHaveLength(1);
    await pair.rest();
    const again = await pair.run({ ...wishes, ...none });
    expect(again.result).toMatchObject({ deleted: 0, kept: 2, holds: [], problems: [] });
    expect(planned(again)).toEqual([]);
  });

  test('a folder that others put in the place of a file is kept with all that is in it', async () => {
    const { pair, destination } = await lostAtTheSource(mode, ['d/a', 'd/b']);
    destination.edit.remove('d/a');
    destination.edit.write('d/a/new', 'theirs');
    const { result } = await pair.run({ mode, onDrift: 'keep', delete: true });
    expect(result).toMatchObject({ deleted: 1, problems: [] });
    expect(destination.edit.read('d/a/new').toString()).toBe('theirs');
  });
});

test('a hundred folders that stay do not make a hundred lines', async () => {
  const folders = Array.from({ length: 100 }, (_, index) => `d/${String(index)}`);
  const pair = new MemoryPair();
  pair.local.edit.write('kept', 'kept');
  for (const folder of folders) pair.remote.edit.write(`${folder.slice(2)}/a~`, '{}');
  const run = await pair.run({ mode: 'push', delete: true });
  expect(run.result).toMatchObject({ deleted: 0, kept: 100 });
  expect(told(run)).toHaveLength(10);
  expect(told(run).at(-1)!.message).toContain('(and 90 more)');
});
