import { TowlineError, hasCode } from '../core/errors.js';
import type { Context } from './context.js';
import { pause } from './pause.js';

/** The request is made again after this when the link went in its middle. */
const againMs = 1_000;

/**
 * Waits for the link and makes sure that the destination's root is there. A link that goes just then comes back as at any
 * other time; one that is over is told by `Link.ready`.
 * @throws `configuration` when its parent is missing; `permission`; what `Link.ready` throws
 */
export async function makeRoot({ link, remote, settings, clock, stopSignal }: Context): Promise<void> {
  for (;;) {
    await link.ready(stopSignal);
    try {
      await remote.ensureRoot({ parents: settings.parents });
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
