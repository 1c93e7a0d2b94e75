/** Compares what was carried by the hashes of both sides, made where the contents lie. */
import { hasCode } from '../core/errors.js';
import type { Storage } from '../ports.js';

type Hashing = Pick<Storage, 'hash' | 'hashInPlace'>;

/** Files of one `hashInPlace`, and files read at once where that cannot be done, at most. */
const gatheredMax = 1_000;
const readMax = 16;

/** A file whose contents are not the same on both sides. */
export interface Difference {
  readonly path: string;
  /** SHA-256 at the source, hex; `null`: it is not there (any more), or does not hold still. */
  readonly source: string | null;
}

/**
 * The files of these that differ.
 * @throws `network`, `permission`, the signal's reason
 */
export async function differences(
  paths: readonly string[],
  source: Hashing,
  destination: Hashing,
  signal: AbortSignal,
): Promise<Difference[]> {
  const found: Difference[] = [];
  for (let at = 0; at < paths.length; at += gatheredMax) {
    const some = paths.slice(at, at + gatheredMax);
    const [wanted, made] = await Promise.all([
      hashes(source, some, signal),
      hashes(destination, some, signal),
    ]);
    some.forEach((path, index) => {
      const hash = wanted[index] ?? null;
      if (hash === null || hash !== made[index]) found.push({ path, source: hash });
    });
  }
  return found;
}

/** In place where that can be done; else the contents are read. */
async function hashes(
  storage: Hashing,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<(string | null)[]> {
  const asked = paths.map((path) => ({ path }));
  const known = (await storage.hashInPlace(asked, signal)) ?? paths.map(() => null);
  const next = known.entries();
  const work = async () => {
    for (const [index, hash] of next)
      known[index] = hash ?? (await hashOrNull(storage, paths[index]!, signal));
  };
  await Promise.all(Array.from({ length: readMax }, work));
  return known;
}

async function hashOrNull(storage: Hashing, path: string, signal: AbortSignal): Promise<string | null> {
  try {
    return await storage.hash(path, signal);
  } catch (error) {
    // What cannot be read cannot be called the same.
    if (hasCode(error, 'not-found', 'vanished', 'changed', 'changing', 'permission', 'unsupported'))
      return null;
    throw error;
  }
}
