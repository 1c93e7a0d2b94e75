import { comparePaths } from '../core/path.js';
import { type Changed, changedPathsMax } from './tally.js';

/** Paths without repetition, as many as are kept. */
export class ChangedPaths {
  readonly #paths = new Set<string>();
  #omitted = 0;

  get empty(): boolean {
    return this.#paths.size + this.#omitted === 0;
  }

  get value(): Changed {
    return { paths: [...this.#paths].sort(comparePaths), omitted: this.#omitted };
  }

  add({ paths, omitted }: Changed): void {
    this.#omitted += omitted;
    for (const path of paths) {
      if (this.#paths.has(path)) continue;
      if (this.#paths.size < changedPathsMax) this.#paths.add(path);
      else this.#omitted++;
    }
  }
}

/** One path per line; a name that holds a newline would be read as two, and is only counted. */
export function inputOf({ paths, omitted }: Changed): { stdin: string; omitted: number } {
  const lines = paths.filter((path) => !path.includes('\n'));
  const stdin = lines.map((path) => `${path}\n`).join('');
  return { stdin, omitted: omitted + paths.length - lines.length };
}
