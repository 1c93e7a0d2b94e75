/** Raw hands on a memory storage: what its users do to it, without permissions, faults or hooks. */
import { createHash } from 'node:crypto';
import { TowlineError } from '../../core/errors.js';
import { ancestorsOf, comparePaths, join } from '../../core/path.js';
import type { MemoryTree, Node } from './tree.js';

export interface WriteOptions {
  readonly mode?: number;
  readonly mtimeMs?: number;
}

export interface MemoryStat {
  readonly kind: Node['kind'];
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly target?: string;
}

/** Contents up to this length are shown in `tree()`, longer ones by their hash. */
const shownBytes = 64;

/** Edits a tree at once, as a user would; a missing path is `not-found`. */
export class MemoryEdit {
  readonly #tree: MemoryTree;

  constructor(tree: MemoryTree) {
    this.#tree = tree;
  }

  /** Writes in place where a file is there; missing directories are made. */
  write(path: string, data: string | Buffer, options: WriteOptions = {}): void {
    this.#makeParents(path);
    let node = this.#tree.find(path);
    if (node?.kind !== 'file') {
      node = this.#tree.create('file', 0o644);
      this.#tree.link(path, node);
    }
    this.#tree.write(node, Buffer.from(data), null);
    if (options.mode !== undefined) this.#tree.setMode(node, options.mode);
    if (options.mtimeMs !== undefined) this.#tree.setTime(node, options.mtimeMs);
  }

  append(path: string, data: string): void {
    const node = this.#at(path);
    this.#tree.write(node, Buffer.from(data), node.data.length);
  }

  /** Makes a directory and what is missing above it; sets the mode of one that is there. */
  mkdir(path: string, mode = 0o755): void {
    this.#makeParents(path);
    const node = this.#tree.find(path);
    if (node?.kind === 'directory') this.#tree.setMode(node, mode);
    else this.#tree.link(path, this.#tree.create('directory', mode));
  }

  symlink(target: string, path: string): void {
    this.#makeParents(path);
    this.#tree.link(path, this.#tree.create('symlink', 0o777, target));
  }

  /** Something that is no entry. */
  special(path: string): void {
    this.#makeParents(path);
    this.#tree.link(path, this.#tree.create('special', 0o644));
  }

  /** Replaces what is at `to`; with `''` for `from` or `to` nothing sensible happens. */
  rename(from: string, to: string): void {
    this.#tree.rename(from, to);
  }

  chmod(path: string, mode: number): void {
    this.#tree.setMode(this.#at(path), mode);
  }

  touch(path: string, mtimeMs: number): void {
    this.#tree.setTime(this.#at(path), mtimeMs);
  }

  /** Removes whatever is there; `''` removes the root itself, as an unmounted disk does. */
  remove(path: string): void {
    if (path === '') {
      this.#tree.root = null;
      this.#tree.usedBytes = 0;
    } else this.#tree.unlink(path);
  }

  /** Puts an empty root back. */
  makeRoot(): void {
    this.#tree.root ??= this.#tree.create('directory', 0o755);
  }

  read(path: string): Buffer {
    return Buffer.from(this.#at(path).data);
  }

  /** Of a link itself; `null` when nothing is there. */
  stat(path: string): MemoryStat | null {
    const node = this.#tree.find(path);
    if (node === null) return null;
    const { kind, mode, mtimeMs, target } = node;
    return { kind, size: node.data.length, mode, mtimeMs, ...(kind === 'symlink' ? { target } : {}) };
  }

  /** Names in a directory, sorted, our own included. */
  names(directory: string): string[] {
    return [...this.#at(directory).children.values()].map((child) => child.name).sort();
  }

  /**
   * The whole tree in order, our own names included: `directory 755`, `symlink -> target`, `file 644 "text"` (long or
   * binary contents by length and hash). Times are left out: see `stat`.
   */
  tree(): Record<string, string> {
    const found: [string, string][] = [];
    const visit = (directory: Node, path: string) => {
      for (const { name, node } of directory.children.values()) {
        found.push([join(path, name), describe(node)]);
        visit(node, join(path, name));
      }
    };
    if (this.#tree.root !== null) visit(this.#tree.root, '');
    return Object.fromEntries(found.sort(([a], [b]) => comparePaths(a, b)));
  }

  #at(path: string): Node {
    const node = this.#tree.find(path);
    if (node === null) throw new TowlineError('not-found', `nothing is at ${path}`, { path });
    return node;
  }

  #makeParents(path: string): void {
    for (const directory of ancestorsOf(path)) {
      if (this.#tree.find(directory) === null) {
        this.#tree.link(directory, this.#tree.create('directory', 0o755));
      }
    }
  }
}

function describe(node: Node): string {
  const mode = node.mode.toString(8).padStart(3, '0');
  switch (node.kind) {
    case 'directory':
    case 'special':
      return `${node.kind} ${mode}`;
    case 'symlink':
      return `symlink -> ${node.target}`;
    case 'file': {
      const text = node.data.toString('utf8');
      const shown = node.data.length <= shownBytes && !text.includes('\ufffd');
      const hash = createHash('sha256').update(node.data).digest('hex');
      return `file ${mode} ${shown ? JSON.stringify(text) : `${node.data.length} bytes ${hash}`}`;
    }
  }
}
