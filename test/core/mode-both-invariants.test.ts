import { beforeAll, describe, expect, test } from 'vitest';
import { type Verdict, isDeletion, writtenSide } from '../../src/core/action.js';
import { sameRevision } from '../../src/core/compare.js';
import type { Side } from '../../src/core/entry.js';
import { type Mode, type Policy, type Resolution, conflictPolicies } from '../../src/core/policy.js';
import {
  abilities,
  compares,
  type Decided,
  ending,
  flags,
  type Invariants,
  isChange,
  isNewVersion,
  otherSide,
  situations,
  violations,
  worthOf,
} from './mode-situations.js';
import { type There, type World, all, resolve } from './mode-world.js';

const sides: readonly Side[] = ['local', 'remote'];

/** Every wish with sides that can do everything, and every lack with the wishes it could matter to. */
function* policies(mode: Mode): Generator<Partial<Policy>> {
  const resolutions: (Resolution | null)[] = [null, 'local', 'remote', 'both'];
  for (const can of abilities()) {
    for (const conflict of can === all ? conflictPolicies : (['keep-both', 'newest'] as const)) {
      for (const said of can === all && conflict === 'manual' ? resolutions : [null]) {
        for (const compare of compares) {
          for (const deletes of flags) {
            for (const afresh of flags) {
              for (const trustModes of flags) {
                const resolutionOf = () => said;
                yield { mode, can, conflict, resolutionOf, compare, delete: deletes, afresh, trustModes };
              }
            }
          }
        }
      }
    }
  }
  for (const remoteAheadMs of [-20_000, 20_000]) yield { mode, conflict: 'newest', remoteAheadMs };
}

/** Whether policy or person chose one of two versions over the other. */
function mayLose({ mode, conflict, resolutionOf }: Policy): boolean {
  if (mode !== 'two-way') return false;
  const said = resolutionOf('a/b') ?? conflict;
  return said === 'local' || said === 'remote' || said === 'newest';
}

/** Whether size and time are the same as in the base, so that only its content could show a change. */
function isHidden({ base }: World, side: Side, there: There | null): boolean {
  return base !== null && there !== null && sameRevision(there.entry, base[side]);
}

/** Whether it may be a new version, as far as size and time tell and nobody read the old one. */
function looksNew({ before, policy }: Pick<Decided, 'before' | 'policy'>, side: Side): boolean {
  const { base, [side]: there } = before;
  if (base === null || there === null) return there !== null;
  const unread = base.local.hash === undefined && base.remote.hash === undefined;
  // What is read in spite of its size and time is known, or cannot be told from an edited one.
  if ((base.racy || policy.afresh) && (unread || isNewVersion(before, there))) return true;
  return !isHidden(before, side, there) && (unread || isNewVersion(before, there));
}

function isSurelyNew(before: World, side: Side): boolean {
  return isNewVersion(before, before[side]) && !isHidden(before, side, before[side]);
}

/** What is nowhere any more, on either side or beside. */
function isLost({ before, after }: Decided, side: Side): boolean {
  const worth = worthOf(before[side]);
  const still = [after.local, after.remote, after.aside?.there ?? null];
  return !still.some((there) => worthOf(there) === worth);
}

function isTransfer({ type }: Verdict): boolean {
  return type === 'upload' || type === 'download' || type === 'make-directory';
}

const invariants: Invariants = {
  'writes only what the mode lets it': ({ policy, verdict }) =>
    policy.mode !== 'pull-backup' || !isChange(verdict) || writtenSide(verdict) === 'local',
  'is settled by the hashes it asks for': ({ verdict }) => verdict.type !== 'contents',
  'never loses a version that is new since the sides agreed': (decided) => {
    const { before, policy } = decided;
    return mayLose(policy) || sides.every((side) => !isSurelyNew(before, side) || !isLost(decided, side));
  },
  'loses a new version to another one only': (decided) =>
    sides.every((side) => {
      if (!isSurelyNew(decided.before, side) || !isLost(decided, side)) return true;
      return looksNew(decided, otherSide(side)) && !isLost(decided, otherSide(side));
    }),
  'deletes nothing unless asked to, and never in a backup': ({ policy, verdict }) =>
    !isChange(verdict) || !isDeletion(verdict) || (policy.delete && policy.mode === 'two-way'),
  'deletes only what both sides agreed on': ({ before, verdict }) => {
    if (!isChange(verdict) || !isDeletion(verdict)) return true;
    const side = writtenSide(verdict);
    return before[otherSide(side)] === null && isHidden(before, side, before[side]);
  },
  'a change beats a deletion': ({ before, policy, verdict, after }) => {
    const [side] = sides.filter((one) => before[one] !== null);
    if (side === undefined || before[otherSide(side)] !== null || !isSurelyNew(before, side)) return true;
    if (verdict.type === 'refuse' || (policy.mode === 'pull-backup' && side === 'local')) return true;
    return worthOf(after[otherSide(side)]) === worthOf(before[side]);
  },
  'a conflict is declared only over two versions': ({ before, verdict }) => {
    const overwrites = (verdict.type === 'upload' || verdict.type === 'download') && verdict.conflict;
    if (verdict.type !== 'conflict' && verdict.type !== 'set-aside' && !overwrites) return true;
    const { local, remote } = before;
    return local !== null && remote !== null && worthOf(local) !== worthOf(remote);
  },
  'the same on both sides is not sent': ({ before, verdict }) => {
    const hidden = sides.some(
      (side) => isNewVersion(before, before[side]) && isHidden(before, side, before[side]),
    );
    if (hidden || before.local === null) return true;
    return worthOf(before.local) !== worthOf(before.remote) || !isTransfer(verdict);
  },
  'what changed on one side only goes to the other': ({ before, policy, verdict, after }) => {
    const [side, both] = sides.filter((one) => isSurelyNew(before, one));
    if (side === undefined || both !== undefined || verdict.type === 'refuse') return true;
    if (looksNew({ before, policy }, otherSide(side))) return true;
    if (policy.mode === 'pull-backup' && side === 'local') return true;
    // Nobody knows what hides on the other one.
    if (before.base?.racy === true || isNewVersion(before, before[otherSide(side)])) return true;
    return worthOf(after[otherSide(side)]) === worthOf(before[side]);
  },
  'sets only what a side can be told, from one that has it': ({ policy, verdict }) => {
    if (verdict.type !== 'set-metadata') return true;
    const { mode, mtimeMs } = verdict.change;
    if (mode === undefined && mtimeMs === undefined) return false;
    const { can } = policy;
    return (
      (mode === undefined || (can.local.modes && can.remote.modes)) &&
      (mtimeMs === undefined || can[verdict.side].times)
    );
  },
  'a racy base is not trusted': ({ before, policy, verdict, after, hashed }) => {
    const { base, local, remote } = before;
    if (base?.racy !== true || policy.mode === 'pull-backup' || mayLose(policy)) return true;
    if (local?.entry.kind !== 'file' || remote?.entry.kind !== 'file') return true;
    if (!isHidden(before, 'local', local) || !isHidden(before, 'remote', remote)) return true;
    // What was edited here unseen is on the other side now, or one of the two beside.
    const sent =
      worthOf(after.remote) === worthOf(local) || after.aside !== undefined || verdict.type === 'conflict';
    return hashed && (sent || !isNewVersion(before, local));
  },
  'reading both sides afresh ends in equal contents or in two names': ({
    policy,
    before,
    verdict,
    after,
  }) => {
    if (!policy.afresh || policy.mode !== 'two-way' || verdict.type === 'conflict') return true;
    if (before.local?.entry.kind !== 'file' || before.remote?.entry.kind !== 'file') return true;
    return after.aside !== undefined || worthOf(after.local) === worthOf(after.remote);
  },
  'comes to rest in a few steps': ({ policy, after }) =>
    ending(after, { ...policy, trustModes: true }, 3) !== null,
  'what is done once is not done again': ({ policy, verdict, after }) => {
    if (verdict.type === 'set-aside') return true;
    const again = resolve(after, { ...policy, trustModes: true }).verdict;
    return !isChange(again) && again.type !== 'adopt';
  },
  'sends nothing for ever': ({ policy, verdict, after }) => {
    if (!isTransfer(verdict)) return true;
    return resolve(after, { ...policy, trustModes: true }).verdict.type === 'none';
  },
};

describe.each(['two-way', 'push-backup', 'pull-backup'] as const)(
  '%s, in every situation under every policy',
  (mode) => {
    let found: Record<string, string[]>;
    beforeAll(() => {
      found = violations(invariants, policies(mode), situations());
    });
    test.each(Object.keys(invariants))('%s', (name) => {
      expect(found[name]).toEqual([]);
    });
  },
);
