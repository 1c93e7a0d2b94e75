import { ancestorsOf } from '../core/path.js';
import type { Moved } from './moves.js';
import type { Deletion } from './found-deletions.js';

/** What a batch renamed on either side instead of carrying it over. */
export class Renames {
  readonly #from = new Map<string, number>();
  readonly #to = new Set<string>();

  /** The old names, and how many paths went with each. */
  get from(): ReadonlyMap<string, number> {
    return this.#from;
  }

  add({ from, to, paths }: Moved): void {
    this.#from.set(from, paths);
    this.#to.add(to);
  }

  /** Whether this path, or a directory above it, was renamed. */
  tookAway(path: string): boolean {
    return isAtOrBelow(this.#from, path);
  }

  /** Whether a listing made before tells nothing of this path: it was renamed, or a directory above it came by its name so. */
  outdated(path: string): boolean {
    return (
      this.tookAway(path) || (this.#to.size > 0 && ancestorsOf(path).some((above) => this.#to.has(above)))
    );
  }
}

function isAtOrBelow(names: ReadonlyMap<string, number>, path: string): boolean {
  if (names.size === 0) return false;
  return names.has(path) || ancestorsOf(path).some((above) => names.has(above));
}

/** What was renamed does not go: neither by itself, nor with the directory that it was in. */
export function withoutRenamed(deletions: readonly Deletion[], renames: Renames): Deletion[] {
  const left = deletions.filter(({ path }) => !renames.tookAway(path));
  const byPath = new Map(left.map((deletion) => [deletion.path, deletion]));
  for (const [from, paths] of renames.from) {
    for (const above of ancestorsOf(from)) {
      const deletion = byPath.get(above);
      if (deletion !== undefined) deletion.count = Math.max(0, deletion.count - paths);
    }
  }
  return left;
}
