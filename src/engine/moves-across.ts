import type { Change } from '../core/action.js';
import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { ancestorsOf, isBelow } from '../core/path.js';
import { commonHash, isInTheWay, isSurely, type Lost, lostThere, stillMoved } from './across-proof.js';
import { adopted } from './applied.js';
import type { Holder } from './claims.js';
import { hashOf, type Undecided } from './contents.js';
import { type Context, deletingSides } from './context.js';
import { moveFolder } from './folder-across.js';
import type { Moved } from './moves.js';

/** Many files may bear one size and time: how many are known by it, and how many of them are looked at for one new name. */
const knownMax = 64;
const triedMax = 8;
/** A new folder is known again by some of its files; to find them so many entries of it are listed, at most. */
const filesMax = 8;
const listedMax = 1_000;

type NewFile = Extract<Change, { type: 'upload' | 'download' }> & { readonly type: 'download' };
type NewFolder = Extract<Change, { type: 'make-directory' }>;
type Below = Pick<NewFile, 'path'> & { readonly source: Pick<Entry, 'size' | 'mtimeMs'> };

/**
 * Renames here what was renamed on the remote side instead of fetching it: SFTP tells no inodes, so it is known by size and
 * time, which a rename keeps, and then by its content. As a rename takes the old name away, it takes `delete`. A folder is
 * known by its files; where it cannot be renamed as a whole, they are one by one.
 */
export class MovesAcross {
  readonly #context: Context;
  readonly #holder: Holder;
  /** Found to be there still: others of their size and time need not ask again. */
  readonly #present = new Set<string>();
  #isPossible: Promise<boolean> | null = null;
  #isFirst: Promise<boolean> | null = null;
  /** What comes with the new folders, as far as it is known: the first files below each. */
  #below = new Map<string, NewFile[]>();

  constructor(context: Context, holder: Holder) {
    this.#context = context;
    this.#holder = holder;
  }

  /** Takes note of what is about to be done, in the order of paths: that need not be listed. */
  expect(work: readonly (Change | Undecided)[]): void {
    this.#below = new Map();
    if (!this.#mayMove()) return;
    for (const item of work) {
      for (const above of ancestorsOf(item.path)) {
        const files = this.#below.get(above) ?? [];
        if (isNewFile(item) && files.length < filesMax) files.push(item);
        this.#below.set(above, files);
      }
    }
  }

  /** @returns `null` when it is no move, or that cannot be told without its content: it is fetched then */
  async try(change: Change): Promise<Moved | null> {
    const isFolder = isNewFolder(change);
    if (!isFolder && !isNewFile(change)) return null;
    if (!this.#mayMove() || (await this.#isFirstTime())) return null;
    return isFolder ? this.#folder(change) : this.#file(change);
  }

  async #file(change: NewFile): Promise<Moved | null> {
    const { path: to, source } = change;
    const known = await this.#known(change);
    const left = known.filter((from) => from !== to && !this.#present.has(from));
    // In a directory that was renamed the names are the same from some point on.
    if (left.length > 1) left.sort((a, b) => sharedEnd(b, to) - sharedEnd(a, to));
    const hash = once(() => hashOf(this.#context, 'remote', to, source.size));
    for (const from of left.slice(0, triedMax)) {
      const moved = await this.#claimed(from, (old) => this.#moveFile(from, change, old, hash));
      if (moved !== null) return moved;
    }
    return null;
  }

  async #folder({ path: to, source }: NewFolder): Promise<Moved | null> {
    const tried = new Set<string>();
    for (const file of await this.#filesBelow(to)) {
      const end = file.path.slice(to.length);
      const known = (await this.#known(file)).filter((path) => path.endsWith(end));
      for (const from of known.map((path) => path.slice(0, -end.length))) {
        if (from === to || isBelow(from, to) || isBelow(to, from)) continue;
        if (tried.has(from) || tried.size >= triedMax || this.#present.has(from)) continue;
        tried.add(from);
        const move = (old: Lost) => moveFolder(this.#context, from, to, source, old);
        const moved = await this.#claimed(from, move, 'directory');
        if (moved !== null) return moved;
      }
    }
    return null;
  }

  /** Paths that were recorded with this size and time. */
  #known({ source: { size, mtimeMs } }: Below): Promise<string[]> {
    return this.#context.state.base.byRemoteRevision(size, mtimeMs, knownMax);
  }

  /** What is to be fetched below a folder, or (where nothing of it is known yet) what is there. */
  async #filesBelow(folder: string): Promise<readonly Below[]> {
    const expected = this.#below.get(folder);
    if (expected !== undefined) return expected;
    const { remote, signal } = this.#context;
    const files: Below[] = [];
    let listed = 0;
    try {
      for await (const batch of remote.scan({ under: folder, excludes: () => false, signal })) {
        for (const item of batch) {
          if (item.type !== 'entry' || item.entry.kind !== 'file' || item.entry.size === 0) continue;
          if (files.length < filesMax) files.push({ path: item.path, source: item.entry });
        }
        listed += batch.length;
        if (files.length >= filesMax || listed >= listedMax) break;
      }
    } catch (error) {
      if (!isInTheWay(error)) throw error;
    }
    return files;
  }

  /** Does something about what was lost under the old name, while nobody else may. */
  async #claimed(
    from: string,
    move: (old: Lost) => Promise<Moved | null>,
    kind: Entry['kind'] = 'file',
  ): Promise<Moved | null> {
    const { claims } = this.#context;
    if (!claims.claim(from, this.#holder)) return null;
    try {
      const old = await lostThere(this.#context, from);
      if (old === 'present') this.#present.add(from);
      if (old === 'present' || old?.here.kind !== kind || !(await this.#canHash())) return null;
      return await move(old);
    } finally {
      claims.release(from, this.#holder);
    }
  }

  /** Nothing was known when this began: what is recorded meanwhile was not renamed. */
  #isFirstTime(): Promise<boolean> {
    this.#isFirst ??= this.#context.state.base.count().then((count) => count === 0);
    return this.#isFirst;
  }

  /** What was recorded in another mode says nothing of who lost what since. */
  #mayMove(): boolean {
    const { settings, otherMode } = this.#context;
    if (!settings.delete || settings.force || otherMode.was) return false;
    return deletingSides(settings).includes('remote');
  }

  /** Where the server cannot hash, reading a file to know it would cost what fetching it costs. */
  #canHash(): Promise<boolean> {
    const { remote, signal } = this.#context;
    this.#isPossible ??= remote.hashInPlace([], signal).then((hashes) => hashes !== null);
    return this.#isPossible;
  }

  async #moveFile(
    from: string,
    { path: to, source }: NewFile,
    { base, here }: Lost,
    theirs: () => Promise<string>,
  ): Promise<Moved | null> {
    if (!sameRevision(base.remote, source)) return null;
    const { local, ledger, clock } = this.#context;
    let made: Entry;
    let there: Entry | null;
    try {
      const hash = await commonHash(this.#context, from, base, isSurely(here, base), theirs);
      there = hash === null ? null : await stillMoved(this.#context, from, to, source);
      if (hash === null || there === null) return null;
      made = { ...(await local.move(from, to, here)), hash };
    } catch (error) {
      if (isInTheWay(error)) return null;
      throw error;
    }
    // The modes the sides agreed on: another one is carried over by itself.
    const ours = { ...made, mode: base.local.mode };
    const remote = { ...there, mode: base.remote.mode };
    await Promise.all([ledger.commit(to, adopted(ours, remote, clock.now())), ledger.commit(from, null)]);
    const sameModes = made.mode === base.local.mode && there.mode === base.remote.mode;
    return { side: 'local', from, to, paths: 1, again: sameModes ? [] : [to] };
  }
}

/** An empty file is as quickly made as renamed, and is like every other one. */
function isNewFile(change: Change | Undecided): change is NewFile {
  if (change.type !== 'download' || change.destination !== null) return false;
  return change.source.kind === 'file' && change.source.size > 0;
}

function isNewFolder(change: Change): change is NewFolder {
  return change.type === 'make-directory' && change.side === 'local' && change.destination === null;
}

/** How many components two paths have in common at their ends. */
function sharedEnd(a: string, b: string): number {
  const [one, other] = [a.split('/').reverse(), b.split('/').reverse()];
  const differing = one.findIndex((name, index) => name !== other[index]);
  return differing === -1 ? one.length : differing;
}

/** Asks at the first call, and gives every caller that answer. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => (answer ??= ask());
}
