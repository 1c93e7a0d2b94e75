/** What is done about a path that both sides changed, each in its own way. */
import type { Verdict } from './action.js';
import { sameTime } from './compare.js';
import { type Entry, otherSide, type Side, type Triple } from './entry.js';
import type { Policy, Resolution } from './policy.js';
import { create, refusal, transfer, viewFrom } from './view.js';

/** A path both sides have, with different contents. */
export type Contended = Triple & { readonly local: Entry; readonly remote: Entry };

/** The verdict on a conflict: by the mode, or (two-way) by what a person said about this path, else by the policy. */
export function decideConflict(triple: Contended, policy: Policy): Verdict {
  const { path } = triple;
  switch (policy.mode) {
    case 'pull-backup':
      return setAside('local', triple);
    case 'push-backup':
      return setAside(newerSide(triple, policy) === 'local' ? 'remote' : 'local', triple);
    default:
      break;
  }
  const said = policy.resolutionOf(path);
  if (said !== null) return resolved(triple, said, policy);
  switch (policy.conflict) {
    case 'keep-both':
      return resolved(triple, 'both', policy);
    case 'local':
    case 'remote':
      return resolved(triple, policy.conflict, policy);
    case 'newest':
      return resolved(triple, newerSide(triple, policy) ?? 'both', policy);
    case 'manual':
      return { type: 'conflict', path };
  }
}

function resolved(triple: Contended, keep: Resolution, policy: Policy): Verdict {
  // The server's version keeps the name, so that no two agents ever fight over it.
  return keep === 'both' ? setAside('local', triple) : overwrite(keep, triple, policy);
}

function setAside(side: Side, triple: Contended): Verdict {
  const other = otherSide(side);
  const reason = `changed on both sides: the ${other} version keeps the name`;
  return { type: 'set-aside', side, path: triple.path, entry: triple[side], cause: 'conflict', reason };
}

function overwrite(winner: Side, triple: Contended, policy: Policy): Verdict {
  const view = viewFrom(winner, triple);
  const refused = refusal(view, policy);
  if (refused !== null) return refused;
  const source = triple[winner];
  const reason = `changed on both sides: the ${winner} version wins`;
  const action =
    source.kind === 'directory' ? create(view, source, reason) : transfer(view, source, reason, true);
  const { type } = action;
  return type === 'upload' || type === 'download' || type === 'make-directory'
    ? { ...action, conflict: true }
    : action;
}

/** By the time of our own clock; `null` when both bear the same time. */
function newerSide({ local, remote }: Contended, { remoteAheadMs }: Policy): Side | null {
  const theirs = remote.mtimeMs - remoteAheadMs;
  // The remote time is whole seconds: what lies in the same one cannot be told apart.
  if (sameTime(Math.floor(local.mtimeMs / 1000), Math.floor(theirs / 1000))) return null;
  return local.mtimeMs > theirs ? 'local' : 'remote';
}
