/** Temps of a memory storage, and putting them in place. */
import type { Entry } from '../../core/entry.js';
import { asTowlineError, hasCode, TowlineError } from '../../core/errors.js';
import type { PathLock } from '../../core/lock.js';
import { join, parentOf } from '../../core/path.js';
import type { Temp, TempAttributes } from '../../ports.js';
import { Acknowledged } from '../acknowledged.js';
import { checkName, componentsOf } from '../checked.js';
import { checkExpected } from '../expected.js';
import { inPlace } from '../in-place.js';
import { step, type MemoryContext } from './context.js';
import { releaseLock, takeLock } from './lock.js';
import { entryAt } from './reading.js';
import { ownerMay, type Node } from './tree.js';

/** Gives a new inode the name `name` beside `path`. Returns the path it has now. */
export function linkBeside({ tree }: MemoryContext, path: string, name: string, make: () => Node): string {
  componentsOf(path);
  checkName(name);
  const beside = join(parentOf(path) ?? '', name);
  tree.allow(tree.parent(path), ownerMay.write | ownerMay.search, path);
  if (tree.find(beside) !== null) throw taken(beside);
  tree.link(beside, make());
  return beside;
}

/** Renames the temp `from` onto `path`; see `Temp.publish`. */
export async function publish(
  context: MemoryContext,
  from: string,
  path: string,
  expected: Entry | null,
): Promise<void> {
  const { tree, capabilities } = context;
  tree.allow(tree.parent(path), ownerMay.write | ownerMay.search, path);
  const there = tree.find(path);
  if (there !== null && (expected === null || there.kind === 'directory')) throw taken(path);
  if (there !== null && !capabilities.atomicReplace) {
    tree.unlink(path);
    await context.before('replace', path);
    if (tree.find(path) !== null) throw taken(path);
  }
  tree.rename(from, path);
}

/**
 * A directory in the way is left to the rename, which refuses it.
 * @throws `changed`
 */
export function requireExpected({ tree }: MemoryContext, path: string, expected: Entry): void {
  const node = tree.find(path);
  if (node?.kind === 'directory') return;
  if (node === null) throw new TowlineError('changed', `${path} is not there any more`, { path });
  checkExpected(path, expected, tree.entry(node, path));
}

/** See `Storage.createTemp`. */
export function createMemoryTemp(context: MemoryContext, path: string, name: string): Temp {
  const node = context.tree.create('file', 0o600);
  return new MemoryTemp(
    context,
    path,
    linkBeside(context, path, name, () => node),
    node,
    0,
  );
}

/** See `Storage.resumeTemp`. */
export function resumeMemoryTemp(
  context: MemoryContext,
  path: string,
  from: string,
  to: string,
  offset: number,
  apart: boolean,
): Temp | null {
  const { tree } = context;
  componentsOf(path);
  checkName(from);
  checkName(to);
  const [before, after] = [from, to].map((name) => join(parentOf(path) ?? '', name)) as [string, string];
  tree.allow(tree.parent(path), ownerMay.write | ownerMay.search, path);
  const node = tree.find(before);
  if (node === null || tree.find(after) !== null) return null;
  if (apart) return copiedTemp(context, path, { before, after, offset });
  tree.rename(before, after);
  if (node.kind !== 'file' || node.data.length < offset) return null;
  tree.write(node, node.data.subarray(0, offset), null);
  return new MemoryTemp(context, path, after, node, offset);
}

function copiedTemp(
  context: MemoryContext,
  path: string,
  { before, after, offset }: { readonly before: string; readonly after: string; readonly offset: number },
): Temp | null {
  const { tree } = context;
  const node = tree.find(before);
  if (node?.kind !== 'file' || node.data.length < offset) return null;
  const copy = tree.create('file', 0o600);
  tree.link(after, copy);
  tree.write(copy, node.data.subarray(0, offset), null);
  tree.unlink(before);
  return new MemoryTemp(context, path, after, copy, offset);
}

/** See `InPlaceStorage.openInPlace`. */
export function openMemoryInPlace(
  context: MemoryContext,
  path: string,
  expected: Entry | null,
  offset: number,
): Temp {
  const { tree } = context;
  componentsOf(path);
  tree.allow(tree.parent(path), ownerMay.search, path);
  const node = tree.find(path);
  if (expected === null) {
    if (node !== null) throw taken(path);
    const made = tree.create('file', 0o600);
    tree.link(path, made);
    return inPlace(new MemoryTemp(context, path, path, made, 0));
  }
  if (node === null) throw new TowlineError('not-found', `${path} is not there (any more)`, { path });
  if (node.kind !== 'file') throw taken(path);
  checkExpected(path, expected, tree.entry(node, path));
  tree.write(node, node.data.subarray(0, offset), null);
  return inPlace(new MemoryTemp(context, path, path, node, offset));
}

class MemoryTemp implements Temp {
  readonly #context: MemoryContext;
  readonly #path: string;
  readonly #temp: string;
  readonly #node: Node;
  readonly #acknowledged: Acknowledged;
  readonly #writing = new Set<Promise<void>>();
  #failure: TowlineError | null = null;
  #published = false;
  /** Held. */
  #lock: PathLock | null = null;

  /** @param start bytes that are there already */
  constructor(context: MemoryContext, path: string, temp: string, node: Node, start: number) {
    this.#acknowledged = new Acknowledged(start);
    this.#context = context;
    this.#path = path;
    this.#temp = temp;
    this.#node = node;
  }

  get acknowledged(): number {
    return this.#acknowledged.bytes;
  }

  write(data: Buffer, offset: number): Promise<void> {
    const writing = step(this.#context, 'write', this.#path, () => {
      this.#context.tree.write(this.#node, data, offset);
      this.#acknowledged.add(offset, data.length);
    });
    const settled = writing
      .catch((error: unknown) => {
        this.#failure ??= asTowlineError(error);
      })
      .finally(() => this.#writing.delete(settled));
    this.#writing.add(settled);
    return writing;
  }

  async complete(attributes: TempAttributes): Promise<{ made: Entry; destination: Entry | null }> {
    await Promise.all(this.#writing);
    if (this.#failure !== null) throw this.#failure;
    const { lock } = attributes;
    await lock?.opens();
    try {
      return await this.#complete(attributes);
    } catch (error) {
      if (this.#lock === null && !hasCode(error, 'network')) await lock?.gone();
      throw error;
    }
  }

  #complete(attributes: TempAttributes): Promise<{ made: Entry; destination: Entry | null }> {
    return step(this.#context, 'complete', this.#path, () => {
      const { tree, capabilities } = this.#context;
      const { size, mode, mtimeMs } = attributes;
      const held = this.#node.data.length;
      if (held !== size) {
        const what = `the temp for ${this.#path} holds ${held} bytes instead of ${size}`;
        throw new TowlineError('protocol', what, { path: this.#path });
      }
      if (mode !== undefined && capabilities.modes) tree.setMode(this.#node, mode);
      if (mtimeMs !== undefined && capabilities.times) tree.setTime(this.#node, mtimeMs);
      // The rename will move ctime: it is not told, so that nobody compares with it.
      const made: { -readonly [Key in keyof Entry]: Entry[Key] } = tree.entry(this.#node, this.#path);
      delete made.ctimeMs;
      if (attributes.lock !== undefined) {
        takeLock(this.#context, this.#path, attributes.lock);
        this.#lock = attributes.lock;
      }
      return { made, destination: entryAt(tree, this.#path) };
    });
  }

  async publish(expected: Entry | null): Promise<void> {
    await step(this.#context, 'publish', this.#path, async () => {
      // On a machine of our own nothing lies between this look and the rename.
      if (expected !== null && this.#context.identity) requireExpected(this.#context, this.#path, expected);
      await publish(this.#context, this.#temp, this.#path, expected);
      this.#published = true;
      if (this.#lock !== null) releaseLock(this.#context, this.#path, this.#lock);
    });
    await this.#lock?.gone();
    this.#lock = null;
  }

  async leave(): Promise<number> {
    await Promise.all(this.#writing);
    await this.#release();
    return this.acknowledged;
  }

  /** Never rejects; a lock that may be left stays on record. */
  async #release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    if (lock === null) return;
    try {
      await step(this.#context, 'unlock', this.#path, () => releaseLock(this.#context, this.#path, lock));
    } catch (error) {
      if (error instanceof TowlineError) return;
      throw error;
    }
    await lock.gone();
  }

  async discard(): Promise<boolean> {
    await Promise.all(this.#writing);
    await this.#release();
    try {
      return await step(this.#context, 'discard', this.#path, () => {
        if (!this.#published) this.#context.tree.unlink(this.#temp);
        return true;
      });
    } catch (error) {
      if (error instanceof TowlineError) return false;
      throw error;
    }
  }
}

export function taken(path: string): TowlineError {
  return new TowlineError('exists', `something is at ${path} already`, { path });
}
