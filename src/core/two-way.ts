/**
 * The table of `two-way` and of the two backup modes: each side is compared with its own past, and what changed on one
 * side only goes to the other. A change beats a deletion; what both sides changed is a conflict, unless the contents agree.
 */
import type { Action, Verdict } from './action.js';
import { sameContentAcross, sameRevision, sameTime } from './compare.js';
import { type Contended, decideConflict } from './conflict.js';
import { type BasePair, type Entry, otherSide, type Side, type Triple } from './entry.js';
import { granularityOf, mayDelete, type Policy } from './policy.js';
import {
  adopt,
  type Both,
  create,
  forgotten,
  refusal,
  sameIdentity,
  settleMetadata,
  telling,
  timeChange,
  transfer,
  viewFrom,
} from './view.js';

/** What became of a side since both agreed; `touched`: its time only. */
type Fate = 'same' | 'touched' | 'changed';

/** A path both sides have and once agreed on. */
type Known = Contended & { readonly base: BasePair };

/** Decides a path of a mode in which both sides count. */
export function twoWay(triple: Triple, policy: Policy): Verdict {
  const { path, local, remote, base } = triple;
  if (base === null) return firstMeeting(triple, policy);
  if (local === null && remote === null)
    return forgotten({ path, was: viewFrom('local', triple).was }, false);
  if (local === null) return lost('local', remote!, base, triple, policy);
  if (remote === null) return lost('remote', local, base, triple, policy);
  const there = { ...triple, base, local, remote };
  const agreed = agreedHash(base);
  const ours = fateOf(local, base.local, agreed, isDoubted('local', base, policy));
  const theirs = fateOf(remote, base.remote, agreed, isDoubted('remote', base, policy));
  // What was done here is ignored: nobody has to read it for that.
  const ignored = policy.mode === 'pull-backup' && ours === 'unknown' && theirs === 'same' && !base.racy;
  if (ignored) return { type: 'none', path, kept: !sameRevision(local, base.local) };
  if (ours === 'unknown' || theirs === 'unknown') {
    const wants: Side[] = [];
    if (ours === 'unknown') wants.push('local');
    if (theirs === 'unknown') wants.push('remote');
    return { type: 'contents', path, wants };
  }
  return bothThere(there, ours, theirs, policy);
}

/**
 * Whether what a side has is still what both agreed on, so that it may go because the other side lost it.
 * @returns `'unknown'` when only its hash could tell and is missing
 */
export function isAsAgreed(side: Side, now: Entry, base: BasePair, policy: Policy): boolean | 'unknown' {
  if (!sameRevision(now, base[side])) return false;
  const agreed = agreedHash(base);
  const doubted = isDoubted(side, base, policy);
  if (agreed === undefined && doubted && base.racy && now.kind === 'file') return false;
  const fate = fateOf(now, base[side], agreed, doubted);
  return fate === 'unknown' ? fate : fate === 'same';
}

/** The hash of the content both sides agreed on, where anybody read it. */
function agreedHash({ local, remote }: BasePair): string | undefined {
  return local.hash ?? remote.hash;
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
  const same =
    local.kind === 'directory' || sameContentAcross(local, remote, compare, granularityOf(policy)) === true;
  return local.kind !== 'symlink' && same
    ? settle('local', there, policy, true)
    : comparedOrConflict(there, policy);
}

/** Before anything is called a conflict, the contents are compared. */
function comparedOrConflict(triple: Contended, policy: Policy): Verdict {
  const same = sameContents(triple);
  if (same === 'unknown') return { type: 'contents', path: triple.path, wants: unhashed(triple) };
  return same ? settle('local', triple, policy, true) : decideConflict(triple, policy);
}

/** Whether both sides hold the same, whatever its time and mode. */
function sameContents({ local, remote }: Contended): boolean | 'unknown' {
  if (local.kind !== remote.kind) return false;
  switch (local.kind) {
    case 'directory':
      return true;
    case 'symlink':
      return local.target === remote.target;
    case 'file':
      return sameContentAcross(local, remote, 'checksum');
  }
}

function bothThere(triple: Known, ours: Fate, theirs: Fate, policy: Policy): Verdict {
  const changed = ours === 'changed' ? 'local' : theirs === 'changed' ? 'remote' : null;
  if (ours === 'changed' && theirs === 'changed') return comparedOrConflict(triple, policy);
  const unread = unreadVerdict(triple, changed, policy);
  if (unread !== null) return unread;
  if (changed !== null) return carry(changed, triple, policy, 'changed');
  const touched = theirs === 'touched' && ours !== 'touched' ? 'remote' : 'local';
  return settle(
    chmodSide(triple, policy) ?? touched,
    stillKnown(triple),
    policy,
    ours === 'touched' || theirs === 'touched',
  );
}

/** What is known of the content goes on being known. */
function stillKnown(triple: Known): Known {
  const hash = agreedHash(triple.base);
  if (hash === undefined) return triple;
  return { ...triple, local: { ...triple.local, hash }, remote: { ...triple.remote, hash } };
}

/**
 * Nobody read what the sides agreed on: where only that could tell a touch from an edit, or what is doubted from what is
 * sure, the sides are compared with each other in its place.
 * @param changed the one side whose size or time says so
 * @returns `null` where size and time are enough
 */
function unreadVerdict(triple: Known, changed: Side | null, policy: Policy): Verdict | null {
  const { path, base, local, remote } = triple;
  if (agreedHash(base) !== undefined || local.kind !== 'file' || remote.kind !== 'file') return null;
  const isUnsure = (side: Side) => isDoubted(side, base, policy);
  const maybeTouched = changed !== null && triple[changed].size === base[changed].size;
  if (!maybeTouched && !isUnsure('local') && !isUnsure('remote')) return null;
  const same = sameContents(triple);
  if (same === 'unknown') return { type: 'contents', path, wants: unhashed(triple) };
  if (same) return settle(changed ?? 'local', triple, policy, true);
  // Where the other one surely changed, the kernel's own record of the file here is believed.
  const isHidden = (side: Side) =>
    changed === null || (base.racy && (side === 'remote' || !sameIdentity(local, base.local)));
  const mayHaveChanged = (side: Side) => side === changed || (isUnsure(side) && isHidden(side));
  if (mayHaveChanged('local') && mayHaveChanged('remote')) return decideConflict(triple, policy);
  return carry(mayHaveChanged('local') ? 'local' : 'remote', triple, policy, 'changed');
}

/** `side` has lost the path, and the other still has `entry`. What hides behind the same size and time, the engine reads. */
function lost(side: Side, entry: Entry, base: BasePair, triple: Triple, policy: Policy): Verdict {
  const { path } = triple;
  const from = otherSide(side);
  if (!sameRevision(entry, base[from])) return carry(from, triple, policy, 'changed here, deleted there');
  // Not brought back either: the base goes on knowing that the sides agreed on it once.
  if (!policy.delete || !mayDelete(policy.mode)) return { type: 'none', path, kept: true };
  const type = from === 'local' ? 'delete-local' : 'delete-remote';
  return { type, path, destination: entry, reason: 'deleted on the other side' };
}

/** What `from` has goes to the other side, where the mode lets it. */
function carry(from: Side, triple: Triple, policy: Policy, reason: string): Verdict {
  if (from === 'local' && policy.mode === 'pull-backup') {
    // What is new in the folder over there must have a place here.
    if (triple.local?.kind !== 'directory' && triple.remote?.kind === 'directory')
      return decideConflict(triple as Contended, policy);
    return { type: 'none', path: triple.path, kept: true };
  }
  const view = viewFrom(from, triple);
  const refused = refusal(view, policy);
  if (refused !== null) return refused;
  const source = view.source!;
  if (source.kind !== 'directory') return transfer(view, source, reason, false);
  if (view.destination?.kind !== 'directory') return create(view, source, reason);
  return settle(from, triple as Contended, policy, false);
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

/** The side whose mode is to be had, where only modes and times differ; `null`: neither's by itself. */
function chmodSide({ base, local, remote }: Known, policy: Policy): Side | null {
  const ours = local.mode !== base.local.mode;
  const theirs = remote.mode !== base.remote.mode;
  if (policy.mode === 'pull-backup') return theirs || (!policy.trustModes && !ours) ? 'remote' : null;
  if (!policy.trustModes) return 'local';
  return ours === theirs ? null : ours ? 'local' : 'remote';
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
    // Another file may have taken its place, or its time was set back: only the kernel's own record shows that.
    const sure = now.kind !== 'file' || (!doubted && sameIdentity(now, was));
    if (sure || agreed === undefined) return 'same';
  }
  if (now.kind === 'symlink') return now.target === was.target ? 'touched' : 'changed';
  if (now.size !== was.size || agreed === undefined) return 'changed';
  if (now.hash === undefined) return 'unknown';
  if (now.hash !== agreed) return 'changed';
  return sameTime(now.mtimeMs, was.mtimeMs) ? 'same' : 'touched';
}

function unhashed({ local, remote }: Contended): Side[] {
  const wants: Side[] = [];
  if (local.hash === undefined) wants.push('local');
  if (remote.hash === undefined) wants.push('remote');
  return wants;
}
