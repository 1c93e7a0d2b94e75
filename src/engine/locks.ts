import type { Entry, Side } from '../core/entry.js';
import { lockPath, type PathLock } from '../core/lock.js';
import { nameOf } from '../core/path.js';
import { othersMayWrite } from '../core/policy.js';
import { type Context, storageOf } from './context.js';

/**
 * Does something to what is at a path, with a lock for it where other agents may do something to it too: on the server,
 * in the modes in which it is not ours alone. A directory needs none: renaming or removing it loses nothing of what is
 * put into it.
 * @param present what is to be replaced or changed; `null`: nothing, which needs no lock either
 */
export async function locking<T>(
  context: Context,
  side: Side,
  path: string,
  present: Entry | null,
  work: (lock: PathLock | undefined) => Promise<T>,
): Promise<T> {
  const storage = storageOf(context, side);
  const shared = side === 'remote' && othersMayWrite(context.settings.mode) && storage.capabilities.locks;
  if (!shared || present === null || present.kind === 'directory') return work(undefined);
  const { temps } = context;
  const lock: PathLock = {
    name: nameOf(lockPath(path)),
    opens: async () => {
      await temps.lockOpens(side, path, storage);
    },
    gone: () => temps.lockGone(lockPath(path)),
  };
  try {
    return await work(lock);
  } finally {
    // Of one that is certainly gone there is nothing left to abandon.
    temps.abandon(lockPath(path));
  }
}
