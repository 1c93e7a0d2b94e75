import { crc32 } from 'node:zlib';
import type { Kind } from '../../src/core/entry.js';
import { join } from '../../src/core/path.js';
import { isOwnName } from '../../src/core/tempname.js';
import type { MemoryEdit } from '../../src/storage/memory/edit.js';

/** What is at a path of a side, as far as people care. */
export interface Seen {
  readonly kind: Kind;
  readonly mode: number;
  readonly mtimeMs: number;
  /** Of files the content (or, of long ones, length and checksum), of symlinks the target, of directories nothing. */
  readonly content: string;
}

export type Tree = ReadonlyMap<string, Seen>;

const shortBytes = 1024;

export function contentOf(data: Buffer): string {
  return data.length <= shortBytes
    ? data.toString('latin1')
    : `${String(data.length)} bytes ${String(crc32(data))}`;
}

/** Everything on a side but what is ours; empty when the root is missing. */
export function walkTree(edit: MemoryEdit): Map<string, Seen> {
  const tree = new Map<string, Seen>();
  const visit = (directory: string) => {
    for (const name of edit.names(directory)) {
      if (isOwnName(name)) continue;
      const path = join(directory, name);
      const seen = seenAt(edit, path);
      if (seen === null) continue;
      tree.set(path, seen);
      if (seen.kind === 'directory') visit(path);
    }
  };
  if (edit.stat('') !== null) visit('');
  return tree;
}

export function seenAt(edit: MemoryEdit, path: string): Seen | null {
  const stat = edit.stat(path);
  if (stat === null || stat.kind === 'special') return null;
  const { kind, mode, mtimeMs } = stat;
  const content = kind === 'file' ? contentOf(edit.read(path)) : (stat.target ?? '');
  return { kind, mode, mtimeMs, content };
}

/** All that is ours on a side: temps. */
export function ownNames(edit: MemoryEdit): string[] {
  const found: string[] = [];
  const visit = (directory: string) => {
    for (const name of edit.names(directory)) {
      const path = join(directory, name);
      if (isOwnName(name)) found.push(path);
      else if (edit.stat(path)?.kind === 'directory') visit(path);
    }
  };
  if (edit.stat('') !== null) visit('');
  return found;
}
