/** Who wrote what, and what must not be lost. */
import type { Seen, Tree } from './walk-tree.js';
import type { Side } from './wire.js';

/** Whether both sides had agreed on what was replaced (`just so`), on something else there, or on nothing. */
export type Agreed = 'just so' | 'once' | 'never';

/** A content, and the last who gave it a place. */
export interface Version {
  author: Side;
  atMs: number;
  /** What was replaced by it, at any time before, where both sides had agreed on that. */
  readonly ancestors: Set<string>;
  /** The sides on which somebody removed or replaced it, and nobody put it back. */
  readonly goneFrom: Set<Side>;
  /** The path where it took the place of what both sides had agreed on, if it did. */
  driftAt: string | null;
}

/** What tells one content from all others; `null`: everybody has that one (no content at all). */
export function keyOf({ kind, content }: Seen): string | null {
  return kind === 'directory' || content === '' ? null : `${kind} ${content}`;
}

export function keysOf(...trees: readonly Tree[]): Set<string> {
  const keys = new Set<string>();
  for (const tree of trees) {
    for (const seen of tree.values()) {
      const key = keyOf(seen);
      if (key !== null) keys.add(key);
    }
  }
  return keys;
}

/** How often each content is there. */
function countsOf(tree: Tree): Map<string, number> {
  const counts = new Map<string, number>();
  for (const seen of tree.values()) {
    const key = keyOf(seen);
    if (key !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

export class Versions {
  readonly #known = new Map<string, Version>();
  /** What nobody who had seen it removed or replaced: it has to be somewhere. */
  readonly #owed = new Set<string>();

  get(key: string): Version | undefined {
    return this.#known.get(key);
  }

  isOwed(key: string): boolean {
    return this.#owed.has(key);
  }

  get owed(): ReadonlySet<string> {
    return this.#owed;
  }

  /** It went as it may go. */
  forgive(key: string): void {
    this.#owed.delete(key);
  }

  /** A whole side is gone: whoever looks meanwhile may forget what was agreed on. */
  forgetDrift(side: Side): void {
    for (const version of this.#known.values()) if (version.author === side) version.driftAt = null;
  }

  /**
   * Somebody changed a side.
   * @param agreedOn what the agent knew of a path
   * @param isOutdated whether both sides agreed on just this, and the other one lacks it or has something newer: then nobody can tell it
   *   from what never went
   */
  learn(
    side: Side,
    before: Tree,
    after: Tree,
    atMs: number,
    agreedOn: (path: string) => Agreed,
    isOutdated: (path: string, seen: Seen) => boolean,
  ): void {
    const [was, is] = [countsOf(before), countsOf(after)];
    for (const [path, seen] of after) {
      const key = keyOf(seen);
      const old = before.get(path);
      const replaced = old === undefined ? null : keyOf(old);
      if (key === null || key === replaced) continue;
      // What was taken away and put back is new there: the agent may have seen that nothing was left.
      const isBack = this.#known.get(key)?.goneFrom.has(side) === true;
      const version = this.#place(key, side, atMs, isBack || agreedOn(path) === 'never' ? null : path);
      // Otherwise nobody could know which of the two is the older one.
      if (replaced !== null && agreedOn(path) === 'just so') {
        version.ancestors.add(replaced);
        for (const ancestor of this.#known.get(replaced)?.ancestors ?? []) version.ancestors.add(ancestor);
      }
      // What was only moved is owed as it was before: its folder may have been moved while others removed it.
      if (was.has(key)) continue;
      version.goneFrom.delete(side);
      if (version.goneFrom.size === 0 && !isOutdated(path, seen)) this.#owed.add(key);
    }
    for (const [key, count] of was) {
      const left = is.get(key) ?? 0;
      // One of two copies may be where it was moved from, as the other side knows it, and go by itself.
      if (left < count) this.#owed.delete(key);
      if (left === 0) this.#known.get(key)?.goneFrom.add(side);
    }
  }

  #place(key: string, author: Side, atMs: number, driftAt: string | null): Version {
    const version = this.#known.get(key);
    if (version !== undefined) return Object.assign(version, { author, atMs, driftAt });
    const made: Version = { author, atMs, driftAt, ancestors: new Set(), goneFrom: new Set() };
    this.#known.set(key, made);
    return made;
  }
}
