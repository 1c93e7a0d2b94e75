import { type Entry, type Kind, type Side } from '../core/entry.js';
import { type TowlineError, hasCode } from '../core/errors.js';
import { ancestorsOf, parentOf } from '../core/path.js';
import { isMirror } from '../core/policy.js';
import type { Storage } from '../ports.js';
import type { Agreement } from './agreement.js';
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

interface Found {
  readonly path: string;
  readonly entry: Entry;
}

interface Unlisted {
  readonly path: string;
  readonly error: TowlineError;
}

interface Refused extends Found {
  readonly error: TowlineError;
}

/**
 * Removes one directory of `side` with what is below it, for `deleteTree`. A directory that its mode closes is opened for
 * that, but only when it cannot be listed or something in it goes: an attempt that does nothing leaves no trace where it can,
 * since each trace is an event where the side is watched, which would bring the next attempt.
 */
export class TreeDeletion {
  readonly #context: Context;
  readonly #side: Side;
  readonly #storage: Storage;
  readonly #check: () => Promise<void>;
  readonly #path: string;
  readonly #agreed: Agreement;
  #disagreed = new Set<string>();
  #directories: Found[] = [];
  #files: Found[] = [];
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
    const temps = await this.#list(top);
    await this.#removeFiles();
    await this.#openAbove(temps);
    // A temp in a directory that goes has no destination any more, whoever made it.
    if (temps.length > 0) await this.#storage.removeTemps(temps);
    await this.#removeDirectories();
    await this.#closeKept();
    return { deleted: this.#deleted, kept: [...this.#blocked], disagreed: [...this.#disagreed] };
  }

  /** Notes what lies below; again from the start after each directory that could only be listed once it was opened. */
  async #list(top: Entry): Promise<string[]> {
    for (;;) {
      this.#directories = [{ path: this.#path, entry: top }];
      this.#files = [];
      const { temps, failure } = await this.#listOnce();
      if (failure === null) return temps;
      const { path, error } = failure;
      const directory = this.#directories.find((one) => one.path === path);
      if (directory === undefined || !(await this.#open(directory))) throw error;
    }
  }

  /** Up to the end, or to the directory itself, if that cannot be listed. */
  async #listOnce(): Promise<{ temps: string[]; failure: Unlisted | null }> {
    const { signal } = this.#context;
    const excludes = (path: string, kind: Kind) => isLeftOut(this.#context, this.#side, path, kind);
    const temps: string[] = [];
    let failure: Unlisted | null = null;
    try {
      for await (const batch of this.#storage.scan({ under: this.#path, excludes, signal })) {
        const disagreed = await this.#agreed.notOn(batch);
        const excluded = await this.#agreed.maybeExcluded(batch);
        for (const item of batch) {
          if (item.type === 'temp') temps.push(item.path);
          else if (item.type === 'failure') failure ??= item;
          else if (item.type === 'skipped') this.#block(parentOf(item.path));
          else if (isOversize(this.#context, item.entry)) this.#block(parentOf(item.path));
          else if (excluded.has(item.path))
            this.#block(item.entry.kind === 'directory' ? item.path : parentOf(item.path));
          else if (this.#isSpared(item.path)) continue;
          else if (disagreed.has(item.path)) this.#keep(item);
          else if (item.entry.kind === 'directory') this.#directories.push(item);
          else this.#files.push(item);
        }
        if (this.#files.length >= listedMax) await this.#removeFiles();
      }
    } catch (error) {
      if (!hasCode(error, 'permission')) throw error;
      failure ??= { path: this.#path, error };
    }
    return { temps, failure };
  }

  /** What others put in the place of something else stays in one piece, as a scan decides it (core/action.ts `sparesBelow`). */
  #isSpared(path: string): boolean {
    if (!isMirror(this.#context.settings.mode)) return false;
    return ancestorsOf(path).some((above) => this.#disagreed.has(above));
  }

  /** It is not what the sides agreed on: it stays, and what is above it. */
  #keep({ path, entry }: Found): void {
    this.#disagreed.add(path);
    this.#block(entry.kind === 'directory' ? path : parentOf(path));
    if (entry.kind === 'directory') this.#directories.push({ path, entry });
  }

  /** Lets us list and change a directory that is to go, where its mode does not. Returns whether anything was changed. */
  async #open({ path, entry }: Found): Promise<boolean> {
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

  /** Opens the directories in which these are to go. One in which nothing goes is left as it is: a change would be an event. */
  async #openAbove(paths: readonly string[]): Promise<void> {
    const above = new Set(paths.map(parentOf));
    for (const directory of this.#directories) if (above.has(directory.path)) await this.#open(directory);
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
    await this.#openAbove(files.map(({ path }) => path));
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
    const byDepth = new Map<number, Found[]>();
    for (const directory of this.#directories) {
      const depth = directory.path.split('/').length;
      const level = byDepth.get(depth);
      if (level === undefined) byDepth.set(depth, [directory]);
      else level.push(directory);
    }
    for (const depth of [...byDepth.keys()].sort((a, b) => b - a)) {
      const level = byDepth.get(depth)!.filter(({ path }) => !this.#blocked.has(path));
      // Sides look at the directory above first: what is refused there may not even be empty.
      const refused = await this.#emptyOf(await this.#removeLevel(level));
      await this.#openAbove(refused.map(({ path }) => path));
      const [still] = await this.#removeLevel(refused);
      if (still !== undefined) throw still.error;
    }
  }

  /** Returns those for which permission was missing. */
  async #removeLevel(directories: readonly Found[]): Promise<Refused[]> {
    const refused: Refused[] = [];
    const removeOne = async ({ path, entry }: Found) => {
      try {
        await this.#remove(path, entry);
      } catch (error) {
        if (hasCode(error, 'permission')) refused.push({ path, entry, error });
        else if (hasCode(error, 'not-empty')) this.#block(path);
        else throw error;
      }
    };
    await Promise.all(
      chunks(directories, 32).map(async (chunk) => {
        for (const directory of chunk) await removeOne(directory);
      }),
    );
    return refused;
  }

  /** Those that hold nothing; the others stay. */
  async #emptyOf(directories: readonly Refused[]): Promise<Refused[]> {
    const empty: Refused[] = [];
    for (const directory of directories) {
      if (await this.#isEmpty(directory.path)) empty.push(directory);
      else this.#block(directory.path);
    }
    return empty;
  }

  async #isEmpty(under: string): Promise<boolean> {
    const { signal } = this.#context;
    for await (const batch of this.#storage.scan({ under, excludes: () => false, signal }))
      if (batch.length > 0) return false;
    return true;
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
