import type { Entry, Side } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { nameOf } from '../core/path.js';
import { type Context, storageOf } from './context.js';

/**
 * Has a side that folds names keep the last component of `path` as it is spelled there.
 * @throws by the contract of `Storage.respell`
 */
export async function respell(context: Context, side: Side, path: string, seen: Entry): Promise<void> {
  const storage = storageOf(context, side);
  const { temps } = context;
  if (storage.respell === undefined || seen.spelling === undefined) {
    throw new TowlineError('internal', `'${path}' cannot be spelled in another way`, { path });
  }
  // On record: what waits in its aside when everything breaks off is brought back by the next sweep.
  const [temp] = (await temps.reserve(side, [path])) as [string];
  try {
    await storage.respell(path, seen.spelling, nameOf(temp));
    temps.gone(temp);
  } catch (error) {
    if (hasCode(error, 'network')) temps.abandon(temp);
    else await temps.removeUsed(storage, [temp]);
    throw error;
  }
}
