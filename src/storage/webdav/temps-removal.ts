/** Removes temps, whatever lies under their names. */
import { hasCode } from '../../core/errors.js';
import { nameOf } from '../../core/path.js';
import { tempAgentOf } from '../../core/tempname.js';
import { mapBounded } from '../bounded.js';
import type { WebdavContext } from './context.js';
import { look } from './propfind.js';
import { pathProblem } from './urls.js';

/** Removals under way, at most. */
const removalsInFlightMax = 16;

/** See `Storage.removeTemps`. What is not named as a temp is left alone and not returned. */
export async function removeTemps(context: WebdavContext, paths: readonly string[]): Promise<string[]> {
  const temps = paths.filter((path) => pathProblem(path) === null && tempAgentOf(nameOf(path)) !== null);
  const gone = await mapBounded(temps, removalsInFlightMax, (path) => isGone(context, path));
  return temps.filter((_path, index) => gone[index]);
}

/** Tries to remove one temp; whatever went wrong, the answer is only whether it is certainly gone. */
async function isGone(context: WebdavContext, path: string): Promise<boolean> {
  const attempt = context.attempt('remove', path);
  try {
    const present = await look(context, attempt, path);
    if (present === null) return true;
    const url = present.kind === 'directory' ? context.urls.directory(path) : context.urls.below(path);
    const status = await context.command(attempt, { method: 'DELETE', url }, [404, 410]);
    return status !== 207;
  } catch (error) {
    return hasCode(error, 'not-found');
  }
}
