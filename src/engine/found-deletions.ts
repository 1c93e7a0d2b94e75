import { type Change, isDeletion, type Verdict, writtenSide } from '../core/action.js';
import type { Kind, Side, Triple } from '../core/entry.js';
import { ancestorsOf, comparePaths, isBelow, parentOf } from '../core/path.js';

/** A path that is to go from the destination, with all below it (or to make way for something else). */
export interface Deletion {
  readonly path: string;
  /** The side it is to go from. */
  readonly side: Side;
  /** Paths that go with it, itself included: 0 for a directory that stays, with nothing in it that goes. */
  count: number;
  /** The sides never agreed on it, as far as the base knows. */
  readonly unknown: boolean;
  /** The same of something in it. */
  holdsUnknown: boolean;
  /** What is to take the place of a directory. */
  readonly replacement: Change | null;
  /** Directories that stay for what stays in them, the outermost first. */
  kept: readonly string[];
  /** The first thing in it that stays. */
  keeper: Keeper | null;
}

/** What is in a directory that is to go, and does not go with it. */
export interface Keeper {
  readonly path: string;
  readonly why: 'excluded' | 'left out' | 'no entry' | 'changed by others';
}

/** Whether anything comes of it. */
export function goes({ count, replacement }: Deletion): boolean {
  return count > 0 || replacement !== null;
}

/** Directories remembered for what is excluded in them, before those that were passed are forgotten. */
const rememberedMin = 1024;

/**
 * The deletions that a scan comes across, in the order of paths: what is below a directory that goes, goes with it. What stays
 * in it keeps the directories above it too, and these do not count.
 */
export class FoundDeletions {
  readonly list: Deletion[] = [];
  /** Paths that stay in directories that are to go, these directories included: excluded ones are not among them. */
  readonly staying: string[] = [];
  /** The one whose subtree the scan is in, and the directories that were counted for it. */
  #open: Deletion | null = null;
  #directories: string[] = [];
  #keepers: Keeper[] = [];
  /** Directories by the first excluded path seen in them: the sides are listed ahead of what is decided. */
  readonly #excluded = new Map<string, string>();
  #rememberedMax = rememberedMin;

  /** The same filter, which takes down in which directories it excluded something. */
  noting(excludes: (path: string, kind: Kind) => boolean): (path: string, kind: Kind) => boolean {
    return (path, kind) => {
      const excluded = excludes(path, kind);
      const directory = excluded ? parentOf(path) : null;
      if (directory !== null && !this.#excluded.has(directory)) this.#excluded.set(directory, path);
      return excluded;
    };
  }

  /** The directory above `path` that is to go, with all that is in it: what comes after it ends it. */
  above(path: string): Deletion | null {
    if (this.#open !== null && !isBelow(path, this.#open.path)) this.close();
    return this.#open;
  }

  add(change: Change, unknown: boolean): void {
    const { path } = change;
    const above = this.above(path);
    if (above !== null) {
      above.count++;
      above.holdsUnknown ||= unknown;
    } else {
      const replacement = isDeletion(change) ? null : change;
      const side = writtenSide(change);
      const rest = { holdsUnknown: unknown, replacement, kept: [], keeper: null };
      this.#open = { path, side, count: 1, unknown, ...rest };
      this.list.push(this.#open);
    }
    if ('destination' in change && change.destination?.kind === 'directory') this.#directories.push(path);
  }

  /** Takes down what is decided about a path: where it is in a directory that goes, it may stay. */
  decided(verdict: Verdict, { path, ...sides }: Triple): void {
    const above = this.above(path);
    if (above === null || sides[above.side] === null) return;
    if (isDeletion(verdict)) return;
    const leftOut = (verdict.type === 'none' || verdict.type === 'adopt') && verdict.leftOut !== undefined;
    this.stays({ path, why: leftOut ? 'left out' : 'changed by others' });
  }

  /** Something stays, whatever becomes of the directory it is in. */
  stays(keeper: Keeper): void {
    if (this.above(keeper.path) === null) return;
    this.#keepers.push(keeper);
    this.staying.push(keeper.path);
  }

  /** What is below the open one has been seen. */
  close(): void {
    const open = this.#open;
    if (open === null) return;
    for (const directory of this.#directories) {
      const path = this.#excluded.get(directory);
      if (path !== undefined) this.#keepers.push({ path, why: 'excluded' });
    }
    const held = new Set(this.#keepers.flatMap(({ path }) => ancestorsOf(path)));
    open.kept = this.#directories.filter((directory) => held.has(directory));
    open.count -= open.kept.length;
    open.keeper = this.#keepers[0] ?? null;
    this.staying.push(...open.kept);
    this.#open = null;
    this.#directories = [];
    this.#keepers = [];
  }

  /** Everything up to `path` has been decided: what was seen in other directories before it is of no use any more. */
  passed(path: string): void {
    if (this.#excluded.size < this.#rememberedMax) return;
    for (const directory of this.#excluded.keys()) {
      const isOpen =
        this.#open !== null && (directory === this.#open.path || isBelow(directory, this.#open.path));
      if (!isOpen && comparePaths(directory, path) < 0 && !isBelow(path, directory))
        this.#excluded.delete(directory);
    }
    this.#rememberedMax = Math.max(rememberedMin, 2 * this.#excluded.size);
  }
}
