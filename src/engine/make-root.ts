import { pause } from '../core/abort.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { writtenSidesOf } from '../core/policy.js';
import { entryAt } from '../transfer/entry-at.js';
import { type Context, storageOf } from './context.js';

/** The request is made again after this when the link went in its middle. */
const againMs = 1_000;

/**
 * Waits for the link and makes sure that the roots of the sides that are written to are there. A link that goes just then comes back as at any
 * other time; one that is over is told by `Link.ready`.
 * @throws `configuration` when its parent is missing; `permission`; what `Link.ready` throws
 */
export async function makeRoot(context: Context): Promise<void> {
  const { link, clock, stopSignal } = context;
  for (;;) {
    await link.ready(stopSignal);
    try {
      await ensureRoots(context);
      return;
    } catch (error) {
      // A path that nobody made is a matter of what was asked for, not of a path that went away.
      if (hasCode(error, 'not-found')) {
        throw new TowlineError('configuration', error.message, { cause: error });
      }
      if (!hasCode(error, 'network')) throw error;
    }
    await pause(clock, againMs, stopSignal);
  }
}

async function ensureRoots(context: Context): Promise<void> {
  const { remote, settings } = context;
  const written = writtenSidesOf(settings.mode);
  for (const side of written) await storageOf(context, side).ensureRoot({ parents: settings.parents });
  if (written.includes('remote')) return;
  if ((await entryAt(remote, '')) === null) {
    const hint = 'Check the path: a folder that is only read is never made';
    throw new TowlineError('configuration', `${remote.label} does not exist`, { path: remote.label, hint });
  }
}
