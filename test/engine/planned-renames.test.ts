/** A plan tells of renames what the run then does, and changes nothing: not even what is known. */
import { describe, expect, test } from 'vitest';
import { MemoryPair } from './memory-pair.js';

async function agreed(): Promise<MemoryPair> {
  const pair = new MemoryPair();
  for (const path of [
    'a',
    'bb',
    'd/one',
    'd/e/three',
    'd/e/seven of them',
    'old/in/four',
    'old/fifteen',
    'kept',
  ])
    pair.local.edit.write(path, `this is ${path}`);
  await pair.rest();
  await pair.run({ mode: 'two-way' });
  await pair.rest();
  return pair;
}

/** The plan, after a look at whether the run does as it says. */
async function planned(pair: MemoryPair): Promise<string[]> {
  const before = [pair.local.edit.tree(), pair.remote.edit.tree(), new Map(pair.durable.base)];
  const { lines, totals } = await pair.plan({ mode: 'two-way' });
  expect([pair.local.edit.tree(), pair.remote.edit.tree(), new Map(pair.durable.base)]).toEqual(before);
  const { result } = await pair.run({ mode: 'two-way' });
  const sums = ({ moved, transferred, directories, deleted, metadata }: typeof result) => ({
    moved,
    transferred,
    directories,
    deleted,
    metadata,
  });
  expect(sums(result)).toEqual(sums(totals));
  expect(pair.local.edit.tree()).toEqual(pair.remote.edit.tree());
  return lines;
}

describe.each(['local', 'remote'] as const)('on the %s side', (side) => {
  const [carry, remove] =
    side === 'local' ? (['upload', 'delete-remote'] as const) : (['download', 'delete-local'] as const);

  test('a file, and a folder with what is new in it', async () => {
    const pair = await agreed();
    const { edit } = pair[side];
    edit.rename('a', 'z');
    edit.rename('d', 'moved');
    edit.write('moved/new', 'new');
    expect(await planned(pair)).toEqual(['move d moved', `${carry} moved/new`, 'move a z']);
  });

  test('a file that went into a folder that was renamed, and a folder out of one that goes', async () => {
    const pair = await agreed();
    const { edit } = pair[side];
    edit.rename('a', 'd/e/a');
    edit.rename('d', 'moved');
    edit.rename('old/in', 'in');
    edit.remove('old');
    expect((await planned(pair)).sort()).toEqual([
      `${remove} old`,
      'move a moved/e/a',
      'move d moved',
      'move old/in in',
    ]);
  });

  test('a folder in which something changed, as far as it is one', async () => {
    const pair = await agreed();
    const { edit } = pair[side];
    edit.rename('d', 'moved');
    edit.write('moved/one', 'edited');
    const lines = await planned(pair);
    expect(lines).toEqual(
      side === 'local'
        ? ['move d moved', 'upload moved/one']
        : ['make-directory moved', 'move d/e moved/e', 'download moved/one', 'delete-local d'],
    );
  });

  test('a new mode of what was renamed', async () => {
    const pair = await agreed();
    const { edit } = pair[side];
    edit.rename('d', 'moved');
    edit.chmod('moved', 0o700);
    edit.chmod('moved/one', 0o600);
    const lines = await planned(pair);
    expect(lines.sort()).toEqual(['move d moved', 'set-metadata moved', 'set-metadata moved/one']);
  });

  test('an edited file is carried and deleted', async () => {
    const pair = await agreed();
    pair[side].edit.remove('a');
    pair[side].edit.write('z', 'something else');
    expect(await planned(pair)).toEqual([`${carry} z`, `${remove} a`]);
  });
});

test('both sides at once', async () => {
  const pair = await agreed();
  pair.local.edit.rename('a', 'z');
  pair.remote.edit.rename('d', 'moved');
  expect(await planned(pair)).toEqual(['move d moved', 'move a z']);
});

test('where the server cannot hash, what was renamed there is fetched', async () => {
  const pair = await agreed();
  Object.assign(pair.remote, { hashInPlace: () => Promise.resolve(null) });
  pair.remote.edit.rename('a', 'z');
  expect(await planned(pair)).toEqual(['download z', 'delete-local a']);
});
