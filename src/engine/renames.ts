import { ancestorsOf } from '../core/path.js';
import type { Moved } from './moves.js';

/** What a batch renamed on either side instead of carrying it over. */
export class Renames {
  readonly #from = new Set<string>();
  readonly #to = new Set<string>();

  /** The old names. */
  get from(): ReadonlySet<string> {
    return this.#from;
  }

  add({ from, to }: Moved): void {
    this.#from.add(from);
    this.#to.add(to);
  }

  /** Whether this path, or a directory above it, was renamed. */
  tookAway(path: string): boolean {
    return isAtOrBelow(this.#from, path);
  }

  /** Whether a directory above this path came by its name so. */
  broughtAbove(path: string): boolean {
    return this.#to.size > 0 && ancestorsOf(path).some((above) => this.#to.has(above));
  }
}

function isAtOrBelow(names: ReadonlySet<string>, path: string): boolean {
  if (names.size === 0) return false;
  return names.has(path) || ancestorsOf(path).some((above) => names.has(above));
}
