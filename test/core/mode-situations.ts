/** Every situation of one path under every policy, and which invariants break where. */
import type { Change, Verdict } from '../../src/core/action.js';
import type { Compare } from '../../src/core/compare.js';
import type { BasePair, Kind, Side } from '../../src/core/entry.js';
import type { Abilities, Policy } from '../../src/core/policy.js';
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

export interface Situation extends World {
  readonly name: string;
}

/** One situation under one policy: what was decided, and how the world is after it was done. */
export interface Decided {
  readonly before: Situation;
  readonly policy: Policy;
  readonly verdict: Verdict;
  readonly hashed: boolean;
  readonly after: World;
}

/** What must hold of every decision: true, or it is a fault. */
export type Invariants = Record<string, (decided: Decided) => boolean>;

export const compares: readonly Compare[] = ['size', 'mtime+size', 'checksum'];
export const flags: readonly boolean[] = [false, true];

export const modeRules: readonly Policy['modeRule'][] = [(mode) => mode, (mode) => mode | 0o020];

/** Both sides can do everything, or one of them lacks one thing. */
export function* abilities(): Generator<Policy['can']> {
  yield all;
  for (const side of ['local', 'remote'] as const) {
    for (const off of Object.keys(all.local) as (keyof Abilities)[]) yield without(off, side);
  }
}

export function situations(): Situation[] {
  const found: Situation[] = [];
  for (const [localName, local] of variants(locals)) {
    for (const [remoteName, remote] of variants(remotes)) {
      for (const [baseName, base] of bases()) {
        const name = `base ${baseName}, local ${localName}, remote ${remoteName}`;
        found.push({ name, base, local, remote });
      }
    }
  }
  return found;
}

function variants(of: Record<Kind, Record<string, There>>): [string, There | null][] {
  const some = kinds.flatMap((kind) =>
    Object.entries(of[kind]).map(([name, there]): [string, There] => [`${kind} ${name}`, there]),
  );
  return [['none', null], ...some];
}

function* bases(): Generator<[string, BasePair | null]> {
  yield ['none', null];
  for (const kind of kinds) {
    const local = locals[kind].same!;
    const remote = remotes[kind].same!.entry;
    yield [kind, { local: hashOf(local), remote, racy: false }];
    if (kind !== 'file') continue;
    yield ['unhashed', { local: local.entry, remote, racy: false }];
    yield ['racy', { local: hashOf(local), remote, racy: true }];
    yield ['racy unhashed', { local: local.entry, remote, racy: true }];
  }
  const downloaded = { local: locals.file.whole!.entry, remote: hashOf(remotes.file.same!) };
  yield ['downloaded', { ...downloaded, racy: false }];
  yield ['downloaded racy', { ...downloaded, racy: true }];
  yield ['downloaded racy unhashed', { ...downloaded, remote: remotes.file.same!.entry, racy: true }];
}

/** The last decision of a path that is decided on again and again; `null`: it never comes to an end. */
export function ending(world: World, policy: Policy, stepsMax: number): Verdict | null {
  let now = world;
  for (let step = 0; step < stepsMax; step++) {
    const { verdict } = resolve(now, policy);
    if (isAtRest(verdict)) return verdict;
    now = apply(now, verdict, policy);
  }
  return null;
}

export function isAtRest({ type }: Verdict): boolean {
  return type === 'none' || type === 'refuse' || type === 'conflict' || type === 'halt';
}

export function isChange(verdict: Verdict): verdict is Change {
  return !isAtRest(verdict) && verdict.type !== 'adopt' && verdict.type !== 'contents';
}

/** What a side's version of a path is, beyond its metadata: two are the same when nothing of one is lost with it. */
export function worthOf(there: There | null): string {
  if (there === null) return 'nothing';
  const { kind, target = '' } = there.entry;
  return `${kind} ${target}${there.content}`;
}

/** Whether a side's version is another one than the sides agreed on (and not only another time or mode). */
export function isNewVersion({ base }: World, there: There | null): boolean {
  if (there === null) return false;
  const was = base === null ? null : agreedVersions[base.local.kind];
  return worthOf(there) !== was;
}

/** Every base was made of these. */
const agreedVersions: Record<Kind, string> = {
  file: worthOf(locals.file.same!),
  directory: worthOf(locals.directory.same!),
  symlink: worthOf(locals.symlink.same!),
};

export function otherSide(side: Side): Side {
  return side === 'local' ? 'remote' : 'local';
}

const violationsShown = 3;

/** By invariant: the first few that break it. One pass over everything, since it is millions of decisions. */
export function violations(
  invariants: Invariants,
  policies: Iterable<Partial<Policy>>,
  all: readonly Situation[],
): Record<string, string[]> {
  const rules = Object.entries(invariants).map(([name, holds]) => ({ name, holds, found: [] as string[] }));
  for (const wishes of policies) {
    const policy = { ...usual, ...wishes };
    for (const before of all) {
      // How the sides are compared with each other counts only where they have no past.
      if (before.base !== null && policy.compare !== usual.compare) continue;
      const { verdict, hashed } = resolve(before, policy);
      const decided: Decided = { before, policy, verdict, hashed, after: apply(before, verdict, policy) };
      for (const { holds, found } of rules) {
        if (found.length < violationsShown && !holds(decided)) {
          const rule = policy.modeRule === modeRules[0] ? '' : ' group may write';
          found.push(`${before.name}: ${JSON.stringify(verdict)} under ${JSON.stringify(policy)}${rule}`);
        }
      }
    }
  }
  return Object.fromEntries(rules.map(({ name, found }) => [name, found]));
}
