/**
 * What is left alone without being excluded: files that are too large on one of the sides, and paths that go one way
 * only, as far as something would be done on the side that is closed to them.
 */
import { type Change, isDeletion, type LeftOut, type Verdict, writtenSide } from './action.js';
import type { Entry, Side, Triple } from './entry.js';
import type { Limits, Policy } from './policy.js';

/** Whether a file is left alone for its size. */
export function isTooLarge(entry: Entry | null, { maxSize }: Pick<Limits, 'maxSize'>): boolean {
  return maxSize !== null && entry?.kind === 'file' && entry.size > maxSize;
}

/** What the table says, as far as the limits let it. */
export function withinLimits(
  triple: Triple,
  policy: Policy,
  limits: Limits,
  table: (triple: Triple) => Verdict,
): Verdict {
  const { local, remote } = triple;
  if (isTooLarge(local, limits) || isTooLarge(remote, limits)) return leftAlone(triple, 'size');
  const verdict = table(triple);
  if (verdict.type === 'set-aside') return setAside(verdict, triple, policy, limits);
  if (!writesToClosed(verdict, triple, limits)) return verdict;
  if (!isDeletion(verdict)) return leftAlone(triple, 'direction');
  // What may not go there either comes back from there, as if the sides had never agreed on it, or stays as it is.
  const anew = table({ ...triple, base: null });
  const comesBack = anew.type === 'upload' || anew.type === 'download' || anew.type === 'make-directory';
  return comesBack && !writesToClosed(anew, triple, limits) ? anew : leftAlone(triple, 'direction');
}

/**
 * Whether what is below a path that is left alone is left alone with it: one side has a directory there, the other has
 * something in its place.
 */
export function shadowsBelow(verdict: Verdict, { local, remote }: Triple): boolean {
  if ((verdict.type !== 'none' && verdict.type !== 'adopt') || verdict.leftOut === undefined) return false;
  const here = local?.kind === 'directory';
  return local !== null && remote !== null && here !== (remote.kind === 'directory');
}

function writesToClosed(verdict: Verdict, triple: Triple, limits: Limits): verdict is Change {
  switch (verdict.type) {
    case 'none':
    case 'adopt':
    case 'contents':
    case 'conflict':
    case 'halt':
    case 'refuse':
      return false;
    default:
      return isClosedTo(writtenSide(verdict), triple, limits);
  }
}

function isClosedTo(side: Side, { path, local, remote }: Triple, { isClosed }: Limits): boolean {
  return [local, remote].some((entry) => entry !== null && isClosed(side, path, entry.kind));
}

/** The copy would bear a name that no rule for this path may match: only a person sends it on its way. */
function setAside(verdict: Verdict, triple: Triple, policy: Policy, limits: Limits): Verdict {
  const { path } = triple;
  const closed = isClosedTo('local', triple, limits) || isClosedTo('remote', triple, limits);
  return closed && policy.resolutionOf(path) !== 'both' ? { type: 'conflict', path } : verdict;
}

/** A deletion that is not carried over is forgotten: it must not be made up for when the limits change. */
function leftAlone({ path, base, local, remote }: Triple, leftOut: LeftOut): Verdict {
  return base !== null && (local === null || remote === null)
    ? { type: 'adopt', path, local: null, remote: null, kept: false, leftOut }
    : { type: 'none', path, kept: false, leftOut };
}
