import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BasePair, Entry } from '../../src/core/entry.js';
import { comparePaths, isBelow } from '../../src/core/path.js';
import type { BaseRow } from '../../src/core/stream.js';
import type { BaseStore } from '../../src/ports-state.js';
import { openState } from '../../src/state/open.js';
import { freshFolder } from '../support/folder.js';

async function rowsOf(base: BaseStore, under = ''): Promise<BaseRow[]> {
  const rows: BaseRow[] = [];
  for await (const page of base.scan(under)) rows.push(...page);
  return rows;
}

function fileOf(size: number, extra: Partial<Entry> = {}): Entry {
  return { kind: 'file', size, mtimeMs: 1.7e12 + size / 8, mode: 0o644, ...extra };
}

function pairOf(size: number, extra: Partial<Entry> = {}): BasePair {
  return { local: fileOf(size, extra), remote: fileOf(size), racy: false };
}

const entry: fc.Arbitrary<Entry> = fc.record(
  {
    kind: fc.constantFrom('file', 'directory', 'symlink'),
    size: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    mtimeMs: fc.double({ min: -1e13, max: 1e13, noNaN: true }).map((value) => value + 0),
    mode: fc.nat({ max: 0o7777 }),
    target: fc.string(),
    hash: fc.oneof(
      fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: 64, maxLength: 64 }),
      fc.string(),
    ),
    dev: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    ino: fc.oneof(fc.nat(), fc.constant(2 ** 63 + 4096), fc.constant(2 ** 60 + 256)),
    ctimeMs: fc.double({ min: 0, max: 1e13, noNaN: true }),
    uid: fc.nat(),
    gid: fc.nat(),
  },
  { requiredKeys: ['kind', 'size', 'mtimeMs', 'mode'] },
);
const pair: fc.Arbitrary<BasePair> = fc.record({ local: entry, remote: entry, racy: fc.boolean() });
const path = fc
  .array(fc.constantFrom('a', 'b', 'a-b', 'a.b', 'a\u0001', 'é', '😀', '\uffee'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((names) => names.join('/'));

test('holds what was committed, in the order of paths, whole or below a directory', async () => {
  const state = await openState({ folder: freshFolder('state'), label: 'test' });
  const { base } = state;
  const model = new Map<string, BasePair>();
  const batch = fc.array(fc.record({ path, pair: fc.option(pair) }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(batch, path, async (rows, under) => {
      await base.commit(rows);
      for (const row of rows) {
        if (row.pair === null) model.delete(row.path);
        else model.set(row.path, row.pair);
      }
      const expected = [...model].map(([key, value]) => ({ path: key, pair: value }));
      expected.sort((a, b) => comparePaths(a.path, b.path));
      expect(await rowsOf(base)).toEqual(expected);
      expect(await rowsOf(base, under)).toEqual(expected.filter((row) => isBelow(row.path, under)));
      expect(await base.count()).toBe(model.size);
      const asked = ['not/there', ...rows.map((row) => row.path)];
      expect(await base.get(asked)).toEqual(asked.map((one) => model.get(one) ?? null));
    }),
    { numRuns: 150, endOnFailure: true },
  );
  await state.close();
});

test('finds paths by their local identity', async () => {
  const state = await openState({ folder: freshFolder('state'), label: 'test' });
  const { base } = state;
  await base.commit([
    { path: 'b', pair: pairOf(1, { dev: 7, ino: 2 ** 40 }) },
    { path: 'a/linked', pair: pairOf(1, { dev: 7, ino: 2 ** 40 }) },
    { path: 'elsewhere', pair: pairOf(1, { dev: 8, ino: 2 ** 40 }) },
    { path: 'folder', pair: pairOf(0, { dev: 7, ino: 2 ** 40, kind: 'directory' }) },
    { path: 'unknown', pair: pairOf(1) },
  ]);
  expect(await base.byInode(7, 2 ** 40)).toEqual(['a/linked', 'b', 'folder']);
  await base.commit([{ path: 'b', pair: null }]);
  expect(await base.byInode(7, 2 ** 40)).toEqual(['a/linked', 'folder']);
  expect(await base.byInode(7, 1)).toEqual([]);
  await state.close();
});

test('files are found by the size and time of their remote side, as many as wanted', async () => {
  const state = await openState({ folder: freshFolder('state'), label: 'test' });
  const { base } = state;
  const there = (path: string, size: number, mtimeMs: number, kind: Entry['kind'] = 'file') => {
    const remote: Entry = { kind, size, mtimeMs, mode: 0o644 };
    return { path, pair: { local: { ...remote, size: 1, mtimeMs: 7 }, remote, racy: false } };
  };
  await base.commit([
    there('b', 9, 1_000.5),
    there('a/x', 9, 1_000.5),
    there('c', 9, 1_000.5),
    there('longer', 10, 1_000.5),
    there('later', 9, 1_001),
    there('folder', 9, 1_000.5, 'directory'),
    there('empty', 0, 1_000.5),
  ]);
  expect(await base.byRemoteRevision(9, 1_000.5, 8)).toEqual(['a/x', 'b', 'c']);
  expect(await base.byRemoteRevision(9, 1_000.5, 2)).toEqual(['a/x', 'b']);
  expect(await base.byRemoteRevision(1, 7, 8)).toEqual([]);
  await base.commit([{ path: 'b', pair: null }]);
  expect(await base.byRemoteRevision(9, 1_000.5, 8)).toEqual(['a/x', 'c']);
  await state.close();
});

test('100,000 rows are scanned while others write: in order, each row that stays exactly once', async () => {
  const state = await openState({ folder: freshFolder('state'), label: 'test' });
  const { base } = state;
  const total = 100_000;
  const pathAt = (i: number): string =>
    `d${String(Math.floor(i / 100)).padStart(4, '0')}/f${String(i % 100).padStart(2, '0')}`;
  for (let i = 0; i < total; i += 1000) {
    await base.commit(Array.from({ length: 1000 }, (_, j) => ({ path: pathAt(i + j), pair: pairOf(i + j) })));
  }
  const seen: BaseRow[] = [];
  let written = 0;
  for await (const rows of base.scan('')) {
    expect(rows.length).toBeLessThanOrEqual(2000);
    seen.push(...rows);
    // Changes one row behind the scan's place, drops one and adds one there, and changes one far ahead.
    const last = seen.length - 1;
    await base.commit([
      { path: pathAt(last), pair: pairOf(1) },
      { path: pathAt(last - 1), pair: null },
      { path: `${pathAt(last - 1)}.new`, pair: pairOf(1) },
      { path: pathAt(total - 1), pair: pairOf(++written) },
    ]);
  }
  expect(seen.map((row) => row.path)).toEqual(Array.from({ length: total }, (_, i) => pathAt(i)));
  expect(seen.at(-1)!.pair.local.size).toBe(written - 1);
  expect(written).toBeGreaterThan(10);
  expect(await base.count()).toBe(total);
  await state.close();
});

test('a commit of many rows is one transaction', async () => {
  const state = await openState({ folder: freshFolder('state'), label: 'test' });
  const { base } = state;
  await base.commit([{ path: 'stays', pair: pairOf(1) }]);
  const unfit = { path: 'x', pair: pairOf(Number.NaN) };
  await expect(
    base.commit([{ path: 'new', pair: pairOf(2) }, { path: 'stays', pair: null }, unfit]),
  ).rejects.toMatchObject({ code: 'state' });
  expect((await rowsOf(base)).map((row) => row.path)).toEqual(['stays']);
  expect(await base.count()).toBe(1);
  await state.close();
});

test('a scan ends when it is aborted', async () => {
  const state = await openState({ folder: freshFolder('state'), label: 'test' });
  const { base } = state;
  await base.commit(Array.from({ length: 3000 }, (_, i) => ({ path: `f${i}`, pair: pairOf(i) })));
  const abort = new AbortController();
  const read = async (): Promise<void> => {
    for await (const rows of base.scan('', abort.signal)) {
      expect(rows.length).toBeLessThan(3000);
      abort.abort();
    }
  };
  await expect(read()).rejects.toMatchObject({ code: 'interrupted' });
  await state.close();
});
