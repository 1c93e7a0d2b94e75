import type { Guardian } from './guardian.js';
import type { Runner } from './runner.js';
import type { ScanLoop } from './scan-loop.js';
import type { Scanner } from './scanner.js';
import type { WatchSet } from './watch-set.js';

export interface RecheckParts {
  readonly guardian: Guardian;
  readonly scanner: Scanner;
  readonly scans: ScanLoop;
  readonly watchSet: WatchSet;
  readonly runner: Runner;
}

/** Looks again at what keeps deletions back and at what could not be listed. */
export async function recheck({ guardian, scanner, scans, watchSet, runner }: RecheckParts): Promise<void> {
  const held = guardian.holds;
  const unlisted = guardian.unlisted;
  if (held.length === 0 && unlisted.length === 0) return;
  if (unlisted.length > 0 && (await scanner.canListAgain())) {
    await scans.request('listing');
    return;
  }
  if (held.length === 0) return;
  const rootCause = held.some(({ cause }) => cause.startsWith('root-'));
  const now = await guardian.recheck();
  if (rootCause && !now.some(({ cause }) => cause.startsWith('root-'))) {
    // It is back, maybe as another folder: only a new watch set sees into it.
    await watchSet.rebuild();
  } else if (now.length === 0) {
    runner.kick();
  }
}
