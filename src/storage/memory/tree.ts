/** A file system in memory: inodes, directories, times and permissions, as far as storages can see them. */
import type { Entry, Kind } from '../../core/entry.js';
import { TowlineError } from '../../core/errors.js';
import { join, nameOf, parentOf } from '../../core/path.js';

/** An inode: lives on without a name while it is open, as in a real file system. */
export interface Node {
  readonly kind: Kind | 'special';
  readonly ino: number;
  mode: number;
  mtimeMs: number;
  ctimeMs: number;
  /** Of files. */
  data: Buffer;
  /** Of symlinks. */
  readonly target: string;
  /** Of directories: by folded name. */
  readonly children: Map<string, Child>;
  /** It has a name, and its data counts against the capacity. */
  linked: boolean;
}

export interface Child {
  readonly name: string;
  readonly node: Node;
}

export interface TreeOptions {
  /** This side's clock, ms since 1970. */
  readonly now: () => number;
  /** Times are cut to whole multiples of this, ms. */
  readonly timeGranularityMs: number;
  /** Names that differ in case only are one name. */
  readonly foldCase: boolean;
  /** Whether entries carry `dev`, `ino` and `ctimeMs`, as on our own machine. */
  readonly identity: boolean;
}

/** Permission bits of the owner, as `allow` takes them. */
export const ownerMay = { read: 0o400, write: 0o200, search: 0o100 } as const;

export class MemoryTree {
  /** `null`: the root directory is missing. */
  root: Node | null = null;
  /** `null`: without end. */
  capacityBytes: number | null = null;
  usedBytes = 0;
  readonly #options: TreeOptions;
  #lastIno = 0;
  #lastChangeMs = Number.NEGATIVE_INFINITY;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** A new inode without a name. */
  create(kind: Node['kind'], mode: number, target = ''): Node {
    const mtimeMs = this.cut(this.#options.now());
    const data = Buffer.alloc(0);
    const node = {
      kind,
      mode,
      mtimeMs,
      data,
      target,
      ino: ++this.#lastIno,
      children: new Map<string, Child>(),
    };
    return { ...node, ctimeMs: this.#change(), linked: false };
  }

  /** What is at a path; `null` when nothing is, or something above it is no directory. Follows no symlink. */
  find(path: string): Node | null {
    let node = this.root;
    if (path === '') return node;
    for (const name of path.split('/')) {
      node = node?.children.get(this.#key(name))?.node ?? null;
    }
    return node;
  }

  /**
   * The directory that holds `path`.
   * @throws `not-found`; `changed` when something else is in its place
   */
  parent(path: string): Node {
    let at = '';
    let node = this.root;
    for (const name of (parentOf(path) ?? '').split('/').filter((part) => part !== '')) {
      if (node?.kind !== 'directory') break;
      at = join(at, name);
      node = this.find(at);
    }
    if (node === null) throw new TowlineError('not-found', `the directory of ${path} is missing`, { path });
    if (node.kind !== 'directory')
      throw new TowlineError('changed', `${at} is no directory (any more)`, { path: at });
    return node;
  }

  /** Gives an inode a name, in place of whatever had it. */
  link(path: string, node: Node): void {
    const directory = this.parent(path);
    this.unlink(path);
    directory.children.set(this.#key(nameOf(path)), { name: nameOf(path), node });
    node.linked = true;
    this.usedBytes += node.data.length;
    this.#touched(directory);
    node.ctimeMs = this.#change();
  }

  /** Takes a name away; with a directory all that is below goes too. Nothing there: nothing happens. */
  unlink(path: string): void {
    const node = this.find(path);
    if (node === null) return;
    const directory = this.parent(path);
    directory.children.delete(this.#key(nameOf(path)));
    this.#forget(node);
    this.#touched(directory);
  }

  /** As `rename(2)`, without its refusals. */
  rename(from: string, to: string): void {
    const node = this.find(from);
    if (node === null) throw new TowlineError('not-found', `${from} is missing`, { path: from });
    this.unlink(from);
    this.link(to, node);
    this.#remember(node);
  }

  /**
   * Puts `data` at `offset`, or replaces all with it when `offset` is `null`.
   * @throws `no-space`
   */
  write(node: Node, data: Buffer, offset: number | null): void {
    const length = offset === null ? data.length : Math.max(node.data.length, offset + data.length);
    const growth = node.linked ? length - node.data.length : 0;
    if (this.capacityBytes !== null && growth > 0 && this.usedBytes + growth > this.capacityBytes) {
      throw new TowlineError('no-space', 'no space is left in memory', { hint: 'Free some space there' });
    }
    this.usedBytes += growth;
    const content = Buffer.alloc(length);
    if (offset !== null) node.data.copy(content);
    data.copy(content, offset ?? 0);
    node.data = content;
    this.#touched(node);
  }

  setMode(node: Node, mode: number): void {
    node.mode = mode & 0o7777;
    node.ctimeMs = this.#change();
  }

  setTime(node: Node, mtimeMs: number): void {
    node.mtimeMs = this.cut(mtimeMs);
    node.ctimeMs = this.#change();
  }

  /**
   * Refuses what the owner's permission bits forbid.
   * @throws `permission`
   */
  allow(node: Node, bits: number, path: string): void {
    if ((node.mode & bits) === bits) return;
    throw new TowlineError('permission', `permission denied for ${path === '' ? 'the root' : path}`, {
      path,
      hint: 'Give this user the permission, or exclude the path',
    });
  }

  /** @throws `unsupported` for what is no entry */
  entry(node: Node, path: string): Entry {
    const { kind, ino, mode, mtimeMs, ctimeMs, target } = node;
    if (kind === 'special') {
      throw new TowlineError(
        'unsupported',
        `${path} is a socket, a device or a FIFO, which cannot be synced`,
        { path },
      );
    }
    return {
      kind,
      size: node.data.length,
      mtimeMs,
      mode,
      ...(kind === 'symlink' ? { target } : {}),
      ...(this.#options.identity ? { dev: 1, ino, ctimeMs } : {}),
    };
  }

  cut(ms: number): number {
    const { timeGranularityMs } = this.#options;
    return Math.floor(ms / timeGranularityMs) * timeGranularityMs;
  }

  #touched(node: Node): void {
    node.mtimeMs = this.cut(this.#options.now());
    node.ctimeMs = this.#change();
  }

  /** A change time is never one that was given before, as the kernel's nearly never is. */
  #change(): number {
    this.#lastChangeMs = Math.max(this.#options.now(), this.#lastChangeMs + 0.001);
    return this.#lastChangeMs;
  }

  #forget(node: Node): void {
    if (node.linked) this.usedBytes -= node.data.length;
    node.linked = false;
    for (const child of node.children.values()) this.#forget(child.node);
  }

  /** After a directory moved: what is below has a name again. */
  #remember(node: Node): void {
    for (const { node: below } of node.children.values()) {
      if (!below.linked) this.usedBytes += below.data.length;
      below.linked = true;
      this.#remember(below);
    }
  }

  #key(name: string): string {
    return this.#options.foldCase ? name.normalize('NFC').toLowerCase() : name;
  }
}
