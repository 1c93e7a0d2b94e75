/** Finds out which names a side takes for one. */
import type { Folding } from '../core/fold.js';
import { hasCode, TowlineError } from '../core/errors.js';
import type { Observed, Storage } from '../ports.js';

/**
 * Makes a temp of this name in the root, looks for it under other spellings, and removes it.
 * @param name holds ASCII letters in lower case and a letter that has two Unicode forms (core/tempname.ts, `probeName`)
 * @returns `null` when that cannot be found out: nothing may be made there, or not by such a name
 * @throws `network`, `interrupted`
 */
export async function probeNames(
  storage: Pick<Storage, 'createTemp' | 'observe'>,
  name: string,
): Promise<Folding | null> {
  try {
    const temp = await storage.createTemp(name, name);
    try {
      // Of ASCII only: some servers know the capitals of no other letters.
      const capitals = name.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());
      const [inCapitals, decomposed] = await storage.observe([capitals, name.normalize('NFD')]);
      return { foldsCase: isThere(inCapitals), normalizes: isThere(decomposed) };
    } finally {
      await temp.discard();
    }
  } catch (error) {
    if (!(error instanceof TowlineError) || hasCode(error, 'network', 'interrupted')) throw error;
    return null;
  }
}

function isThere(seen: Observed | undefined): boolean {
  return seen !== undefined && seen !== null && !(seen instanceof TowlineError);
}
