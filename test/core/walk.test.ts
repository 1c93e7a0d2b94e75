import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { comparePaths, join, nameProblem } from '../../src/core/path.js';
import { orderedWalk, type Child, type WalkRequest } from '../../src/core/walk.js';
import type { ScanItem } from '../../src/core/stream.js';

/** A directory: names to directories, or `null` for a file. */
interface Tree {
  [name: string]: Tree | null;
}

function child(path: string, name: string, tree: Tree | null): Child {
  const entry: Entry = { kind: tree === null ? 'file' : 'directory', size: 0, mtimeMs: 0, mode: 0o644 };
  return { name, item: { type: 'entry', path: join(path, name), entry }, enter: tree !== null };
}

function childrenOf(tree: Tree, path: string): Child[] {
  const below = path === '' ? tree : path.split('/').reduce<Tree>((at, name) => at[name] ?? {}, tree);
  return Object.keys(below).map((name) => child(path, name, below[name] ?? null));
}

function pathsOf(tree: Tree, at = ''): string[] {
  return Object.entries(tree).flatMap(([name, below]) => [
    join(at, name),
    ...(below === null ? [] : pathsOf(below, join(at, name))),
  ]);
}

const bounds = { under: '', concurrency: 4, bufferedMax: 100, batchMax: 10 };

async function collect(walk: AsyncIterable<ScanItem[]>): Promise<ScanItem[]> {
  const items: ScanItem[] = [];
  for await (const batch of walk) items.push(...batch);
  return items;
}

const name = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
    fc.constantFrom('a', 'a-b', 'a.', 'a0', '\u{1f600}', '\uffee'),
  )
  .filter((text) => nameProblem(text) === null && text !== '__proto__');
const tree = fc.letrec<{ tree: Tree; node: Tree | null }>((tie) => ({
  tree: fc.dictionary(name, tie('node'), { maxKeys: 6, noNullPrototype: true }),
  node: fc.option(tie('tree'), { depthSize: 'medium' }),
})).tree;

test('any tree comes in the total order, within the bounds, however the listings finish', async () => {
  await fc.assert(
    fc.asyncProperty(
      tree,
      fc.scheduler(),
      fc.record({
        concurrency: fc.integer({ min: 1, max: 5 }),
        bufferedMax: fc.integer({ min: 1, max: 20 }),
        batchMax: fc.integer({ min: 1, max: 7 }),
      }),
      async (root, scheduler, limits) => {
        let running = 0;
        const listed = new Set<string>();
        const list = async (directory: string) => {
          running++;
          expect(running).toBeLessThanOrEqual(limits.concurrency);
          expect(listed).not.toContain(directory);
          listed.add(directory);
          await scheduler.schedule(Promise.resolve(), directory);
          running--;
          return childrenOf(root, directory);
        };
        const walk = async () => {
          const paths: string[] = [];
          for await (const batch of orderedWalk({ under: '', list, ...limits })) {
            expect(batch.length).toBeGreaterThan(0);
            expect(batch.length).toBeLessThanOrEqual(limits.batchMax);
            paths.push(...batch.map((item) => item.path));
          }
          return paths;
        };
        const paths = await scheduler.waitFor(walk());
        expect(paths).toEqual(pathsOf(root).sort(comparePaths));
      },
    ),
    { verbose: true },
  );
});

/** A root of `count` directories of `size` files each. */
function wide(count: number, size: number): Tree {
  const files = Object.fromEntries(Array.from({ length: size }, (_, i) => [`f${i}`, null]));
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, files]));
}

test('directories are listed ahead, up to the buffer and no further until the consumer takes some', async () => {
  const root = wide(50, 10);
  let listings = 0;
  const list = async (directory: string) => {
    listings++;
    return childrenOf(root, directory);
  };
  const walk = orderedWalk({ ...bounds, concurrency: 2, bufferedMax: 100, batchMax: 11, list });
  const first = (await walk.next()).value ?? [];
  for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
  // The root gave 50; five of ten fill it to 100; one more was under way then, and up to 11 were taken.
  expect(listings).toBeGreaterThanOrEqual(1 + 5);
  expect(listings).toBeLessThanOrEqual(1 + 8);
  expect(await collect(walk)).toHaveLength(50 * 11 - first.length);
  expect(listings).toBe(51);
});

test('a directory that cannot be listed is a failure right behind its entry, and the walk goes on', async () => {
  const root: Tree = { a: { b: { c: null } }, 'a-b': null, z: { y: null } };
  const refused = new TowlineError('permission', 'no', { path: 'a/b' });
  const list = async (directory: string) => {
    if (directory === 'a/b') throw refused;
    return childrenOf(root, directory);
  };
  const items = await collect(orderedWalk({ ...bounds, list }));
  expect(items.map((item) => [item.type, item.path])).toEqual([
    ['entry', 'a'],
    ['entry', 'a/b'],
    ['failure', 'a/b'],
    ['entry', 'a-b'],
    ['entry', 'z'],
    ['entry', 'z/y'],
  ]);
  expect(items[2]).toEqual({ type: 'failure', path: 'a/b', error: refused });
});

test('the walk is below `under`, and its failure ends it', async () => {
  const root: Tree = { a: { b: { c: null }, d: null }, e: null };
  const list = async (directory: string) => childrenOf(root, directory);
  const items = await collect(orderedWalk({ ...bounds, under: 'a', list }));
  expect(items.map((item) => item.path)).toEqual(['a/b', 'a/b/c', 'a/d']);

  const missing = new TowlineError('not-found', 'nothing there');
  await expect(collect(orderedWalk({ ...bounds, list: () => Promise.reject(missing) }))).rejects.toBe(
    missing,
  );
});

test.each(['network', 'interrupted'] as const)('%s ends the whole walk', async (code) => {
  const root = wide(5, 3);
  const lost = new TowlineError(code, 'gone');
  const list = async (directory: string) => {
    if (directory === 'd3') throw lost;
    return childrenOf(root, directory);
  };
  await expect(collect(orderedWalk({ ...bounds, list }))).rejects.toBe(lost);
});

test('an error that is not ours ends the walk as `internal`', async () => {
  const list = () => Promise.reject(new RangeError('a bug'));
  await expect(collect(orderedWalk({ ...bounds, list }))).rejects.toMatchObject({ code: 'internal' });
});

test('a name that is listed twice counts once', async () => {
  const list = async (directory: string) =>
    directory === ''
      ? [child('', 'b', {}), child('', 'a', null), child('', 'b', {}), child('', 'a', null)]
      : [];
  const items = await collect(orderedWalk({ ...bounds, list }));
  expect(items.map((item) => item.path)).toEqual(['a', 'b']);
});

test('a consumer that leaves early stops the listings', async () => {
  const root = wide(50, 10);
  const listed: string[] = [];
  const request: WalkRequest = {
    ...bounds,
    list: async (directory) => {
      listed.push(directory);
      return childrenOf(root, directory);
    },
  };
  for await (const batch of orderedWalk(request)) {
    expect(batch[0]?.path).toBe('d0');
    break;
  }
  const count = listed.length;
  for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
  expect(listed).toHaveLength(count);
});

test('an abort ends a walk that waits for a listing, and one that has not begun', async () => {
  const controller = new AbortController();
  const list = (directory: string) =>
    directory === '' ? Promise.resolve(childrenOf({ a: {} }, '')) : new Promise<never>(() => undefined);
  const walk = orderedWalk({ ...bounds, list, signal: controller.signal });
  expect((await walk.next()).value).toMatchObject([{ path: 'a' }]);
  const rest = expect(walk.next()).rejects.toMatchObject({ code: 'interrupted' });
  controller.abort();
  await rest;
  await expect(collect(orderedWalk({ ...bounds, list, signal: controller.signal }))).rejects.toMatchObject({
    code: 'interrupted',
  });
});
