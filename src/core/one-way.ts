/**
 * The table of `push` and `pull`: `source` is the side that is right, `destination` the one that is made to follow. Each
 * side is compared with its own past (`was`), the two sides with each other only where there is no past.
 */
import type { Action, Verdict } from './action.js';
import { sameRevision, sameTimeAcross } from './compare.js';
import type { Side } from './entry.js';
import { granularityOf, type Policy } from './policy.js';
import {
  acrossSides,
  adopt,
  type Both,
  create,
  forgotten,
  isDrifted,
  maybeReplaced,
  refusal,
  settleMetadata,
  timeChange,
  transfer,
  type View,
} from './view.js';

/** Decides a path of a one-way mode. */
export function oneWay(view: View, policy: Policy): Verdict {
  const verdict = mirrored(view, policy);
  return policy.onDrift === 'overwrite' || !isDrifted(view) ? verdict : spared(view, verdict, policy);
}

function mirrored(view: View, policy: Policy): Verdict {
  const { source, destination, was } = view;
  if (source === null) return sourceLacks(view, policy);
  const refused = refusal(view, policy);
  if (refused !== null) return refused;
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
function sourceLacks(view: View, policy: Policy): Action {
  const { path, sourceSide, destination, was } = view;
  if (destination === null) return forgotten(view, false);
  if (!policy.delete) return forgotten(view, true);
  const type = sourceSide === 'local' ? 'delete-remote' : 'delete-local';
  const reason = was === null ? 'only on the other side' : 'deleted at the source';
  return { type, path, destination, reason };
}

/** What others changed on the destination would be overwritten or deleted: the policy decides. */
function spared(view: View, verdict: Verdict, policy: Policy): Verdict {
  const { path, destination, destinationSide } = view;
  const overwrites =
    verdict.type === 'upload' ||
    verdict.type === 'download' ||
    verdict.type === 'make-directory' ||
    verdict.type === 'delete-local' ||
    verdict.type === 'delete-remote';
  // The base goes on knowing what it was: what the source gets there later does not take the place of the change either.
  if (verdict.type === 'adopt' && verdict.kept) return { type: 'none', path, kept: true, drift: true };
  if (!overwrites) return verdict;
  switch (policy.onDrift) {
    case 'overwrite':
      return verdict;
    case 'keep':
      return { type: 'none', path, kept: true, drift: true };
    case 'halt':
      return { type: 'halt', path, side: destinationSide };
    case 'backup': {
      if (destination === null) return verdict;
      // Nothing is to take its place: it may as well keep its name.
      if (view.source === null) return { type: 'none', path, kept: true, drift: true };
      const reason = 'changed by others: kept beside';
      return { type: 'set-aside', side: destinationSide, path, entry: destination, cause: 'drift', reason };
    }
  }
}

function symlink(view: Both, policy: Policy): Action {
  const { source, destination, was } = view;
  const unchanged =
    was !== null && sameRevision(source, was.source) && sameRevision(destination, was.destination);
  const equal =
    source.target === destination.target &&
    (!policy.can[view.destinationSide].symlinkTimes ||
      sameTimeAcross(source.mtimeMs, destination.mtimeMs, granularityOf(policy)));
  if (policy.force || !(unchanged || equal)) {
    return transfer(view, source, 'link differs', isDrifted(view));
  }
  return unchanged ? { type: 'none', path: view.path, kept: false } : adopt(view);
}

function file(view: Both, policy: Policy): Verdict {
  const { source, destination, was } = view;
  const drift = isDrifted(view);
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
