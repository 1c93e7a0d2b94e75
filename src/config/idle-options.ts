/** Options that some modes have no use for. */
import { isMirror, mayDelete, type Mode, modes, sourceSideOf } from '../core/policy.js';
import type { PairOptions } from './options.js';

/** The modes in which an option does something; one that is not listed: in all of them. */
const uses = new Map<string, readonly Mode[]>([
  ['conflict', ['two-way']],
  ['maxConflictCopies', ['two-way', 'push-backup', 'pull-backup']],
  ['onDrift', modes.filter(isMirror)],
  ['maxDelete', modes.filter(mayDelete)],
  ['remotePollSeconds', modes.filter((mode) => sourceSideOf(mode) !== 'local')],
]);

/**
 * What keeps an option from having any effect in a run, to follow "does not go with"; `null`: nothing does. A file or a
 * profile may hold it all the same, for runs in other modes; given for one run it is a mistake.
 * @param option a name of `PairOptions`
 * @param pair all that the run is told, which decides for some
 * @param watches the run is an agent's
 */
export function whyIdle(option: string, pair: Partial<PairOptions>, watches: boolean): string | null {
  const { mode = 'push', onDrift } = pair;
  if (option === 'force' && watches) return 'watch: everything would be sent again at each comparison';
  const used = uses.get(option) ?? modes;
  if (used.includes(mode)) return null;
  if (option === 'maxConflictCopies' && isMirror(mode)) {
    return onDrift === 'backup' ? null : `mode ${mode}: it makes no copies without --on-drift backup`;
  }
  return `mode ${mode}: it is for ${used.length === 1 ? 'mode' : 'the modes'} ${used.join(', ')}`;
}
