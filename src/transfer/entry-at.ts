import type { Entry } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { Storage } from '../ports.js';

/**
 * What is at one path now; `null`: nothing.
 * @throws why that cannot be told
 */
export async function entryAt(
  storage: Pick<Storage, 'observe'>,
  path: string,
  signal?: AbortSignal,
): Promise<Entry | null> {
  const [seen] = await storage.observe([path], signal);
  if (seen instanceof TowlineError) throw seen;
  return seen ?? null;
}
