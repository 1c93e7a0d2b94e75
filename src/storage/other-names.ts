/** What the other side calls things: the names in its directories, by the key under which a folding side finds them. */
import { hasCode, TowlineError } from '../core/errors.js';
import { collision, type Folding, foldedKey, groupsOf, respellings } from '../core/fold.js';
import { join, nameOf } from '../core/path.js';
import type { ScanRequest, Storage } from '../ports.js';

/** All names in a directory that can be carried, without our own; none where there is no such directory. */
export async function namesIn(
  storage: Pick<Storage, 'scan'>,
  directory: string,
  signal?: AbortSignal,
  isExcluded: ScanRequest['excludes'] = () => false,
): Promise<string[]> {
  const names: string[] = [];
  const excludes: ScanRequest['excludes'] = (path, kind) => {
    if (!isExcluded(path, kind)) names.push(nameOf(path));
    // Only the names are wanted: nothing is looked into.
    return true;
  };
  try {
    const scan = storage.scan({ under: directory, excludes, ...(signal === undefined ? {} : { signal }) });
    // Nothing comes out of it but temps of ours.
    const items = scan[Symbol.asyncIterator]();
    while ((await items.next()).done !== true);
  } catch (error) {
    // Below what is no directory there is nothing.
    if (hasCode(error, 'not-found', 'changed')) return [];
    throw error;
  }
  return names;
}

/** How the other side spells a path that the folding side was asked about. */
export type Spelled =
  /** In the same way, or it has nothing of the kind. */
  | { readonly type: 'same' }
  /** In another way: what is found by this path is something else's. */
  | { readonly type: 'other' }
  | { readonly type: 'unclear'; readonly error: TowlineError };

/** The other side as it is now: every directory is listed once. */
export class OtherNames {
  readonly #other: Pick<Storage, 'scan'>;
  readonly #folding: Folding;
  readonly #excludes: ScanRequest['excludes'];
  readonly #signal: AbortSignal | undefined;
  readonly #listed = new Map<string, Promise<ReadonlyMap<string, readonly string[]>>>();

  /** @param excludes what is excluded collides with nothing */
  constructor(
    other: Pick<Storage, 'scan'>,
    folding: Folding,
    excludes: ScanRequest['excludes'],
    signal?: AbortSignal,
  ) {
    this.#other = other;
    this.#folding = folding;
    this.#excludes = excludes;
    this.#signal = signal;
  }

  /** Looks at one component after the other, from the root. */
  async spelled(path: string): Promise<Spelled> {
    let at = '';
    for (const name of path.split('/')) {
      let group: readonly string[] | undefined;
      try {
        group = (await this.#groups(at)).get(foldedKey(name, this.#folding));
      } catch (error) {
        if (!(error instanceof TowlineError) || hasCode(error, 'network', 'interrupted')) throw error;
        return { type: 'unclear', error };
      }
      at = join(at, name);
      if (group === undefined) return { type: 'same' };
      if (group.length > 1) return { type: 'unclear', error: collision(at, group) };
      if (group[0] !== name) return { type: 'other' };
    }
    return { type: 'same' };
  }

  #groups(directory: string): Promise<ReadonlyMap<string, readonly string[]>> {
    let listed = this.#listed.get(directory);
    if (listed === undefined) {
      listed = namesIn(this.#other, directory, this.#signal, this.#excludes).then((names) =>
        groupsOf(names, this.#folding),
      );
      this.#listed.set(directory, listed);
    }
    return listed;
  }
}

/** For `ScanRequest.spelling` of a folding side. Excluded names count: what they stand for is excluded too. */
export function spellingBy(
  other: Pick<Storage, 'scan'>,
  folding: Folding,
  signal?: AbortSignal,
): NonNullable<ScanRequest['spelling']> {
  return async (directory, names) => {
    if (names.length === 0) return new Map();
    return respellings(names, await namesIn(other, directory, signal), folding);
  };
}
