import { beforeAll, describe, expect, test } from 'vitest';
import { type Change, type Verdict, writtenSide } from '../../src/core/action.js';
import { type Compare, sameRevision } from '../../src/core/compare.js';
import type { BasePair, Entry, Kind } from '../../src/core/entry.js';
import type { Policy } from '../../src/core/policy.js';
import {
  type There,
  type World,
  all,
  apply,
  hashOf,
  kinds,
  locals,
  remotes,
  resolve,
  usual,
  without,
} from './mode-world.js';

interface Situation extends World {
  readonly name: string;
}

function* situations(): Generator<Situation> {
  for (const [localName, local] of variants(locals)) {
    for (const [remoteName, remote] of variants(remotes)) {
      for (const [baseName, base] of bases()) {
        yield { name: `base ${baseName}, local ${localName}, remote ${remoteName}`, base, local, remote };
      }
    }
  }
}

function variants(of: Record<Kind, Record<string, There>>): [string, There | null][] {
  const some = kinds.flatMap((kind) =>
    Object.entries(of[kind]).map(([name, there]): [string, There] => [`${kind} ${name}`, there]),
  );
  return [['none', null], ...some];
}

function* bases(): Generator<[string, BasePair | null]> {
  yield ['none', null];
  for (const localKind of kinds) {
    for (const remoteKind of kinds) {
      const local = locals[localKind].same!;
      const remote = remotes[remoteKind].same!.entry;
      yield [`${localKind}/${remoteKind}`, { local: hashOf(local), remote, racy: false }];
      if (localKind !== 'file') continue;
      yield [`${localKind}/${remoteKind} unhashed`, { local: local.entry, remote, racy: false }];
      yield [`${localKind}/${remoteKind} racy`, { local: hashOf(local), remote, racy: true }];
      yield [`${localKind}/${remoteKind} racy unhashed`, { local: local.entry, remote, racy: true }];
    }
  }
}

function* policies(): Generator<[string, Policy]> {
  const abilities = [all, ...(Object.keys(all.remote) as Parameters<typeof without>[0][]).map(without)];
  const rules: [string, Policy['modeRule']][] = [
    ['as it is', (mode) => mode],
    ['group may write', (mode) => mode | 0o020],
  ];
  const flags = [false, true];
  for (const can of abilities) {
    for (const compare of ['size', 'mtime+size', 'checksum'] as Compare[]) {
      for (const [rule, modeRule] of rules) {
        for (let bits = 0; bits < 16; bits++) {
          const [deletes, force, afresh, trustModes] = [8, 4, 2, 1].map(
            (bit) => flags[Math.sign(bits & bit)]!,
          );
          const policy = {
            ...usual,
            delete: deletes!,
            force: force!,
            afresh: afresh!,
            trustModes: trustModes!,
            compare,
            modeRule,
            can,
          };
          yield [`${JSON.stringify(policy)} ${rule}`, policy];
        }
      }
    }
  }
}

/** One situation under one policy: what was decided, and (looked at again after it was done) what then. */
interface Decided {
  readonly before: Situation;
  readonly policy: Policy;
  readonly verdict: Verdict;
  readonly hashed: boolean;
  readonly after: World;
}

function isChange(verdict: Verdict): verdict is Change {
  return !['none', 'adopt', 'contents', 'refuse'].includes(verdict.type);
}

function isUnchanged({ base, local, remote }: World): boolean {
  if (base === null || base.racy || local === null || remote === null) return false;
  const isAsBefore = (now: Entry, was: Entry) =>
    now.kind === was.kind && sameRevision(now, was) && now.mode === was.mode && now.ino === was.ino;
  return isAsBefore(local.entry, base.local) && isAsBefore(remote.entry, base.remote);
}

/** What must hold of every decision: true, or it is a fault. */
const invariants: Record<string, (decided: Decided) => boolean> = {
  'writes the remote side only': ({ verdict }) => !isChange(verdict) || writtenSide(verdict) === 'remote',
  'deletes nothing unless asked to': ({ policy, verdict }) =>
    policy.delete || verdict.type !== 'delete-remote',
  'deletes only what the source lacks': ({ before, verdict }) =>
    verdict.type !== 'delete-remote' || before.local === null,
  'is settled by the hashes it asks for': ({ verdict }) => verdict.type !== 'contents',
  'names what it saw on both sides': ({ before, verdict }) => {
    if (!isChange(verdict)) return true;
    if (verdict.type === 'set-aside') return false;
    const source = 'source' in verdict ? verdict.source : null;
    return (
      sameEntry(source, before.local?.entry ?? null) &&
      sameEntry(verdict.destination, before.remote?.entry ?? null)
    );
  },
  'drift is told exactly when the destination is not what it was': ({ before, verdict }) => {
    if (verdict.type !== 'upload') return true;
    const { base, remote } = before;
    return verdict.drift === (base !== null && !sameRevision(remote?.entry ?? null, base.remote));
  },
  'an unchanged pair is left alone': ({ before, policy, verdict }) => {
    const asks = policy.force || policy.afresh || !policy.trustModes;
    if (asks || !isUnchanged(before) || before.base?.local.kind !== before.base?.remote.kind) return true;
    return verdict.type === 'none' || (verdict.type === 'refuse' && !policy.can.remote.symlinks);
  },
  'a touch or a chmod sends no content': ({ before, policy, verdict }) => {
    if (policy.force || before.base === null || before.local?.entry.kind !== 'file' || before.remote === null)
      return true;
    if (before.local.content !== before.remote.content || before.base.local.kind !== 'file') return true;
    return !sameRevision(before.remote.entry, before.base.remote) || verdict.type !== 'upload';
  },
  'sets only what the destination can be told': ({ policy, verdict }) => {
    if (verdict.type !== 'set-metadata') return true;
    const { mode, mtimeMs } = verdict.change;
    if (mode === undefined && mtimeMs === undefined) return false;
    return (
      (mode === undefined || policy.can.remote.modes) && (mtimeMs === undefined || policy.can.remote.times)
    );
  },
  'a racy base is not trusted': ({ before: { base, local, remote }, policy, verdict, hashed }) => {
    if (base?.racy !== true || local?.entry.kind !== 'file' || remote?.entry.kind !== 'file' || policy.force)
      return true;
    if (!sameRevision(local.entry, base.local) || !sameRevision(remote.entry, base.remote)) return true;
    return hashed && (verdict.type === 'upload') === (local.content !== remote.content);
  },
  'reading both sides afresh ends in equal contents': ({ policy, after }) => {
    if (!policy.afresh || after.local?.entry.kind !== 'file' || after.remote === null) return true;
    return after.local.content === after.remote.content;
  },
  'what is done once is not done again': ({ policy, verdict, after }) => {
    if (verdict.type === 'refuse') return true;
    const again = resolve(after, { ...policy, force: false, trustModes: true }).verdict;
    return again.type === 'none';
  },
  'where modes are set, the destination has the wanted one': ({ policy, verdict, after }) => {
    if (!policy.can.remote.modes || policy.trustModes || verdict.type === 'refuse') return true;
    const { local, remote } = after;
    if (local === null || remote === null || local.entry.kind === 'symlink') return true;
    return remote.entry.mode === policy.modeRule(local.entry.mode, local.entry.kind);
  },
  'without a refusal the kinds agree afterwards': ({ verdict, after }) => {
    return (
      verdict.type === 'refuse' || after.local === null || after.local.entry.kind === after.remote?.entry.kind
    );
  },
};

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

const violationsShown = 3;

/** By invariant: the first few that break it. One pass over everything, since it is more than a million decisions. */
function violations(): Record<string, string[]> {
  const rules = Object.entries(invariants).map(([name, holds]) => ({ name, holds, found: [] as string[] }));
  const all = [...situations()];
  for (const [policyName, policy] of policies()) {
    for (const before of all) {
      const { verdict, hashed } = resolve(before, policy);
      const decided: Decided = { before, policy, verdict, hashed, after: apply(before, verdict, policy) };
      for (const { holds, found } of rules) {
        if (found.length < violationsShown && !holds(decided)) {
          found.push(`${before.name}: ${JSON.stringify(verdict)} under ${policyName}`);
        }
      }
    }
  }
  return Object.fromEntries(rules.map(({ name, found }) => [name, found]));
}

describe('push, in every situation under every policy', () => {
  let found: Record<string, string[]>;
  beforeAll(() => {
    found = violations();
  });
  test.each(Object.keys(invariants))('%s', (name) => {
    expect(found[name]).toEqual([]);
  });
});
