/** Which of the two sides speaks of names as the other one spells them, should it fold them. */
import { randomBytes } from 'node:crypto';
import type { Kind, Side } from '../core/entry.js';
import { folds } from '../core/fold.js';
import { probeName } from '../core/tempname.js';
import type { Log, Storage } from '../ports.js';
import { namesFact } from '../state/facts.js';
import type { OpenedState } from '../state/open.js';
import { createFoldingStorage } from '../storage/folding.js';

export interface Sides {
  readonly near: Storage;
  readonly far: Storage;
  /** A side that is only read is right about its names, whatever it takes for one. */
  readonly writes: readonly Side[];
  readonly excludes: (path: string, kind: Kind) => boolean;
  readonly state: Pick<OpenedState, 'facts' | 'agentId'>;
  /** Find out anew although earlier runs did. */
  readonly anew: boolean;
  readonly log: Log;
}

/** Where both sides fold, the local spelling counts. */
export function foldingSides(sides: Sides): { local: Storage; remote: Storage } {
  const { near, far, writes } = sides;
  const remote = writes.includes('remote') ? folding('remote', far, near, () => false, sides) : far;
  const yields = () => folds(remote.capabilities.names);
  const local = writes.includes('local') ? folding('local', near, far, yields, sides) : near;
  return { local, remote };
}

function folding(side: Side, storage: Storage, other: Storage, yields: () => boolean, sides: Sides): Storage {
  const { excludes, state, anew, log } = sides;
  const fact = namesFact(side);
  return createFoldingStorage({
    storage,
    other,
    excludes,
    yields,
    recall: () => state.facts.get(fact),
    remember: (found) => state.facts.set(fact, found),
    probe: () => probeName(state.agentId, randomBytes(8).toString('hex')),
    anew,
    log,
  });
}
