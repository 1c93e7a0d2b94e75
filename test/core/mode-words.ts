/** Situations and verdicts in a few words, for tables that people can read. */
import { expect, test } from 'vitest';
import type { Verdict } from '../../src/core/action.js';
import type { BasePair, Kind } from '../../src/core/entry.js';
import type { Policy } from '../../src/core/policy.js';
import { type There, type World, apply, hashOf, locals, remotes, resolve } from './mode-world.js';

/** What there is to know, and what is done: base, local, remote. */
export type Row = [
  title: string,
  base: string,
  local: string,
  remote: string,
  expected: string,
  policy?: Partial<Policy>,
];

/** `file touched`: that variant of `locals` or `remotes`; `''`: nothing is there. */
function thereOf(of: typeof locals, name: string): There | null {
  if (name === '') return null;
  const [kind, ...variant] = name.split(' ');
  const there = of[kind as Kind][variant.join(' ')];
  if (there === undefined) throw new Error(`no such variant: ${name}`);
  return there;
}

/**
 * `file`: both sides agreed on that kind; `racy`: on a file whose content may have changed since; `unhashed`: on one
 * whose content nobody read; `downloaded`: on one that came from the server; `''`: no base.
 */
function baseOf(name: string): BasePair | null {
  const file = { local: hashOf(locals.file.same!), remote: remotes.file.same!.entry, racy: false };
  switch (name) {
    case '':
      return null;
    case 'racy':
      return { ...file, racy: true };
    case 'unhashed':
      return { ...file, local: locals.file.same!.entry };
    case 'downloaded':
      return { local: locals.file.whole!.entry, remote: hashOf(remotes.file.same!), racy: false };
    default:
      return {
        local: hashOf(locals[name as Kind].same!),
        remote: remotes[name as Kind].same!.entry,
        racy: false,
      };
  }
}

export function worldOf(base: string, local: string, remote: string): World {
  return { base: baseOf(base), local: thereOf(locals, local), remote: thereOf(remotes, remote) };
}

/** The verdict in a few words: `upload, drift`, `set-metadata mode`, … */
export function words(verdict: Verdict): string {
  switch (verdict.type) {
    case 'upload':
    case 'download':
      return `${verdict.type}${verdict.drift && verdict.conflict !== true ? ', drift' : ''}${verdict.conflict === true ? ', conflict' : ''}`;
    case 'set-metadata': {
      const change = Object.keys(verdict.change).sort().join(' and ');
      return `${verdict.type} ${change}${verdict.side === 'local' ? ' here' : ''}`;
    }
    case 'make-directory':
    case 'set-aside':
      return `${verdict.type}${verdict.side === 'local' ? ' here' : ' there'}`;
    case 'none':
      return `none${verdict.kept ? ', kept' : ''}${verdict.drift === true ? ', drift' : ''}`;
    case 'adopt':
      return `${verdict.local === null ? 'forget' : 'adopt'}${verdict.kept ? ', kept' : ''}`;
    default:
      return verdict.type;
  }
}

/** The same, with what had to be read for it. */
export function decisionOf(world: World, policy: Policy): string {
  const { verdict, wants } = resolve(world, policy);
  return wants.length === 0 ? words(verdict) : `read ${wants.join(' and ')}, ${words(verdict)}`;
}

export function settle(world: World, policy: Policy): World {
  return apply(world, resolve(world, policy).verdict, policy);
}

/** A test for each row. */
export function decides(title: string, rows: readonly Row[], policy: Policy): void {
  test.each(rows)(`${title}: %s`, (_, base, local, remote, expected, more) => {
    expect(decisionOf(worldOf(base, local, remote), { ...policy, ...more })).toBe(expected);
  });
}
