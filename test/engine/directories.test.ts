/** Directories that a batch opens to work in them, and their modes afterwards. */
import { expect, test } from 'vitest';
import { MemoryPair } from './memory-pair.js';

const files = Array.from({ length: 20 }, (_, index) => `d/${String(index)}`);

test('a closed directory gets back its own mode, not one that the other side made up', async () => {
  const pair = new MemoryPair({ remote: { capabilities: { modes: false } } });
  pair.remote.edit.write('d/a', 'old');
  await pair.rest();
  await pair.run({ mode: 'pull' });
  pair.local.edit.chmod('d', 0o500);
  pair.remote.edit.write('d/a', 'newer');
  await pair.rest();
  const { result } = await pair.run({ mode: 'pull' });
  expect(result).toMatchObject({ transferred: 1, problems: [] });
  expect(pair.local.edit.read('d/a').toString()).toBe('newer');
  expect(pair.local.edit.stat('d')!.mode).toBe(0o500);
});

test('who finds a closed directory opened by another one of the batch tries again', async () => {
  const opened = Promise.withResolvers<undefined>();
  let isClosed = false;
  let looks = 0;
  const pair = new MemoryPair({
    remote: {
      // Of all who were refused, the first one opens it before the others look.
      before: async (operation, path) => {
        if (!isClosed || operation !== 'observe' || path !== 'd') return;
        if (looks++ > 0) await opened.promise;
      },
      after: (operation, path) => {
        if (isClosed && operation === 'setMetadata' && path === 'd') opened.resolve(undefined);
      },
    },
  });
  for (const path of files) pair.local.edit.write(path, 'old');
  pair.local.edit.chmod('d', 0o500);
  await pair.rest();
  await pair.run({ mode: 'push' });
  expect(pair.remote.edit.stat('d')!.mode).toBe(0o500);
  isClosed = true;
  for (const path of files) pair.local.edit.write(path, 'newer');
  await pair.rest();
  const { result, events } = await pair.run({ mode: 'push' });
  expect(result).toMatchObject({ transferred: files.length, problems: [] });
  expect(events.filter(({ type }) => type === 'problem')).toEqual([]);
  expect(pair.remote.edit.stat('d')!.mode).toBe(0o500);
});

test('a mode that comes over in the same run is the one it ends with', async () => {
  const pair = new MemoryPair();
  pair.local.edit.write('d/a', 'old');
  await pair.rest();
  await pair.run({ mode: 'push' });
  pair.remote.edit.chmod('d', 0o500);
  pair.local.edit.chmod('d', 0o710);
  pair.local.edit.write('d/a', 'newer');
  await pair.rest();
  expect((await pair.run({ mode: 'push' })).result).toMatchObject({ transferred: 1, problems: [] });
  expect(pair.remote.edit.stat('d')!.mode).toBe(0o710);
});
