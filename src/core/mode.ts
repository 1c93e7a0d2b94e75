/** The decision tables: one path's base and two entries in, one verdict out. No clock, no disk, nothing but its input. */
import type { Verdict } from './action.js';
import type { Triple } from './entry.js';
import { withinLimits } from './limits.js';
import { oneWay } from './one-way.js';
import { writtenSidesOf, type Policy } from './policy.js';
import { twoWay } from './two-way.js';
import { viewFrom } from './view.js';

/** Says what to do with one path. After a `contents` verdict: call again with the hashes filled in. */
export function decide(triple: Triple, policy: Policy): Verdict {
  const { limits } = policy;
  if (limits === undefined) return table(triple, policy);
  return withinLimits(triple, policy, limits, (one) => table(one, policy));
}

function table(triple: Triple, policy: Policy): Verdict {
  return respelled(triple, policy) ?? decideByMode(triple, policy);
}

/** A side that folds names keeps this one in another spelling than the other side: first of all it gets that. */
function respelled({ path, local, remote }: Triple, { mode }: Policy): Verdict | null {
  if (local === null || remote === null || local.kind !== remote.kind) return null;
  const side = writtenSidesOf(mode).find((one) => (one === 'local' ? local : remote).spelling !== undefined);
  if (side === undefined) return null;
  const [source, destination] = side === 'local' ? [remote, local] : [local, remote];
  const change = { respell: true } as const;
  const reason = 'spelled differently';
  return { type: 'set-metadata', side, path, source, destination, change, reason };
}

function decideByMode(triple: Triple, policy: Policy): Verdict {
  switch (policy.mode) {
    case 'push':
      return oneWay(viewFrom('local', triple), policy);
    case 'pull':
      return oneWay(viewFrom('remote', triple), policy);
    case 'two-way':
    case 'push-backup':
    case 'pull-backup':
      return twoWay(triple, policy);
  }
}
