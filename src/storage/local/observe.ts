/** What is at given paths now. */
import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfAborted } from '../../core/abort.js';
import { asTowlineError, hasCode, TowlineError } from '../../core/errors.js';
import type { Observed } from '../../ports.js';
import { componentsOrRoot } from '../checked.js';
import { localError } from './errors.js';
import { checkDirectories } from './place.js';
import { Slice } from './slice.js';
import { entryFrom } from './stats.js';

/** See `Storage.observe`. */
export async function observeLocal(
  root: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Observed[]> {
  const slice = new Slice();
  const seen: Observed[] = [];
  let known = new Set<string>();
  throwIfAborted(signal);
  for (const path of paths) {
    if (slice.over) {
      await slice.pause();
      throwIfAborted(signal);
      known = new Set();
    }
    seen.push(observeOne(root, path, known));
  }
  return seen;
}

/**
 * One path, at once.
 * @param known directories that are known to be real
 */
export function observeOne(root: string, path: string, known?: Set<string>): Observed {
  const absolute = join(root, path);
  try {
    const components = componentsOrRoot(path);
    checkDirectories(root, components.slice(0, -1), known);
    return lookAt(absolute, path === '');
  } catch (error) {
    // Below a file or a link there is nothing of this tree.
    if (hasCode(error, 'not-found', 'changed')) return null;
    return asTowlineError(error);
  }
}

function lookAt(absolute: string, isRoot: boolean): Observed {
  try {
    // The root itself may be a symlink: that is the user's choice.
    const stats = isRoot ? statSync(absolute) : lstatSync(absolute);
    return entryFrom(stats, absolute, absolute);
  } catch (error) {
    throw error instanceof TowlineError ? error : localError(error, 'look at', absolute);
  }
}
