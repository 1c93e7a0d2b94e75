/** What becomes of what rsync carried, or did not: two real folders, and a driver that does as each case says. */
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { silence } from '../../src/core/silence.js';
import { type Carried, carryByRsync } from '../../src/rsync/carry.js';
import type { Driver } from '../../src/rsync/driver.js';
import { createLocalStorage } from '../../src/storage/local/storage.js';
import { freshFolder } from '../support/folder.js';

interface Folders {
  readonly from: string;
  readonly to: string;
}

/** `run` is what the n-th rsync does to each path of its list; it tells of each as sent. */
async function carried(
  run: (folders: Folders, path: string, attempt: number) => void,
  more: { readonly verify?: boolean; readonly error?: TowlineError } = {},
): Promise<Carried & { readonly lists: readonly (readonly string[])[]; readonly told: readonly string[] }> {
  const folder = freshFolder('carry');
  const folders = { from: join(folder, 'from'), to: join(folder, 'to') };
  mkdirSync(folders.from);
  mkdirSync(folders.to);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(folders.from, name), `content of ${name}`);
  const lists: string[][] = [];
  const told: string[] = [];
  const driver: Driver = {
    carry: async (paths, onItem) => {
      const list: string[] = [];
      for await (const path of paths()) list.push(path);
      lists.push(list);
      for (const path of list) {
        run(folders, path, lists.length);
        onItem({ path, done: 'file', size: 12 });
      }
      return more.error ?? null;
    },
  };
  const result = await carryByRsync({
    driver,
    source: createLocalStorage({ root: folders.from, writable: false }),
    destination: createLocalStorage({ root: folders.to, writable: true }),
    request: () => Promise.resolve({ under: '', excludes: (path) => path === 'c' }),
    verify: more.verify ?? true,
    onTransfer: (path, _, ok) => told.push(`${path} ${ok === undefined ? 'begins' : String(ok)}`),
    ready: () => Promise.resolve(),
    log: silence,
    signal: new AbortController().signal,
  });
  return { ...result, lists, told };
}

const copy = ({ from, to }: Folders, path: string) => copyFileSync(join(from, path), join(to, path));
const spoil = ({ to }: Folders, path: string) => writeFileSync(join(to, path), 'not it');

test('what is excluded is not in the list, and what arrived right is counted', async () => {
  expect(await carried(copy)).toMatchObject({
    lists: [['a', 'b']],
    transferred: 2,
    bytes: 24,
    failed: [],
    incomplete: null,
    told: ['a begins', 'a true', 'b begins', 'b true'],
  });
});

test('what arrived wrong is carried once more, and nothing else', async () => {
  const result = await carried((folders, path, attempt) => {
    if (path === 'b' && attempt === 1) spoil(folders, path);
    else copy(folders, path);
  });
  expect(result).toMatchObject({ lists: [['a', 'b'], ['b']], transferred: 2, failed: [] });
});

test('wrong for the second time, it is damaged', async () => {
  const result = await carried((folders, path) => (path === 'b' ? spoil : copy)(folders, path));
  expect(result).toMatchObject({ transferred: 1, bytes: 12 });
  expect(result.failed.map(({ path, error }) => [path, error.code])).toEqual([['b', 'damaged']]);
});

test('with rsync giving a reason, that is why; and then contents are looked at in any case', async () => {
  const error = new TowlineError('no-space', 'there is no room');
  const result = await carried((folders, path) => (path === 'b' ? spoil : copy)(folders, path), {
    error,
    verify: false,
  });
  expect(result.incomplete).toBe(error);
  expect(result.failed.map(({ path, error: why }) => [path, why.code])).toEqual([['b', 'no-space']]);
});

test('a source that changes meanwhile is no failure', async () => {
  const result = await carried((folders, path) => {
    copy(folders, path);
    if (path === 'b') appendFileSync(join(folders.from, path), 'more');
  });
  expect(result.failed).toEqual([]);
});

test('without a check nothing is read again', async () => {
  const result = await carried(spoil, { verify: false });
  expect(result).toMatchObject({ lists: [['a', 'b']], transferred: 2, failed: [] });
});
