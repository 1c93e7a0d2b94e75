import type { Entry, Kind, Side } from '../core/entry.js';
import { isTooLarge } from '../core/limits.js';
import type { Context } from './context.js';

type Wishes = Pick<Context, 'filter' | 'settings'>;

/** Whether nothing may be done at this path on this side: it is excluded, or the way there is closed to it. */
export function isLeftOut({ filter, settings }: Wishes, side: Side, path: string, kind: Kind): boolean {
  return filter.excludes(path, kind) || settings.limits?.isClosed(side, path, kind) === true;
}

/** Whether an entry is left alone for its size. */
export function isOversize({ settings: { limits } }: Wishes, entry: Entry): boolean {
  return limits !== undefined && isTooLarge(entry, limits);
}
