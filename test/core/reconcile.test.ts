import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry, Side } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { decide } from '../../src/core/mode.js';
import { ancestorsOf, comparePaths, isBelow, nameOf } from '../../src/core/path.js';
import { type MergeInput, type Sighting, mergeSides } from '../../src/core/reconcile.js';
import type { BaseRow, ScanItem } from '../../src/core/stream.js';
import { usual } from './mode-world.js';
import { type Tracked, batchesOf, streamOf } from './streams.js';
import { entryOf, filtered, names, pairOf, scanOf, treeOf, unreadable } from './trees.js';

async function merged(input: Partial<MergeInput>): Promise<Sighting[]> {
  const sightings: Sighting[] = [];
  const nothing = {
    local: streamOf<ScanItem>([]),
    remote: streamOf<ScanItem>([]),
    base: streamOf<BaseRow>([]),
    excludes: () => false,
  };
  for await (const batch of mergeSides({ ...nothing, ...input })) sightings.push(...batch);
  return sightings;
}

/** What must come out, worked out path by path with everything in view. */
function expected(
  local: ScanItem[],
  remote: ScanItem[],
  base: BaseRow[],
  excludes: (path: string) => boolean,
): Sighting[] {
  const items: [Side, ScanItem][] = [
    ...local.map((item): [Side, ScanItem] => ['local', item]),
    ...remote.map((item): [Side, ScanItem] => ['remote', item]),
  ];
  const isUnknown = (path: string) =>
    items.some(([, { type, path: mark }]) => {
      if (type !== 'failure' && type !== 'skipped') return false;
      return isBelow(path, mark) || (type === 'skipped' && path === mark);
    });
  const at = (path: string, ...types: ScanItem['type'][]): Sighting[] =>
    items.flatMap(([side, item]) =>
      item.type !== 'entry' && item.path === path && types.includes(item.type) ? [{ ...item, side }] : [],
    );
  const middle = (path: string): Sighting[] => {
    const entryOn = (wanted: Side) => {
      const found = items.find(
        ([side, item]) => side === wanted && item.path === path && item.type === 'entry',
      );
      return found?.[1].type === 'entry' ? found[1].entry : null;
    };
    const triple = {
      path,
      base: base.find((row) => row.path === path)?.pair ?? null,
      local: entryOn('local'),
      remote: entryOn('remote'),
    };
    if (triple.local === null && triple.remote === null && triple.base === null) return [];
    if (triple.local === null && excludes(path))
      return triple.base === null ? [] : [{ type: 'excluded', path }];
    return isUnknown(path) ? [] : [{ type: 'triple', triple }];
  };
  const paths = [...new Set([...items.map(([, { path }]) => path), ...base.map(({ path }) => path)])].sort(
    comparePaths,
  );
  return paths.flatMap((path) => [...at(path, 'skipped', 'temp'), ...middle(path), ...at(path, 'failure')]);
}

const side = treeOf(['file', 'file', 'symlink', 'special', 'name', 'temp', 'unlisted']);
const sizes = fc
  .array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 4 })
  .filter((some) => some.some((size) => size > 0));

test('every path comes out once, in order, with what each side and the base hold, but for what cannot be known', async () => {
  const scene = fc.record({
    trees: fc.tuple(side, side, treeOf(['file', 'symlink'])),
    sizes: fc.tuple(sizes, sizes, sizes),
    excluded: fc.subarray(names, { maxLength: 2 }),
    /** The rules of a directory may be known only after the other side has listed it. */
    remoteFiltered: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ trees, sizes: cut, excluded, remoteFiltered }) => {
      const excludes = (path: string) =>
        [...ancestorsOf(path), path].some((one) => excluded.includes(nameOf(one)));
      const local = filtered([...scanOf(trees[0])], excludes);
      const remote = remoteFiltered ? filtered([...scanOf(trees[1])], excludes) : [...scanOf(trees[1])];
      const base = [...scanOf(trees[2])].flatMap((item): BaseRow[] => {
        return item.type === 'entry' ? [{ path: item.path, pair: pairOf(item.entry.kind) }] : [];
      });
      const sightings = await merged({
        local: streamOf(batchesOf(local, cut[0])),
        remote: streamOf(batchesOf(remote, cut[1])),
        base: streamOf(batchesOf(base, cut[2])),
        excludes,
      });
      expect(sightings).toEqual(expected(local, remote, base, excludes));
    }),
    { numRuns: 1_000 },
  );
});

// ------------------------------------------------------------------------------------------------ what is unknown

function items(...paths: string[]): ScanItem[] {
  return paths.map((path) => ({
    type: 'entry',
    path,
    entry: entryOf(path.includes('.') ? 'file' : 'directory'),
  }));
}

function rows(...paths: string[]): BaseRow[] {
  return items(...paths).map(({ path }) => ({
    path,
    pair: pairOf(path.includes('.') ? 'file' : 'directory'),
  }));
}

function failure(path: string): ScanItem {
  return { type: 'failure', path, error: unreadable };
}

/** Paths with the type of each sighting. */
function shown(sightings: readonly Sighting[]): string[] {
  return sightings.map((one) => (one.type === 'triple' ? one.triple.path : `${one.path} ${one.type}`));
}

describe('a directory that cannot be listed', () => {
  test.each(['local', 'remote'] as const)(
    'on the %s side: nothing below it comes out of anywhere',
    async (failing) => {
      const whole = items('a', 'a/1.txt', 'a/d', 'a/d/2.txt', 'a-b.txt', 'z.txt');
      const partial = [...items('a'), failure('a'), ...items('a-b.txt', 'z.txt')];
      const sightings = await merged({
        local: streamOf([failing === 'local' ? partial : whole]),
        remote: streamOf([failing === 'remote' ? partial : whole]),
        base: streamOf([rows('a', 'a/0.txt', 'a/1.txt', 'a-b.txt')]),
      });
      expect(shown(sightings)).toEqual(['a', 'a failure', 'a-b.txt', 'z.txt']);
    },
  );

  test('the root: nothing comes out', async () => {
    const sightings = await merged({
      local: streamOf([[failure('')]]),
      remote: streamOf([items('a.txt')]),
      base: streamOf([rows('a.txt', 'b.txt')]),
    });
    expect(shown(sightings)).toEqual([' failure']);
  });

  test('the mark may come in a later batch than its directory', async () => {
    const sightings = await merged({
      local: streamOf([items('a'), [failure('a')]]),
      remote: streamOf([items('a', 'a/1.txt', 'b.txt')]),
    });
    expect(shown(sightings)).toEqual(['a', 'a failure', 'b.txt']);
  });
});

describe('a folder that was a mount point', () => {
  const was = { mount: 2, root: 1 };

  function scene(
    mountNow: number,
    rootNow: number,
    recorded: Entry = entryOf('directory', { dev: was.mount, ino: 2 }),
  ) {
    const local: ScanItem[] = [
      { type: 'entry', path: 'd', entry: entryOf('directory', { dev: rootNow, ino: 7 }) },
      { type: 'entry', path: 'd/mnt', entry: entryOf('directory', { dev: mountNow, ino: 8 }) },
      { type: 'entry', path: 'e.txt', entry: entryOf('file', { dev: rootNow, ino: 9 }) },
    ];
    const base: BaseRow[] = [
      { path: 'd', pair: pairOf('directory', { dev: was.root, ino: 7 }) },
      { path: 'd/mnt', pair: { ...pairOf('directory'), local: recorded } },
      { path: 'd/mnt/1.txt', pair: pairOf('file', { dev: was.mount, ino: 3 }) },
    ];
    return merged({
      local: streamOf([local]),
      remote: streamOf([items('d', 'd/mnt', 'd/mnt/1.txt', 'e.txt')]),
      base: streamOf([base]),
      top: { path: '', was: was.root, now: rootNow },
    });
  }

  test('and is none now: what is below it is unknown', async () => {
    const paths = shown(await scene(1, 1));
    expect(paths).toContain('d/mnt failure');
    expect(paths).not.toContain('d/mnt/1.txt');
    expect(paths).toContain('e.txt');
  });

  test('and is none now, with other device numbers since a reboot', async () => {
    expect(shown(await scene(5, 5))).toContain('d/mnt failure');
  });

  test('and still is one', async () => {
    expect(shown(await scene(2, 1))).toEqual(['d', 'd/mnt', 'd/mnt/1.txt', 'e.txt']);
    expect(shown(await scene(1, 2))).toEqual(['d', 'd/mnt', 'd/mnt/1.txt', 'e.txt']);
  });

  test('and never was one', async () => {
    const recorded = entryOf('directory', { dev: was.root, ino: 8 });
    expect(shown(await scene(1, 1, recorded))).toEqual(['d', 'd/mnt', 'd/mnt/1.txt', 'e.txt']);
  });

  test('and is none now: it is noticed at every scan until it is mounted again', async () => {
    const first = await scene(1, 1);
    let recorded = entryOf('directory', { dev: was.mount, ino: 2 });
    for (const one of first) {
      if (one.type !== 'triple' || one.triple.path !== 'd/mnt') continue;
      const verdict = decide(one.triple, usual);
      if (verdict.type === 'adopt' && verdict.local !== null) recorded = verdict.local;
    }
    expect(shown(await scene(1, 1, recorded))).toContain('d/mnt failure');
  });
});

// ------------------------------------------------------------------------------------------------ streams

describe('the streams', () => {
  const broken = new TowlineError('network', 'the link went');

  test.each(['local', 'remote', 'base'] as const)(
    'an error of %s ends the merge; the others are closed',
    async (failing) => {
      const input = {
        local: streamOf<ScanItem>([items('a.txt', 'b.txt')], failing === 'local' ? broken : undefined),
        remote: streamOf<ScanItem>(
          [items('a.txt', 'b.txt'), items('c.txt')],
          failing === 'remote' ? broken : undefined,
        ),
        base: streamOf<BaseRow>([rows('a.txt', 'b.txt')], failing === 'base' ? broken : undefined),
      };
      await expect(merged(input)).rejects.toBe(broken);
      for (const stream of [input.local, input.remote, input.base]) expect(stream.returned).toBe(1);
    },
  );

  test('who has seen enough closes them', async () => {
    const streams = {
      local: streamOf([items('a.txt')]),
      remote: streamOf<ScanItem>([]),
      base: streamOf<BaseRow>([]),
    };
    for await (const batch of mergeSides({ ...streams, excludes: () => false })) {
      expect(batch).toHaveLength(1);
      break;
    }
    for (const stream of Object.values(streams)) expect(stream.returned).toBe(1);
  });

  test('a million entries a side are never more than a batch ahead of who reads them', async () => {
    const total = 1_000_000;
    const numbered = function* <T>(batch: number, make: (path: string) => T): Generator<T[]> {
      for (let at = 0; at < total; at += batch) {
        yield Array.from({ length: Math.min(batch, total - at) }, (_, i) =>
          make(String(at + i).padStart(7, '0')),
        );
      }
    };
    const entry = entryOf('file');
    const streams: [Tracked<ScanItem>, number][] = [1_000, 4_096].map((batch) => [
      streamOf(numbered(batch, (path): ScanItem => ({ type: 'entry', path, entry }))),
      batch,
    ]);
    const pair = pairOf('file');
    const base: [Tracked<BaseRow>, number] = [
      streamOf(numbered(500, (path): BaseRow => ({ path, pair }))),
      500,
    ];
    const [[local], [remote]] = streams as [[Tracked<ScanItem>, number], [Tracked<ScanItem>, number]];
    let seen = 0;
    let aheadMax = 0;
    for await (const batch of mergeSides({ local, remote, base: base[0], excludes: () => false })) {
      seen += batch.length;
      for (const [stream, size] of [...streams, base]) {
        aheadMax = Math.max(aheadMax, stream.taken - Math.floor(seen / size));
      }
      // A batch is no longer than the shortest of those it was made from.
      expect(batch.length).toBeLessThanOrEqual(500);
    }
    expect(seen).toBe(total);
    expect(aheadMax).toBeLessThanOrEqual(1);
  });
});
