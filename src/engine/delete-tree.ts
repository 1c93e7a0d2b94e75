import { type Entry, type Kind, otherSide, type Side } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { ancestorsOf, parentOf } from '../core/path.js';
import { isMirror } from '../core/policy.js';
import type { Storage } from '../ports.js';
import { Agreement } from './agreement.js';
import { isLeftOut, isOversize } from './left-out.js';
import { locking } from './locks.js';
import { type Context, storageOf } from './context.js';

/** Files listed before the first of them are removed: bounds the memory of a deletion, not its size. */
const listedMax = 20_000;

export interface TreeDeleted {
  /** Paths removed. */
  readonly deleted: number;
  /** Directories that stay, since they hold something that is excluded, no entry, or not agreed on. */
  readonly kept: readonly string[];
  /** What stays since the sides never agreed on it as it is (engine/agreement.ts): changed after the other side lost it, or new. */
  readonly disagreed: readonly string[];
}

/**
 * Removes `path` and what is below it from `side`, the other side having lost it (or having something else there).
 * Every path is looked at again right before it goes; excluded content stays, and the directories above it with it.
 * The base forgets what went.
 * @param why `gone`: the other side has nothing at the path; `replaced`: it has something that is no directory
 * @throws `changed` when that is not so (any more); whatever a removal throws
 */
export async function deleteTree(
  context: Context,
  side: Side,
  path: string,
  top: Entry,
  why: 'gone' | 'replaced',
): Promise<TreeDeleted> {
  const storage = storageOf(context, side);
  const source = storageOf(context, otherSide(side));
  const check = () => requireLost(source, path, why);
  await check();
  const agreed = new Agreement(context, side);
  if (top.kind !== 'directory') {
    if (!(await agreed.isOn(path, top))) {
      // As if the sides had never agreed on it: it is new to the side that lost it.
      if (!isMirror(context.settings.mode)) await context.ledger.commit(path, null);
      return { deleted: 0, kept: [], disagreed: [path] };
    }
    await locking(context, side, path, top, (lock) => storage.remove(path, top, lock));
    context.deletions.removed(path);
    await context.ledger.commit(path, null);
    return { deleted: 1, kept: [], disagreed: [] };
  }
  const work = new TreeDeletion(context, side, check, path, agreed);
  const result = await work.run(top);
  if (isMirror(context.settings.mode)) {
    // What others changed there is to be known as changed by the next scan too.
    await forgetBelow(context, path, new Set([...result.kept, ...result.disagreed]));
    if (!result.kept.includes(path)) await context.ledger.commit(path, null);
    return result;
  }
  // A folder that lives on for what is new in it is new itself to the side that lost it.
  const reborn = new Set(result.disagreed.flatMap((one) => [...ancestorsOf(one), one]));
  const kept = result.kept.filter((one) => !reborn.has(one));
  await forgetBelow(context, path, new Set(kept));
  if (!kept.includes(path)) await context.ledger.commit(path, null);
  return { ...result, kept };
}

/** Drops the base rows below a path that no side (or only the one that keeps it) has any more. */
export async function forgetBelow(
  context: Context,
  path: string,
  except?: ReadonlySet<string>,
): Promise<void> {
  for await (const rows of context.state.base.scan(path, context.signal)) {
    const gone = rows.filter((row) => except?.has(row.path) !== true);
    await context.state.base.commit(gone.map((row) => ({ path: row.path, pair: null })));
  }
}

/** How many paths a deletion takes, as far as the base knows: without those that are known to stay. */
export async function countGoing({ state, staying, signal }: Context, path: string): Promise<number> {
  let count = staying.has(path) ? 0 : 1;
  for await (const rows of state.base.scan(path, signal))
    count += rows.filter((row) => !staying.has(row.path)).length;
  return count;
}

/** The source still lacks what is to be deleted, and its folder is there to say so. */
async function requireLost(source: Storage, path: string, why: 'gone' | 'replaced'): Promise<void> {
  const [seen, above, root] = await source.observe([path, parentOf(path) ?? '', '']);
  if (seen instanceof TowlineError) throw seen;
  if (above instanceof TowlineError) throw above;
  if (root === null || root instanceof TowlineError) {
    throw new TowlineError('changed', 'the source folder is gone: what it lacks cannot be told', { path });
  }
  const lost = why === 'gone' ? seen === null : seen !== null && seen?.kind !== 'directory';
  if (!lost) throw new TowlineError('changed', `'${path}' changed at the source meanwhile`, { path });
}

class TreeDeletion {
  readonly #context: Context;
  readonly #side: Side;
  readonly #storage: Storage;
  readonly #check: () => Promise<void>;
  readonly #path: string;
  readonly #agreed: Agreement;
  #disagreed = new Set<string>();
  #directories: { path: string; entry: Entry }[] = [];
  #files: { path: string; entry: Entry }[] = [];
  #deleted = 0;
  /** Directories that cannot go, with all that lie above them. */
  readonly #blocked = new Set<string>();
  /** Directories that we gave ourselves access to, as they were before. */
  readonly #opened = new Map<string, Entry>();

  constructor(context: Context, side: Side, check: () => Promise<void>, path: string, agreed: Agreement) {
    this.#context = context;
    this.#side = side;
    this.#storage = storageOf(context, side);
    this.#check = check;
    this.#path = path;
    this.#agreed = agreed;
  }

  async run(top: Entry): Promise<TreeDeleted> {
    await this.#open({ path: this.#path, entry: top });
    const temps = await this.#list(top);
    await this.#removeFiles();
    // A temp in a directory that goes has no destination any more, whoever made it.
    if (temps.length > 0) await this.#storage.removeTemps(temps);
    await this.#removeDirectories();
    await this.#closeKept();
    return { deleted: this.#deleted, kept: [...this.#blocked], disagreed: [...this.#disagreed] };
  }

  /** Notes what lies below; again from the start after each directory that could only be listed once it was opened. */
  async #list(top: Entry): Promise<string[]> {
    const { signal } = this.#context;
    const excludes = (path: string, kind: Kind) => isLeftOut(this.#context, this.#side, path, kind);
    for (;;) {
      const temps: string[] = [];
      let failure: { readonly path: string; readonly error: TowlineError } | null = null;
      this.#directories = [{ path: this.#path, entry: top }];
      this.#files = [];
      for await (const batch of this.#storage.scan({ under: this.#path, excludes, signal })) {
        const disagreed = await this.#agreed.notOn(batch);
        for (const item of batch) {
          if (item.type === 'temp') temps.push(item.path);
          else if (item.type === 'failure') failure ??= item;
          else if (item.type === 'skipped') this.#block(parentOf(item.path));
          else if (isOversize(this.#context, item.entry)) this.#block(parentOf(item.path));
          else if (this.#isSpared(item.path)) continue;
          else if (disagreed.has(item.path)) this.#keep(item);
          else if (item.entry.kind === 'directory') this.#directories.push(item);
          else this.#files.push(item);
        }
        if (this.#files.length >= listedMax) await this.#removeFiles();
      }
      if (failure === null) return temps;
      const { path, error } = failure;
      const directory = this.#directories.find((one) => one.path === path);
      if (directory === undefined || !(await this.#open(directory))) throw error;
    }
  }

  /** What others put in the place of something else stays in one piece, as a scan decides it (core/action.ts `sparesBelow`). */
  #isSpared(path: string): boolean {
    if (!isMirror(this.#context.settings.mode)) return false;
    return ancestorsOf(path).some((above) => this.#disagreed.has(above));
  }

  /** It is not what the sides agreed on: it stays, and what is above it. */
  #keep({ path, entry }: { path: string; entry: Entry }): void {
    this.#disagreed.add(path);
    this.#block(entry.kind === 'directory' ? path : parentOf(path));
    if (entry.kind === 'directory') this.#directories.push({ path, entry });
  }

  /** Lets us list and change a directory that is to go, where its mode does not. Returns whether anything was changed. */
  async #open({ path, entry }: { path: string; entry: Entry }): Promise<boolean> {
    if (!this.#storage.capabilities.modes) return false;
    if ((entry.mode & 0o700) === 0o700 || this.#opened.has(path)) return false;
    try {
      await this.#storage.setMetadata(path, entry, { mode: entry.mode | 0o700 });
    } catch (error) {
      // Not ours: whether it can be changed all the same shows when it is.
      if (hasCode(error, 'permission', 'unsupported', 'changed', 'not-found')) return false;
      throw error;
    }
    this.#opened.set(path, entry);
    return true;
  }

  /** What stays gets back the mode it had. */
  async #closeKept(): Promise<void> {
    for (const [path, entry] of this.#opened) {
      if (this.#blocked.has(path)) await this.#storage.setMetadata(path, entry, { mode: entry.mode });
    }
  }

  async #removeFiles(): Promise<void> {
    const files = this.#files;
    this.#files = [];
    await this.#check();
    for (const directory of this.#directories) await this.#open(directory);
    const failures: unknown[] = [];
    await Promise.all(
      chunks(files, 256).map(async (chunk) => {
        for (const { path, entry } of chunk) {
          try {
            await this.#remove(path, entry);
          } catch (error) {
            failures.push(error);
            return;
          }
        }
      }),
    );
    if (failures.length > 0) throw failures[0];
  }

  /** Deepest first, each depth in one go. */
  async #removeDirectories(): Promise<void> {
    const byDepth = new Map<number, { path: string; entry: Entry }[]>();
    for (const directory of this.#directories) {
      const depth = directory.path.split('/').length;
      const level = byDepth.get(depth);
      if (level === undefined) byDepth.set(depth, [directory]);
      else level.push(directory);
    }
    for (const depth of [...byDepth.keys()].sort((a, b) => b - a)) {
      const level = byDepth.get(depth)!.filter(({ path }) => !this.#blocked.has(path));
      await Promise.all(chunks(level, 32).map((chunk) => this.#removeLevel(chunk)));
    }
  }

  async #removeLevel(directories: readonly { path: string; entry: Entry }[]): Promise<void> {
    for (const { path, entry } of directories) {
      try {
        await this.#remove(path, entry);
      } catch (error) {
        if (!hasCode(error, 'not-empty')) throw error;
        this.#block(path);
      }
    }
  }

  async #remove(path: string, entry: Entry): Promise<void> {
    await locking(this.#context, this.#side, path, entry, (lock) => this.#storage.remove(path, entry, lock));
    this.#context.deletions.removed(path);
    this.#deleted++;
  }

  #block(path: string | null): void {
    for (let at = path; at !== null && at.length >= this.#path.length; at = parentOf(at))
      this.#blocked.add(at);
  }
}

/** Splits into `count` parts at most, for as many workers. */
function chunks<T>(items: readonly T[], count: number): T[][] {
  const size = Math.max(1, Math.ceil(items.length / count));
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
