/** Edits of one side, as data: what they touch depends on what is there when they are made. */
import fc from 'fast-check';
import { isBelow, join, nameOf, parentOf } from '../../src/core/path.js';
import type { MemoryEdit } from '../../src/storage/memory/edit.js';
import { walkTree } from '../sim/walk-tree.js';

const types = [
  'write',
  'write',
  'edit',
  'edit',
  'same size',
  'touch',
  'chmod',
  'chmod directory',
  'remove',
  'remove',
  'remove directory',
  'make directory',
  'rename',
  'rename directory',
  'change case',
  'symlink',
  'file for directory',
  'directory for file',
  'replace by a copy',
] as const;

export interface Edit {
  readonly type: (typeof types)[number];
  readonly at: number;
  readonly to: number;
}

export const someEdits = (maxLength: number): fc.Arbitrary<Edit[]> =>
  fc.array(fc.record({ type: fc.constantFrom(...types), at: fc.nat(20), to: fc.nat(20) }), { maxLength });

const names = ['a', 'b.txt', 'ü', 'd', 'e', 'f.md'];

/** Nobody touches it: an empty root would be held. */
export const keptPath = 'kept';

/** @param token distinguishes every content from all others of the same length */
export function perform(edit: MemoryEdit, { type, at, to }: Edit, token: string, nowMs: number): void {
  const tree = walkTree(edit);
  tree.delete(keptPath);
  const some = (kind?: 'file' | 'directory' | 'symlink') => {
    const paths = [...tree]
      .filter(([, seen]) => kind === undefined || seen.kind === kind)
      .map(([path]) => path);
    return paths[at % Math.max(1, paths.length)];
  };
  const directories = ['', ...[...tree].filter(([, { kind }]) => kind === 'directory').map(([path]) => path)];
  const fresh = join(directories[to % directories.length]!, names[at % names.length]!);
  const isFree = !tree.has(fresh);
  const file = some('file');
  const directory = some('directory');
  switch (type) {
    case 'write':
      if (isFree) edit.write(fresh, token);
      break;
    case 'edit':
      if (file !== undefined) edit.write(file, `${token} longer ${String(to)}`);
      break;
    case 'same size':
      if (file !== undefined && edit.read(file).length >= token.length)
        edit.write(file, token.padEnd(edit.read(file).length, '.'));
      break;
    case 'touch':
      if (file !== undefined) edit.touch(file, nowMs - 1_000_000 + to * 1_000.5);
      break;
    case 'chmod':
      if (file !== undefined) edit.chmod(file, [0o600, 0o640, 0o755, 0o444][to % 4]!);
      break;
    case 'chmod directory':
      if (directory !== undefined) edit.chmod(directory, [0o700, 0o750, 0o775][to % 3]!);
      break;
    case 'remove': {
      const path = some('file') ?? some('symlink');
      if (path !== undefined) edit.remove(path);
      break;
    }
    case 'remove directory':
      if (directory !== undefined) edit.remove(directory);
      break;
    case 'make directory':
      if (isFree) edit.mkdir(fresh);
      break;
    case 'rename':
      if (isFree && file !== undefined) edit.rename(file, fresh);
      break;
    case 'rename directory':
      if (isFree && directory !== undefined && fresh !== directory && !isBelow(fresh, directory))
        edit.rename(directory, fresh);
      break;
    case 'change case': {
      const path = some();
      if (path === undefined) break;
      const renamed = join(parentOf(path) ?? '', nameOf(path).toUpperCase());
      if (!tree.has(renamed)) edit.rename(path, renamed);
      break;
    }
    case 'symlink':
      if (isFree) edit.symlink(token, fresh);
      break;
    case 'file for directory':
      if (directory === undefined) break;
      edit.remove(directory);
      edit.write(directory, token);
      break;
    case 'directory for file':
      if (file === undefined) break;
      edit.remove(file);
      edit.write(join(file, 'inside'), token);
      break;
    case 'replace by a copy': {
      if (file === undefined) break;
      const stat = edit.stat(file)!;
      const content = edit.read(file);
      edit.remove(file);
      edit.write(file, content, { mode: stat.mode, mtimeMs: stat.mtimeMs });
      break;
    }
  }
}
