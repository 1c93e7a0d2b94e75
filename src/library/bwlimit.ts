/** A limit that several transfers share, and that can be changed while they run. */
import { resolveBwlimit } from '../config/resolve.js';
import { systemClock } from '../system-clock.js';
import { createThrottle, type Throttle } from '../transfer/throttle.js';

export type { Throttle } from '../transfer/throttle.js';

/**
 * Bounds the content of all runs, agents and sessions it is given to, together: as their option `bwlimit`. `set` changes the
 * rate for all of them, transfers under way included; `take` lets transfers of your own share it.
 */
export type Bwlimit = Throttle;

/**
 * A limit to be given to several runs, or to be changed while one runs.
 * @param kibPerSecond KiB/s, 1 or more; 0, `null` or nothing: no limit, until `set`
 * @throws `configuration`
 */
export function createBwlimit(kibPerSecond: number | null = null): Bwlimit {
  return createThrottle({ clock: systemClock, kibPerSecond: resolveBwlimit(kibPerSecond ?? 0) });
}

/**
 * The limit that an option stands for.
 * @throws `configuration`
 */
export function bwlimitOf(option: number | Bwlimit | undefined): Bwlimit {
  return isBwlimit(option) ? option : createBwlimit(option);
}

/** Whether this is one of ours. */
export function isBwlimit(option: unknown): option is Bwlimit {
  return typeof option === 'object' && option !== null && 'take' in option && 'set' in option;
}
