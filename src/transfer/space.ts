import { TowlineError } from '../core/errors.js';
import type { Storage } from '../ports.js';

/** From this size on the free space is asked for before anything is sent. */
const checkedBytes = 2 ** 20;

/**
 * Refuses to begin what cannot be finished.
 * @param size bytes that are to be added
 * @throws `no-space`
 */
export async function requireSpace(to: Storage, path: string, size: number): Promise<void> {
  if (size < checkedBytes) return;
  const free = await to.freeBytes(path);
  if (free === null || free >= size) return;
  throw new TowlineError(
    'no-space',
    `no space for '${path}': it needs ${String(size)} bytes, ${String(free)} are free`,
    {
      path,
      hint: 'Free some space there; it is tried again by itself',
    },
  );
}
