/** Decides a conflict of a pair whose agent does not run: what was decided is carried out by its next sync. */
import { TowlineError } from './core/errors.js';
import type { Resolution } from './core/policy.js';
import { requireConflict, Resolutions } from './engine/resolutions.js';
import { acquireLock } from './state/lock.js';
import { openState } from './state/open.js';

/**
 * Notes in the state of a stopped pair what is to be kept of a path that both sides changed.
 * @param folder of the pair's state, as `findPair` tells it
 * @throws `not-found` when the path has no conflict; `locked` when an agent runs after all; `state`
 */
export async function decideConflict(folder: string, path: string, keep: Resolution): Promise<void> {
  const lock = await acquireLock(folder);
  try {
    const state = await openState({ folder, label: 'this pair' });
    try {
      await requireConflict(state.queue, path);
      const resolutions = new Resolutions(state.facts);
      await resolutions.load();
      await resolutions.decide(path, keep);
    } finally {
      await state.close();
    }
  } catch (error) {
    throw error instanceof TowlineError
      ? error
      : new TowlineError('state', `the decision on '${path}' could not be written`, { path, cause: error });
  } finally {
    lock.release();
  }
}
