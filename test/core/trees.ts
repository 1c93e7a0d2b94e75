/** Random trees, and the scans of them. */
import fc from 'fast-check';
import type { BasePair, Entry, Kind } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { ancestorsOf, comparePaths, join } from '../../src/core/path.js';
import type { ScanItem } from '../../src/core/stream.js';

export const unreadable = new TowlineError('permission', 'not allowed');

export function entryOf(kind: Kind, extra: Partial<Entry> = {}): Entry {
  return { kind, size: 0, mtimeMs: 0, mode: 0o644, ...extra };
}

export function pairOf(kind: Kind, extra: Partial<Entry> = {}): BasePair {
  return { local: entryOf(kind, extra), remote: entryOf(kind), racy: false };
}

/** `unlisted` is a directory whose listing fails. */
export type Leaf = 'file' | 'symlink' | 'special' | 'name' | 'temp' | 'unlisted';
export interface Tree {
  readonly [name: string]: Leaf | Tree;
}

// In the order of bytes `a/…` comes before `a-b`, and what needs two UTF-16 units after what needs one.
export const names = ['a', 'a-b', 'a.b', 'b', 'é', '\uffee', '😀'];

export function treeOf(leaves: readonly Leaf[]): fc.Arbitrary<Tree> {
  const { tree } = fc.letrec<{ tree: Tree; node: Leaf | Tree }>((tie) => ({
    tree: fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 5 }),
    node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom(...leaves), tie('tree')),
  }));
  return tree;
}

export function* scanOf(tree: Tree, directory = ''): Generator<ScanItem> {
  for (const name of Object.keys(tree).sort(comparePaths)) {
    const path = join(directory, name);
    const node = tree[name]!;
    if (node === 'special' || node === 'name')
      yield { type: 'skipped', path, reason: node, error: unreadable };
    else if (node === 'temp') yield { type: 'temp', path, mtimeMs: 1 };
    else if (node === 'file' || node === 'symlink') yield { type: 'entry', path, entry: entryOf(node) };
    else {
      yield { type: 'entry', path, entry: entryOf('directory') };
      if (node === 'unlisted') yield { type: 'failure', path, error: unreadable };
      else yield* scanOf(node, path);
    }
  }
}

/** Without what is excluded and what is below it, as a scan gives it. */
export function filtered(items: readonly ScanItem[], excludes: (path: string) => boolean): ScanItem[] {
  return items.filter(({ path }) => ![...ancestorsOf(path), path].some(excludes));
}
