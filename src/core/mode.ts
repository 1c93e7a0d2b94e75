/** The decision tables: one path's base and two entries in, one verdict out. No clock, no disk, nothing but its input. */
import type { Verdict } from './action.js';
import type { Triple } from './entry.js';
import { withinLimits } from './limits.js';
import { oneWay } from './one-way.js';
import type { Policy } from './policy.js';
import { twoWay } from './two-way.js';
import { viewFrom } from './view.js';

/** Says what to do with one path. After a `contents` verdict: call again with the hashes filled in. */
export function decide(triple: Triple, policy: Policy): Verdict {
  const { limits } = policy;
  if (limits === undefined) return table(triple, policy);
  return withinLimits(triple, policy, limits, (one) => table(one, policy));
}

function table(triple: Triple, policy: Policy): Verdict {
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
