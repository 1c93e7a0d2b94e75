/** Everything that is done to a memory storage in one step, besides new files. */
import type { Entry } from '../../core/entry.js';
import { hasCode, TowlineError } from '../../core/errors.js';
import { isOwnName } from '../../core/tempname.js';
import { componentsOf } from '../checked.js';
import { checkExpected } from '../expected.js';
import type { MemoryContext } from './context.js';
import { linkBeside, publish, requireExpected, taken } from './temp.js';
import { ownerMay } from './tree.js';

/** See `Storage.makeDirectory`. */
export function makeMemoryDirectory(
  { tree, capabilities }: MemoryContext,
  path: string,
  mode: number,
): Entry {
  componentsOf(path);
  tree.allow(tree.parent(path), ownerMay.write | ownerMay.search, path);
  if (tree.find(path) !== null) throw taken(path);
  const node = tree.create('directory', capabilities.modes ? mode & 0o7777 : 0o755);
  tree.link(path, node);
  return tree.entry(node, path);
}

/** See `Storage.makeSymlink`. */
export async function makeMemorySymlink(
  context: MemoryContext,
  path: string,
  link: { readonly target: string; readonly mtimeMs: number },
  name: string,
  expected: Entry | null,
): Promise<Entry> {
  const { tree, capabilities } = context;
  componentsOf(path);
  if (!capabilities.symlinks) {
    throw new TowlineError('unsupported', `${path} cannot be made: this side has no symbolic links`, {
      path,
    });
  }
  const node = tree.create('symlink', 0o777, link.target);
  const temp = linkBeside(context, path, name, () => node);
  if (capabilities.symlinkTimes) tree.setTime(node, link.mtimeMs);
  try {
    if (expected !== null) requireExpected(context, path, expected);
    await publish(context, temp, path, expected);
  } catch (error) {
    tree.unlink(temp);
    throw error;
  }
  return tree.entry(node, path);
}

/** See `Storage.setMetadata`. */
export function setMemoryMetadata(
  { tree, capabilities }: MemoryContext,
  path: string,
  expected: Entry,
  change: { mode?: number; mtimeMs?: number },
): Entry {
  componentsOf(path);
  const node = tree.find(path);
  if (node === null) throw new TowlineError('changed', `${path} is not there any more`, { path });
  checkExpected(path, expected, tree.entry(node, path));
  const { symlinkTimes, times, modes } = capabilities;
  const isLink = node.kind === 'symlink';
  if (change.mode !== undefined && modes && !isLink) tree.setMode(node, change.mode);
  if (change.mtimeMs !== undefined && (isLink ? symlinkTimes : times)) tree.setTime(node, change.mtimeMs);
  return tree.entry(node, path);
}

/** See `Storage.move`. */
export function moveMemory({ tree }: MemoryContext, from: string, to: string, expected: Entry): Entry {
  componentsOf(from);
  componentsOf(to);
  const node = tree.find(from);
  if (node === null) throw new TowlineError('changed', `${from} is not there any more`, { path: from });
  checkExpected(from, expected, tree.entry(node, from));
  tree.allow(tree.parent(from), ownerMay.write | ownerMay.search, from);
  tree.allow(tree.parent(to), ownerMay.write | ownerMay.search, to);
  if (tree.find(to) !== null) throw taken(to);
  tree.rename(from, to);
  return tree.entry(node, to);
}

/** See `Storage.remove`. */
export function removeMemory({ tree }: MemoryContext, path: string, expected: Entry): void {
  componentsOf(path);
  const node = tree.find(path);
  if (node === null) return;
  checkExpected(path, expected, tree.entry(node, path));
  tree.allow(tree.parent(path), ownerMay.write | ownerMay.search, path);
  if (node.children.size > 0) {
    throw new TowlineError('not-empty', `the directory ${path} still holds something`, { path });
  }
  tree.unlink(path);
}

/** See `Storage.removeTemps`: paths whose last component is not ours are left alone. */
export function removeMemoryTemps({ tree }: MemoryContext, paths: readonly string[]): string[] {
  return paths.filter((path) => {
    if (!isOwnName(path)) return false;
    try {
      componentsOf(path);
      if (tree.find(path) !== null) tree.allow(tree.parent(path), ownerMay.write | ownerMay.search, path);
      tree.unlink(path);
      return true;
    } catch (error) {
      if (hasCode(error, 'name', 'permission')) return false;
      throw error;
    }
  });
}
