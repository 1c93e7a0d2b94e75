import { beforeAll, describe, expect, test } from 'vitest';
import { type Verdict, writtenSide } from '../../src/core/action.js';
import { sameRevision } from '../../src/core/compare.js';
import type { Entry, Side } from '../../src/core/entry.js';
import { type Mode, type Policy, driftPolicies } from '../../src/core/policy.js';
import {
  abilities,
  compares,
  flags,
  type Invariants,
  isChange,
  isNewVersion,
  modeRules,
  otherSide,
  situations,
  violations,
  worthOf,
} from './mode-situations.js';
import { type World, resolve } from './mode-world.js';

/** All wishes about drift, and the rest in every combination where drift is overwritten. */
function* policies(mode: Mode): Generator<Partial<Policy>> {
  for (const onDrift of driftPolicies) {
    const rules = onDrift === 'overwrite' ? modeRules : modeRules.slice(0, 1);
    const abilitiesOfBoth = [...abilities()];
    for (const can of onDrift === 'overwrite' ? abilitiesOfBoth : abilitiesOfBoth.slice(0, 1)) {
      for (const compare of compares) {
        for (const modeRule of rules) {
          for (const deletes of flags) {
            for (const force of flags) {
              for (const afresh of flags) {
                for (const trustModes of flags) {
                  yield { mode, onDrift, can, compare, modeRule, delete: deletes, force, afresh, trustModes };
                }
              }
            }
          }
        }
      }
    }
  }
}

function isUnchanged({ base, local, remote }: World): boolean {
  if (base === null || base.racy || local === null || remote === null) return false;
  const isAsBefore = (now: Entry, was: Entry) =>
    now.kind === was.kind && sameRevision(now, was) && now.mode === was.mode && now.ino === was.ino;
  return isAsBefore(local.entry, base.local) && isAsBefore(remote.entry, base.remote);
}

/** In terms of the side that is right and the one that follows. */
function invariantsOf(from: Side): Invariants {
  const to = otherSide(from);
  const drifted = ({ base, [to]: there }: World) =>
    base !== null && !sameRevision(there?.entry ?? null, base[to]);
  return {
    'writes one side only': ({ verdict }) => !isChange(verdict) || writtenSide(verdict) === to,
    'deletes nothing unless asked to': ({ policy, verdict }) =>
      policy.delete || verdict.type !== `delete-${to}`,
    'deletes only what the source lacks': ({ before, verdict }) =>
      verdict.type !== `delete-${to}` || before[from] === null,
    'is settled by the hashes it asks for': ({ verdict }) => verdict.type !== 'contents',
    'names what it saw on both sides': ({ before, verdict }) => {
      if (!isChange(verdict)) return true;
      if (verdict.type === 'set-aside') return sameEntry(verdict.entry, before[to]?.entry ?? null);
      const source = 'source' in verdict ? verdict.source : null;
      return (
        sameEntry(source, before[from]?.entry ?? null) &&
        sameEntry(verdict.destination, before[to]?.entry ?? null)
      );
    },
    'drift is told exactly when the destination is not what it was': ({ before, verdict }) => {
      if (verdict.type !== 'upload' && verdict.type !== 'download') return true;
      return verdict.drift === drifted(before);
    },
    'drift is overwritten, kept, kept beside or stopped at, as was asked for': ({
      before,
      policy,
      verdict,
      after,
    }) => {
      if (!drifted(before) || policy.onDrift === 'overwrite')
        return verdict.type !== 'halt' && verdict.type !== 'set-aside';
      if (!isNewVersion(before, before[to]) || before[to] === null) return true;
      if (policy.onDrift === 'backup' && verdict.type === 'set-aside') return true;
      return worthOf(after[to]) === worthOf(before[to]);
    },
    'an unchanged pair is left alone': ({ before, policy, verdict }) => {
      const asks = policy.force || policy.afresh || !policy.trustModes;
      if (asks || !isUnchanged(before)) return true;
      return verdict.type === 'none' || (verdict.type === 'refuse' && !policy.can[to].symlinks);
    },
    'a touch or a chmod sends no content': ({ before, policy, verdict }) => {
      const { base, [from]: source, [to]: there } = before;
      if (policy.force || base === null || source?.entry.kind !== 'file' || there === null) return true;
      if (source.content !== there.content || base[from].kind !== 'file') return true;
      return drifted(before) || isNewVersion(before, there) || !isTransfer(verdict);
    },
    'sets only what the destination can be told': ({ policy, verdict }) => {
      if (verdict.type !== 'set-metadata') return true;
      const { mode, mtimeMs } = verdict.change;
      if (mode === undefined && mtimeMs === undefined) return false;
      return (mode === undefined || policy.can[to].modes) && (mtimeMs === undefined || policy.can[to].times);
    },
    'a side without modes has none to give': ({ policy, verdict }) =>
      verdict.type !== 'set-metadata' || verdict.change.mode === undefined || policy.can[from].modes,
    'a racy base is not trusted': ({ before: { base, ...sides }, policy, verdict, hashed }) => {
      const { [from]: source, [to]: there } = sides;
      if (base?.racy !== true || source?.entry.kind !== 'file' || there?.entry.kind !== 'file') return true;
      if (policy.force || !sameRevision(source.entry, base[from]) || !sameRevision(there.entry, base[to]))
        return true;
      const known = base[from].hash !== undefined;
      if (known && isNewVersion({ ...sides, base }, there)) return true;
      return hashed && isTransfer(verdict) === (source.content !== there.content);
    },
    'reading both sides afresh ends in equal contents': ({ policy, after }) => {
      if (!policy.afresh || policy.onDrift !== 'overwrite') return true;
      if (after[from]?.entry.kind !== 'file' || after[to] === null) return true;
      return after[from].content === after[to].content;
    },
    'what is done once is not done again': ({ policy, verdict, after }) => {
      if (verdict.type === 'refuse' || verdict.type === 'halt') return true;
      // It was spared from being forced onto the other side: without that, it is decided on its own.
      if (policy.force && verdict.type === 'none' && verdict.drift === true) return true;
      const calm = { ...policy, force: false, trustModes: true };
      const again = resolve(after, calm).verdict;
      // The place is free now: the source's version takes it.
      if (verdict.type === 'set-aside') return isChange(again) && worthOf(after[to]) === 'nothing';
      return again.type === 'none';
    },
    'where modes are set, the destination has the wanted one': ({ policy, verdict, after }) => {
      if (!policy.can[to].modes || !policy.can[from].modes || policy.trustModes) return true;
      if (verdict.type === 'refuse' || policy.onDrift !== 'overwrite') return true;
      const { [from]: source, [to]: there } = after;
      if (source === null || there === null || source.entry.kind === 'symlink') return true;
      return there.entry.mode === policy.modeRule(source.entry.mode, source.entry.kind);
    },
    'without a refusal the kinds agree afterwards': ({ policy, verdict, after }) => {
      if (verdict.type === 'refuse' || policy.onDrift !== 'overwrite') return true;
      return after[from] === null || after[from].entry.kind === after[to]?.entry.kind;
    },
  };
}

function isTransfer({ type }: Verdict): boolean {
  return type === 'upload' || type === 'download';
}

function sameEntry(a: Entry | null, b: Entry | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.kind === b.kind &&
    a.mtimeMs === b.mtimeMs &&
    a.mode === b.mode &&
    a.size === b.size &&
    a.target === b.target
  );
}

describe.each([
  ['push', 'local'],
  ['pull', 'remote'],
] as const)('%s, in every situation under every policy', (mode, from) => {
  const invariants = invariantsOf(from);
  let found: Record<string, string[]>;
  beforeAll(() => {
    found = violations(invariants, policies(mode), situations());
  });
  test.each(Object.keys(invariants))('%s', (name) => {
    expect(found[name]).toEqual([]);
  });
});
