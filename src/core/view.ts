/** One path seen from the side that is right about it, and the verdicts that all modes share. */
import type { Action, MetadataChange, Verdict } from './action.js';
import { type Compare, sameContentAcross, sameRevision, sameTime, sameTimeAcross } from './compare.js';
import type { Entry, Side, Triple } from './entry.js';
import { type Abilities, granularityOf, type Policy } from './policy.js';

export interface View {
  readonly path: string;
  readonly sourceSide: Side;
  readonly destinationSide: Side;
  readonly source: Entry | null;
  readonly destination: Entry | null;
  readonly was: { readonly source: Entry; readonly destination: Entry; readonly racy: boolean } | null;
}

export type Both = View & { readonly source: Entry; readonly destination: Entry };

export function viewFrom(sourceSide: Side, { path, base, local, remote }: Triple): View {
  const racy = base?.racy ?? false;
  if (sourceSide === 'local') {
    const was = base && { source: base.local, destination: base.remote, racy };
    return { path, sourceSide, destinationSide: 'remote', source: local, destination: remote, was };
  }
  const was = base && { source: base.remote, destination: base.local, racy };
  return { path, sourceSide, destinationSide: 'local', source: remote, destination: local, was };
}

/** Whether others changed the destination since the sides agreed. */
export function isDrifted({ destination, was }: View): boolean {
  return was !== null && !sameRevision(destination, was.destination);
}

/** The destination has nothing at this path, or something of another kind. */
export function create(view: View, source: Entry, reason: string): Action {
  const { path, destination, destinationSide } = view;
  if (source.kind === 'directory') {
    return { type: 'make-directory', side: destinationSide, path, source, destination, reason };
  }
  return transfer(view, source, reason, isDrifted(view));
}

export function transfer(view: View, source: Entry, reason: string, drift: boolean): Action {
  const type = view.sourceSide === 'local' ? 'upload' : 'download';
  return { type, path: view.path, source, destination: view.destination, drift, reason };
}

/**
 * Size and time say "the same", but another file may have taken its place (`cp -p`, `tar`, `mv` of a build whose files
 * all bear one time), or its time was set back: only the kernel's own record shows that. Where the old content is not
 * known by its hash, it would have to be read from the other side: size and time are believed then.
 */
export function maybeReplaced(now: Entry, was: Entry): boolean {
  return was.hash !== undefined && !sameIdentity(now, was);
}

/** The same inode, unchanged since, as far as the side can tell. */
export function sameIdentity(a: Entry, b: Entry): boolean {
  const sameInode = a.ino === undefined || b.ino === undefined || a.ino === b.ino;
  return sameInode && (a.ctimeMs === undefined || b.ctimeMs === undefined || sameTime(a.ctimeMs, b.ctimeMs));
}

/**
 * What tells equal files of a side from others: where times cannot be set they say when something was sent, and nothing
 * of what it is.
 */
export function telling(compare: Compare, can: Abilities): Compare {
  return compare === 'mtime+size' && !can.times ? 'checksum' : compare;
}

/** No past to lean on: the two sides are compared with each other. */
export function acrossSides(
  view: Both,
  policy: Policy,
  compare: Compare,
  reason: string,
  drift: boolean,
): Verdict {
  const { source, destination } = view;
  const told = telling(compare, policy.can[view.destinationSide]);
  const looksSame = sameContentAcross(source, destination, told, granularityOf(policy));
  const doubtful = looksSame === true && policy.doubtful?.(view.path) === true;
  const same = doubtful ? sameContentAcross(source, destination, 'checksum') : looksSame;
  if (same === 'unknown') {
    const wants: Side[] = [];
    if (source.hash === undefined) wants.push(view.sourceSide);
    if (destination.hash === undefined) wants.push(view.destinationSide);
    return { type: 'contents', path: view.path, wants };
  }
  if (!same) return transfer(view, source, reason, drift);
  return settleMetadata(view, policy, timeChange(view, policy));
}

export function timeChange(view: Both, policy: Policy): MetadataChange {
  const { source, destination, destinationSide, was } = view;
  const asRecorded =
    was !== null &&
    sameTime(source.mtimeMs, was.source.mtimeMs) &&
    sameTime(destination.mtimeMs, was.destination.mtimeMs);
  // Some servers set no times: what they made of it is on record, and is not asked for again.
  if (asRecorded) return {};
  const differs =
    policy.can[destinationSide].times &&
    !sameTimeAcross(source.mtimeMs, destination.mtimeMs, granularityOf(policy));
  return differs ? { mtimeMs: source.mtimeMs } : {};
}

/** The contents agree: what is left is the mode, and what the base does not know yet. */
export function settleMetadata(view: Both, policy: Policy, times: MetadataChange): Action {
  const { path, source, destination, was } = view;
  const { can, modeRule } = policy;
  const wanted = modeRule(source.mode, source.kind);
  // A side that keeps no modes has none to give: what it shows is made up.
  const carried = can[view.sourceSide].modes && can[view.destinationSide].modes;
  const modesAsBefore =
    was !== null &&
    policy.trustModes &&
    source.mode === was.source.mode &&
    destination.mode === was.destination.mode;
  const change: MetadataChange =
    carried && !modesAsBefore && wanted !== destination.mode ? { ...times, mode: wanted } : times;
  if (change.mode !== undefined || change.mtimeMs !== undefined) {
    const reason = change.mode === undefined ? 'time differs' : 'mode differs';
    return { type: 'set-metadata', side: view.destinationSide, path, source, destination, change, reason };
  }
  const known =
    was !== null &&
    !was.racy &&
    modesAsBefore &&
    source.ino === was.source.ino &&
    (source.kind === 'directory' || sameTime(source.mtimeMs, was.source.mtimeMs)) &&
    (source.kind !== 'file' || sameIdentity(source, was.source)) &&
    // The first hash that anybody made is kept: a touch is told from an edit by it.
    (source.hash === undefined || was.source.hash !== undefined || was.destination.hash !== undefined) &&
    sameRevision(destination, was.destination);
  return known ? { type: 'none', path, kept: false } : adopt(view);
}

export function adopt({ path, sourceSide, source, destination }: Both): Action {
  const [local, remote] = sourceSide === 'local' ? [source, destination] : [destination, source];
  return { type: 'adopt', path, local, remote, kept: false };
}

/** Nobody has anything any more: the base forgets. */
export function forgotten({ path, was }: Pick<View, 'path' | 'was'>, kept: boolean): Action {
  return was === null
    ? { type: 'none', path, kept }
    : { type: 'adopt', path, local: null, remote: null, kept };
}

/** A symlink cannot be carried to a side that has none. */
export function refusal(view: View, policy: Policy): Verdict | null {
  if (view.source?.kind !== 'symlink' || policy.can[view.destinationSide].symlinks) return null;
  return { type: 'refuse', path: view.path, message: 'the other side cannot hold symlinks' };
}
