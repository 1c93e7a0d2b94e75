import { ancestorsOf } from '../core/path.js';

/** Whoever works on paths: a batch or a scan. Compared by identity. */
export type Holder = object;

/**
 * Who works on which path: one operation at a time for a path. A claim on a directory keeps others away from
 * everything below it, and nobody gets a directory while others work below it; the same holder may do both.
 */
export class Claims {
  readonly #holders = new Map<string, { holder: Holder; count: number }>();
  /** How many claims of which holder lie below a directory. */
  readonly #below = new Map<string, Map<Holder, number>>();

  /** Whether `holder` (or anybody, if left out) could claim `path` now. */
  free(path: string, holder?: Holder): boolean {
    const own = this.#holders.get(path);
    if (own !== undefined && own.holder !== holder) return false;
    const below = this.#below.get(path);
    if (below !== undefined && (below.size > 1 || holder === undefined || !below.has(holder))) return false;
    for (const ancestor of ancestorsOf(path)) {
      const above = this.#holders.get(ancestor);
      if (above !== undefined && above.holder !== holder) return false;
    }
    return true;
  }

  /** Takes `path` for `holder`; false, and nothing taken, when others are in the way. */
  claim(path: string, holder: Holder): boolean {
    if (!this.free(path, holder)) return false;
    const own = this.#holders.get(path);
    if (own === undefined) this.#holders.set(path, { holder, count: 1 });
    else own.count++;
    for (const ancestor of ancestorsOf(path)) this.#count(ancestor, holder, 1);
    return true;
  }

  /** Gives back one claim of `holder` on `path`. */
  release(path: string, holder: Holder): void {
    const own = this.#holders.get(path);
    if (own?.holder !== holder) return;
    own.count--;
    if (own.count === 0) this.#holders.delete(path);
    for (const ancestor of ancestorsOf(path)) this.#count(ancestor, holder, -1);
  }

  get size(): number {
    return this.#holders.size;
  }

  #count(directory: string, holder: Holder, by: number): void {
    let counts = this.#below.get(directory);
    if (counts === undefined) this.#below.set(directory, (counts = new Map<Holder, number>()));
    const now = (counts.get(holder) ?? 0) + by;
    if (now > 0) counts.set(holder, now);
    else counts.delete(holder);
    if (counts.size === 0) this.#below.delete(directory);
  }
}
