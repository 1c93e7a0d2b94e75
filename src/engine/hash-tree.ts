/** Hashes what is on one side, for callers of the library: where it lies if that can be, else by reading it. */
import { throwIfAborted } from '../core/abort.js';
import { hasCode, TowlineError } from '../core/errors.js';
import { readHash } from '../transfer/read-hash.js';
import type { Throttle } from '../transfer/throttle.js';
import type { Lanes } from './lanes.js';
import { type ListedSide, type ListOptions, listTree } from './list-tree.js';
import { overLostLinks } from './over-lost-links.js';

/** Files hashed in one go where they lie: enough for two commands of a server at once. */
const groupMax = 2_000;
/** A file that changes while it is read is read so often. */
const attemptsMax = 3;

/** How files are hashed. */
export interface HashOptions extends Omit<ListOptions, 'recursive'> {
  /** Called with the number of files hashed so far. */
  readonly progress?: (files: number) => void;
}

/** The side that is hashed, and what reading it takes. */
export interface HashedSide extends ListedSide {
  readonly throttle: Throttle;
  readonly lanes: Lanes;
}

/**
 * SHA-256, hex, of all regular files at or below a path, by their path relative to the root. A file that goes away meanwhile
 * is left out.
 * @throws `not-found`, `name`, `permission`, `changed` (a file that does not hold still), `network`, `interrupted`
 */
export async function hashTree(
  side: HashedSide,
  path: string,
  options: HashOptions = {},
): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  const take = async (group: readonly string[]) => {
    const found = await hashGroup(side, group, options);
    group.forEach((one, index) => {
      const hash = found[index];
      if (typeof hash === 'string') hashes.set(one, hash);
    });
    options.progress?.(hashes.size);
  };
  let group: string[] = [];
  for await (const entry of listTree(side, path, { ...options, recursive: true })) {
    if (entry.kind === 'file') group.push(entry.path);
    if (group.length < groupMax) continue;
    await take(group);
    group = [];
  }
  if (group.length > 0) await take(group);
  return hashes;
}

/** `null`: it went away, or is a problem that was told. */
async function hashGroup(
  side: HashedSide,
  paths: readonly string[],
  options: HashOptions,
): Promise<(string | null)[]> {
  const { signal } = options;
  const files = paths.map((path) => ({ path }));
  const there = await overLostLinks(side.link, signal, () => side.storage.hashInPlace(files, signal));
  // The first failure that counts ends the others.
  const over = new AbortController();
  const until = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const read = paths.map(async (path, index) => {
    const hash = there?.[index];
    if (typeof hash === 'string') return hash;
    try {
      return await side.lanes.run(0, () => hashByReading(side, path, { ...options, signal: until }));
    } catch (error) {
      over.abort(error);
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(read);
  throwIfAborted(signal);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

async function hashByReading(
  side: HashedSide,
  path: string,
  { signal, onProblem }: HashOptions,
): Promise<string | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await overLostLinks(side.link, signal, () => readHash(side, path, signal));
    } catch (error) {
      if (hasCode(error, 'vanished', 'not-found')) return null;
      if (hasCode(error, 'changed') && attempt < attemptsMax) continue;
      const isOfPath = error instanceof TowlineError && !hasCode(error, 'network', 'interrupted');
      if (onProblem === undefined || !isOfPath) throw error;
      onProblem(error);
      return null;
    }
  }
}
