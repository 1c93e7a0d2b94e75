/**
 * The decision tables: one path's base and two entries in, one verdict out. No clock, no disk, nothing but its input.
 *
 * A one-way mode looks at a pair from its source: `source` is the side that is right, `destination` the one that is
 * made to follow. Each side is compared with its own past (`was`), the two sides with each other only where there is
 * no past.
 */
import type { Action, MetadataChange, Verdict } from './action.js';
import {
  type Compare,
  type ModeRule,
  sameContentAcross,
  sameRevision,
  sameTime,
  sameTimeAcross,
} from './compare.js';
import type { Entry, Side, Triple } from './entry.js';

export type Mode = 'push';

/** What a decision depends on beside the entries: the user's wishes and the destination's abilities. */
export interface Policy {
  readonly mode: Mode;
  readonly delete: boolean;
  readonly compare: Compare;
  /** Compare contents although there is a base (a one-shot `--compare checksum`). */
  readonly afresh: boolean;
  /** Transfer regardless. */
  readonly force: boolean;
  /** The mode the destination should have. */
  readonly modeRule: ModeRule;
  /** The base's modes were made under the same rule; otherwise modes are compared across the sides. */
  readonly trustModes: boolean;
  readonly can: {
    readonly modes: boolean;
    readonly times: boolean;
    readonly symlinks: boolean;
    readonly symlinkTimes: boolean;
  };
}

/** Says what to do with one path. After a `contents` verdict: call again with the hashes filled in. */
export function decide(triple: Triple, policy: Policy): Verdict {
  return oneWay(viewFrom(sourceSides[policy.mode], triple), policy);
}

/** The side that is right in each one-way mode. */
const sourceSides: Readonly<Record<Mode, Side>> = { push: 'local' };

interface View {
  readonly path: string;
  readonly sourceSide: Side;
  readonly destinationSide: Side;
  readonly source: Entry | null;
  readonly destination: Entry | null;
  readonly was: { readonly source: Entry; readonly destination: Entry; readonly racy: boolean } | null;
}

type Both = View & { readonly source: Entry; readonly destination: Entry };

function viewFrom(sourceSide: Side, { path, base, local, remote }: Triple): View {
  const racy = base?.racy ?? false;
  if (sourceSide === 'local') {
    const was = base && { source: base.local, destination: base.remote, racy };
    return { path, sourceSide, destinationSide: 'remote', source: local, destination: remote, was };
  }
  const was = base && { source: base.remote, destination: base.local, racy };
  return { path, sourceSide, destinationSide: 'local', source: remote, destination: local, was };
}

function oneWay(view: View, policy: Policy): Verdict {
  const { path, source, destination, was } = view;
  if (source === null) return sourceLacks(view, policy);
  if (source.kind === 'symlink' && !policy.can.symlinks) {
    return { type: 'refuse', path, message: 'the other side cannot hold symlinks' };
  }
  if (destination === null) {
    return create(view, source, was === null ? 'new' : 'gone on the other side');
  }
  if (source.kind !== destination.kind) {
    return create(view, source, `replaces a ${destination.kind}`);
  }
  const both: Both = { ...view, source, destination };
  switch (source.kind) {
    case 'directory':
      return settleMetadata(both, policy, {});
    case 'symlink':
      return symlink(both, policy);
    case 'file':
      return file(both, policy);
  }
}

/** The source has nothing at this path. */
function sourceLacks({ path, sourceSide, destination, was }: View, policy: Policy): Action {
  const forget = (kept: boolean): Action => {
    return was === null
      ? { type: 'none', path, kept }
      : { type: 'adopt', path, local: null, remote: null, kept };
  };
  if (destination === null) return forget(false);
  if (!policy.delete) return forget(true);
  const type = sourceSide === 'local' ? 'delete-remote' : 'delete-local';
  return {
    type,
    path,
    destination,
    reason: was === null ? 'only on the other side' : 'deleted at the source',
  };
}

/** The destination has nothing at this path, or something of another kind. */
function create(view: View, source: Entry, reason: string): Action {
  const { path, destination, was, destinationSide } = view;
  if (source.kind === 'directory') {
    return { type: 'make-directory', side: destinationSide, path, source, destination, reason };
  }
  return transfer(view, source, reason, was !== null && !sameRevision(destination, was.destination));
}

function transfer(view: View, source: Entry, reason: string, drift: boolean): Action {
  const type = view.sourceSide === 'local' ? 'upload' : 'download';
  return { type, path: view.path, source, destination: view.destination, drift, reason };
}

function symlink(view: Both, policy: Policy): Action {
  const { source, destination, was } = view;
  const unchanged =
    was !== null && sameRevision(source, was.source) && sameRevision(destination, was.destination);
  const equal =
    source.target === destination.target &&
    (!policy.can.symlinkTimes || sameTimeAcross(source.mtimeMs, destination.mtimeMs));
  if (policy.force || !(unchanged || equal)) {
    const drift = was !== null && !sameRevision(destination, was.destination);
    return transfer(view, source, 'link differs', drift);
  }
  return unchanged ? { type: 'none', path: view.path, kept: false } : adopt(view);
}

function file(view: Both, policy: Policy): Verdict {
  const { source, destination, was } = view;
  const drift = was !== null && !sameRevision(destination, was.destination);
  if (policy.force) return transfer(view, source, 'forced', drift);
  if (policy.afresh) return acrossSides(view, policy, 'checksum', 'content differs', drift);
  if (was === null) return acrossSides(view, policy, policy.compare, 'differs', false);

  const sourceSame = sameRevision(source, was.source);
  if (drift) {
    // Others wrote there, or we did and died before the base learned of it: equal metadata tells the second.
    return acrossSides(view, policy, 'mtime+size', 'changed on the other side', true);
  }
  if (sourceSame && !was.racy && !maybeReplaced(source, was.source)) {
    // What is known of the content goes on being known.
    const { hash } = was.source;
    const known = hash === undefined ? view : { ...view, source: { ...source, hash } };
    return settleMetadata(known, policy, {});
  }
  if (source.size !== was.source.size) return transfer(view, source, 'changed', false);

  // Same size: a touch, or an edit too quick for the clock. The content decides; the destination still holds the old one.
  const before = was.source.hash ?? destination.hash;
  if (source.hash === undefined || before === undefined) {
    const wants: Side[] = [];
    if (source.hash === undefined) wants.push(view.sourceSide);
    if (before === undefined) wants.push(view.destinationSide);
    return { type: 'contents', path: view.path, wants };
  }
  if (source.hash !== before) return transfer(view, source, 'changed', false);
  return settleMetadata(view, policy, timeChange(view, policy));
}

/**
 * Size and time say "the same", but another file may have taken its place (`cp -p`, `tar`, `mv` of a build whose files
 * all bear one time), or its time was set back: only the kernel's own record shows that. Where the old content is not
 * known by its hash, it would have to be read from the other side: size and time are believed then.
 */
function maybeReplaced(now: Entry, was: Entry): boolean {
  return was.hash !== undefined && !sameIdentity(now, was);
}

/** The same inode, unchanged since, as far as the side can tell. */
function sameIdentity(a: Entry, b: Entry): boolean {
  const sameInode = a.ino === undefined || b.ino === undefined || a.ino === b.ino;
  return sameInode && (a.ctimeMs === undefined || b.ctimeMs === undefined || sameTime(a.ctimeMs, b.ctimeMs));
}

/** No past to lean on: the two sides are compared with each other. */
function acrossSides(view: Both, policy: Policy, compare: Compare, reason: string, drift: boolean): Verdict {
  const { source, destination } = view;
  const same = sameContentAcross(source, destination, compare);
  if (same === 'unknown') {
    const wants: Side[] = [];
    if (source.hash === undefined) wants.push(view.sourceSide);
    if (destination.hash === undefined) wants.push(view.destinationSide);
    return { type: 'contents', path: view.path, wants };
  }
  if (!same) return transfer(view, source, reason, drift);
  return settleMetadata(view, policy, timeChange(view, policy));
}

function timeChange({ source, destination }: Both, policy: Policy): MetadataChange {
  const differs = policy.can.times && !sameTimeAcross(source.mtimeMs, destination.mtimeMs);
  return differs ? { mtimeMs: source.mtimeMs } : {};
}

/** The contents agree: what is left is the mode, and what the base does not know yet. */
function settleMetadata(view: Both, policy: Policy, times: MetadataChange): Action {
  const { path, source, destination, was } = view;
  const wanted = policy.modeRule(source.mode, source.kind);
  const modesAsBefore =
    was !== null &&
    policy.trustModes &&
    source.mode === was.source.mode &&
    destination.mode === was.destination.mode;
  const change: MetadataChange =
    policy.can.modes && !modesAsBefore && wanted !== destination.mode ? { ...times, mode: wanted } : times;
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
    sameRevision(destination, was.destination);
  return known ? { type: 'none', path, kept: false } : adopt(view);
}

function adopt({ path, sourceSide, source, destination }: Both): Action {
  const [local, remote] = sourceSide === 'local' ? [source, destination] : [destination, source];
  return { type: 'adopt', path, local, remote, kept: false };
}
