import type { Change } from '../core/action.js';
import { sameRevision } from '../core/compare.js';
import type { BasePair, Entry } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { parentOf } from '../core/path.js';
import { sameIdentity } from '../core/view.js';
import { adopted } from './applied.js';
import type { Holder } from './claims.js';
import { hashOf } from './contents.js';
import { type Context, deletingSides } from './context.js';
import { isLeftOut } from './left-out.js';
import type { Moved } from './moves.js';

/** Many files may bear one size and time: how many are known by it, and how many of them are looked at for one new name. */
const knownMax = 64;
const triedMax = 8;

type Download = Extract<Change, { type: 'upload' | 'download' }> & { readonly type: 'download' };

/**
 * Renames here what was renamed on the remote side instead of fetching it: SFTP tells no inodes, so it is known by size and
 * time, which a rename keeps, and then by its content. As a rename takes the old name away, it takes `delete`. Files only,
 * one by one: those of a directory that was renamed too.
 */
export class MovesAcross {
  readonly #context: Context;
  readonly #holder: Holder;
  /** Found to be there still: others of their size and time need not ask again. */
  readonly #present = new Set<string>();
  #isPossible: Promise<boolean> | null = null;
  #isFirst: Promise<boolean> | null = null;

  constructor(context: Context, holder: Holder) {
    this.#context = context;
    this.#holder = holder;
  }

  /** @returns `null` when it is no move, or that cannot be told without its content: it is fetched then */
  async try(change: Change): Promise<Moved | null> {
    if (!isNewFile(change) || !this.#mayMove() || (await this.#isFirstTime())) return null;
    const { size, mtimeMs } = change.source;
    const { state, claims } = this.#context;
    const known = await state.base.byRemoteRevision(size, mtimeMs, knownMax);
    const hash = once(() => hashOf(this.#context, 'remote', change.path, size));
    for (const from of this.#likeliest(known, change.path)) {
      if (!claims.claim(from, this.#holder)) continue;
      try {
        const moved = await this.#move(from, change, hash);
        if (moved !== null) return moved;
      } finally {
        claims.release(from, this.#holder);
      }
    }
    return null;
  }

  /** In a directory that was renamed the names are the same from some point on. */
  #likeliest(known: readonly string[], to: string): string[] {
    const left = known.filter((from) => from !== to && !this.#present.has(from));
    if (left.length > 1) left.sort((a, b) => sharedEnd(b, to) - sharedEnd(a, to));
    return left.slice(0, triedMax);
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

  async #move(
    from: string,
    { path: to, source }: Download,
    theirs: () => Promise<string>,
  ): Promise<Moved | null> {
    const old = await this.#lost(from, source);
    if (old === null) return null;
    const { local } = this.#context;
    try {
      const hash = await this.#commonHash(from, old, theirs);
      const there = hash === null ? null : await this.#stillMoved(from, to, source);
      if (hash === null || there === null) return null;
      const made = await local.move(from, to, old.here);
      return await this.#record(from, to, old.base, { ...made, hash }, there);
    } catch (error) {
      // Whoever changed it meanwhile, or may not have it renamed, is in the way of a rename, not of fetching it.
      const isInTheWay = hasCode(
        error,
        'exists',
        'changed',
        'vanished',
        'not-found',
        'permission',
        'protocol',
        'unsupported',
      );
      if (isInTheWay) return null;
      throw error;
    }
  }

  /** What both sides agreed on under the old name and only we still have, unchanged; `null`: that is not so. */
  async #lost(from: string, source: Entry): Promise<{ base: BasePair; here: Entry } | null> {
    const { local, remote, state, filter, signal } = this.#context;
    const [[there], [here], [base], unruled] = await Promise.all([
      remote.observe([from], signal),
      local.observe([from], signal),
      state.base.get([from]),
      filter.ensure([from]),
    ]);
    if (there !== null) {
      this.#present.add(from);
      return null;
    }
    if (base === null || base === undefined || !sameRevision(base.remote, source)) return null;
    // A rename takes the old name away.
    if (unruled.size > 0 || isLeftOut(this.#context, 'local', from, 'file')) return null;
    if (here === null || here === undefined || here instanceof TowlineError) return null;
    if (!sameRevision(here, base.local) || !(await this.#canHash())) return null;
    return { base, here };
  }

  /** Where the server cannot hash, reading a file to know it would cost what fetching it costs. */
  #canHash(): Promise<boolean> {
    const { remote, signal } = this.#context;
    this.#isPossible ??= remote.hashInPlace([], signal).then((hashes) => hashes !== null);
    return this.#isPossible;
  }

  /** The hash of what we have under the old name and the server under the new one; `null` when they differ. */
  async #commonHash(
    from: string,
    { base, here }: { readonly base: BasePair; readonly here: Entry },
    theirs: () => Promise<string>,
  ): Promise<string | null> {
    const agreed = base.local.hash ?? base.remote.hash;
    const isSure = !base.racy && sameIdentity(here, base.local);
    const [ours, hash] = await Promise.all([
      isSure && agreed !== undefined ? agreed : hashOf(this.#context, 'local', from, here.size),
      theirs(),
    ]);
    return ours === hash ? hash : null;
  }

  /** Right before: the new name is what was hashed, and the old one is gone from a folder that can be looked into. */
  async #stillMoved(from: string, to: string, source: Entry): Promise<Entry | null> {
    const { remote, signal } = this.#context;
    const paths = [to, from, parentOf(from) ?? '', ''];
    const [there, old, above, root] = await remote.observe(paths, signal);
    if (above instanceof TowlineError || root === null || root instanceof TowlineError) return null;
    if (old !== null || there instanceof TowlineError || there === undefined) return null;
    return sameRevision(there, source) ? there : null;
  }

  async #record(from: string, to: string, base: BasePair, made: Entry, there: Entry): Promise<Moved> {
    const { ledger, clock } = this.#context;
    // The modes the sides agreed on: another one is carried over by itself.
    const local = { ...made, mode: base.local.mode };
    const remote = { ...there, mode: base.remote.mode };
    await Promise.all([ledger.commit(to, adopted(local, remote, clock.now())), ledger.commit(from, null)]);
    const sameModes = made.mode === base.local.mode && there.mode === base.remote.mode;
    return { side: 'local', from, to, again: sameModes ? [] : [to] };
  }
}

/** An empty file is as quickly made as renamed, and is like every other one. */
function isNewFile(change: Change): change is Download {
  if (change.type !== 'download' || change.destination !== null) return false;
  return change.source.kind === 'file' && change.source.size > 0;
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
