import { ancestorsOf } from '../core/path.js';
import type { AgentListener } from './events.js';
import type { Deletion, Keeper } from './found-deletions.js';

/** Directories named in a scan: of more it is said that there are more. */
const namedMax = 10;

/**
 * What stays although it was to go, as the last comparison of everything found it: directories that hold something excluded,
 * left out, no entry, or changed by others, and the last of these. Each directory is told of once.
 */
export class Staying {
  #paths = new Set<string>();
  #told = new Set<string>();

  /** Whether it is known to stay: it is counted already, and nothing to be deleted. */
  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** A comparison of everything, or of what is below a directory, found these. */
  found(paths: readonly string[], everything: boolean): void {
    if (everything) {
      this.#paths = new Set(paths);
      this.#told = new Set([...this.#told].filter((path) => this.#paths.has(path)));
    } else for (const path of paths) this.#paths.add(path);
  }

  /** Tells of directories that stay, outermost ones only. */
  tell(deletions: readonly Deletion[], emit: AgentListener): void {
    const untold = deletions.filter(
      // What is in the way of something else is a problem, and told as that.
      ({ path, kept, replacement }) => replacement === null && kept.length > 0 && !this.#told.has(path),
    );
    const more = untold.length > namedMax ? ` (and ${String(untold.length - namedMax)} more)` : '';
    untold.forEach(({ path, keeper }, index) => {
      this.#told.add(path);
      const why = keeper === null ? '' : keeperText(keeper);
      if (index < namedMax) emit(notice(path, index === namedMax - 1 ? `${why}${more}` : why));
    });
  }

  /** A deletion came across these. @returns how many of them nobody knew of */
  met(directories: readonly string[], emit: AgentListener): number {
    const unknown = directories.filter((path) => !this.#paths.has(path));
    const all = new Set(directories);
    for (const path of directories) {
      if (this.#told.has(path) || ancestorsOf(path).some((above) => all.has(above))) continue;
      this.#told.add(path);
      emit(notice(path, 'it holds something that is excluded, changed by others or cannot be synced'));
    }
    this.found(unknown, false);
    return unknown.length;
  }
}

function keeperText({ path, why }: Keeper): string {
  switch (why) {
    case 'excluded':
      return `'${path}' is excluded`;
    case 'left out':
      return `'${path}' is left out`;
    case 'no entry':
      return `'${path}' cannot be synced`;
    case 'changed by others':
      return `'${path}' was changed by others`;
  }
}

function notice(path: string, why: string): Parameters<AgentListener>[0] {
  return {
    type: 'notice',
    level: 'info',
    code: 'kept-directory',
    path,
    message: `'${path}' is not deleted: ${why}`,
  };
}
