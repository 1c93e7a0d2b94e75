/**
 * The table of `two-way` and of the two backup modes: each side is compared with its own past, and what changed on one
 * side only goes to the other. A change beats a deletion; what both sides changed is a conflict, unless the contents agree.
 */
import type { Action, Verdict } from './action.js';
import { sameContentAcross, sameRevision, sameTime } from './compare.js';
import { type Contended, decideConflict } from './conflict.js';
import type { BasePair, Entry, Side, Triple } from './entry.js';
import { mayDelete, type Policy } from './policy.js';
import {
  adopt,
  type Both,
  create,
  forgotten,
  maybeReplaced,
  refusal,
  settleMetadata,
  telling,
  timeChange,
  transfer,
  viewFrom,
} from './view.js';

/** What became of a side since both agreed; `touched`: its time only. */
type Fate = 'same' | 'touched' | 'changed';

/** Decides a path of a mode in which both sides count. */
export function twoWay(triple: Triple, policy: Policy): Verdict {
  const { path, local, remote, base } = triple;
  if (base === null) return firstMeeting(triple, policy);
  const agreed = base.local.hash ?? base.remote.hash;
  const ours = local && fateOf(local, base.local, agreed, isDoubted('local', base, policy));
  const theirs = remote && fateOf(remote, base.remote, agreed, isDoubted('remote', base, policy));
  if (ours === 'unknown' || theirs === 'unknown') {
    const wants: Side[] = [];
    if (ours === 'unknown') wants.push('local');
    if (theirs === 'unknown') wants.push('remote');
    return { type: 'contents', path, wants };
  }
  if (ours === null && theirs === null) return forgotten({ path, was: viewFrom('local', triple).was }, false);
  if (ours === null) return lost('local', theirs!, triple, policy);
  if (theirs === null) return lost('remote', ours, triple, policy);
  const there = { ...triple, local: local!, remote: remote! };
  const unsure = policy.afresh && agreed === undefined && local!.kind === 'file' && remote!.kind === 'file';
  if (unsure) return comparedOrConflict(there, policy);
  return bothThere(there, ours, theirs, policy);
}

/** The sides never agreed on this path, as far as anybody remembers. */
function firstMeeting(triple: Triple, policy: Policy): Verdict {
  const { path, local, remote } = triple;
  if (local === null && remote === null) return { type: 'none', path, kept: false };
  if (local === null) return carry('remote', triple, policy, 'new');
  if (remote === null) return carry('local', triple, policy, 'new');
  const there = { ...triple, local, remote };
  if (local.kind !== remote.kind) return decideConflict(there, policy);
  const unsure = policy.afresh || policy.doubtful?.(path) === true;
  const compare = unsure ? 'checksum' : telling(policy.compare, policy.can.remote);
  const same = local.kind === 'directory' || sameContentAcross(local, remote, compare) === true;
  return local.kind !== 'symlink' && same
    ? settle('local', there, policy, true)
    : comparedOrConflict(there, policy);
}

/** Before anything is called a conflict, the contents are compared. */
function comparedOrConflict(triple: Contended, policy: Policy): Verdict {
  const { path, local, remote } = triple;
  if (local.kind === 'symlink' && remote.kind === 'symlink' && local.target === remote.target)
    return settle('local', triple, policy, true);
  if (local.kind === 'file' && remote.kind === 'file') {
    const same = sameContentAcross(local, remote, 'checksum');
    if (same === true) return settle('local', triple, policy, true);
    if (same === 'unknown') return { type: 'contents', path, wants: unhashed(local, remote) };
  }
  return decideConflict(triple, policy);
}

function bothThere(triple: Contended, ours: Fate, theirs: Fate, policy: Policy): Verdict {
  const { local, remote } = triple;
  if (ours === 'changed' && theirs === 'changed') {
    const compared = local.kind === remote.kind;
    return compared ? comparedOrConflict(triple, policy) : decideConflict(triple, policy);
  }
  if (ours === 'changed') return carry('local', triple, policy, 'changed');
  if (theirs === 'changed') return carry('remote', triple, policy, 'changed');
  const source = theirs === 'touched' && ours !== 'touched' ? 'remote' : chmodSide(triple, policy);
  return settle(source, triple, policy, ours === 'touched' || theirs === 'touched');
}

/** `side` has lost the path, and the other has not. */
function lost(side: Side, other: Fate, triple: Triple, policy: Policy): Verdict {
  const { path } = triple;
  const from: Side = side === 'local' ? 'remote' : 'local';
  if (other === 'changed') return carry(from, triple, policy, 'changed here, deleted there');
  // Not brought back either: the base goes on knowing that the sides agreed on it once.
  if (!policy.delete || !mayDelete(policy.mode)) return { type: 'none', path, kept: true };
  const destination = triple[from]!;
  const type = from === 'local' ? 'delete-local' : 'delete-remote';
  return { type, path, destination, reason: 'deleted on the other side' };
}

/** What `from` has goes to the other side, where the mode lets it. */
function carry(from: Side, triple: Triple, policy: Policy, reason: string): Verdict {
  if (from === 'local' && policy.mode === 'pull-backup')
    return { type: 'none', path: triple.path, kept: true };
  const view = viewFrom(from, triple);
  const refused = refusal(view, policy);
  if (refused !== null) return refused;
  const source = view.source!;
  if (view.destination?.kind !== source.kind) return create(view, source, reason);
  if (source.kind === 'directory') return settle(from, triple as Contended, policy, false);
  return transfer(view, source, reason, false);
}

/** The contents agree: mode and time become those of `side`. */
function settle(side: Side, triple: Contended, policy: Policy, touched: boolean): Action {
  const { path, base, local, remote } = triple;
  // What was done here to mode or time stays here.
  const source = policy.mode === 'pull-backup' ? 'remote' : side;
  const ignored = source !== side && base !== null && !base.racy;
  if (ignored) return { type: 'none', path, kept: false };
  const view = viewFrom(source, triple);
  const both: Both =
    source === 'local'
      ? { ...view, source: local, destination: remote }
      : { ...view, source: remote, destination: local };
  if (local.kind === 'symlink')
    return base !== null && !touched ? { type: 'none', path, kept: false } : adopt(both);
  return settleMetadata(both, policy, touched && local.kind === 'file' ? timeChange(both, policy) : {});
}

/** The side whose mode is to be had, where only modes differ. */
function chmodSide({ base, local, remote }: Contended, policy: Policy): Side {
  if (base === null || !policy.trustModes) return 'local';
  return remote.mode !== base.remote.mode && local.mode === base.local.mode ? 'remote' : 'local';
}

/** Whether a file whose size and time say "the same" is read all the same. */
function isDoubted(side: Side, { local, racy }: BasePair, policy: Policy): boolean {
  if (policy.afresh) return true;
  if (!racy || (side === 'local' && policy.mode === 'pull-backup')) return false;
  // A whole second is what a download left here: then it is the server's file that was read while it was fresh.
  return side === 'local' || local.mtimeMs % 1000 === 0;
}

/**
 * @param agreed the hash both sides agreed on, where it is known
 * @param doubted size and time are not enough to call it the same
 */
function fateOf(now: Entry, was: Entry, agreed: string | undefined, doubted: boolean): Fate | 'unknown' {
  if (now.kind !== was.kind) return 'changed';
  if (now.kind === 'directory' || sameRevision(now, was)) {
    const sure = now.kind !== 'file' || !(doubted || maybeReplaced(now, was));
    if (sure || agreed === undefined) return 'same';
  }
  if (now.kind === 'symlink') return now.target === was.target ? 'touched' : 'changed';
  if (now.size !== was.size || agreed === undefined) return 'changed';
  if (now.hash === undefined) return 'unknown';
  if (now.hash !== agreed) return 'changed';
  return sameTime(now.mtimeMs, was.mtimeMs) ? 'same' : 'touched';
}

function unhashed(local: Entry, remote: Entry): Side[] {
  const wants: Side[] = [];
  if (local.hash === undefined) wants.push('local');
  if (remote.hash === undefined) wants.push('remote');
  return wants;
}
