import { describe, expect, test } from 'vitest';
import { writtenSide, type Change, type Verdict } from '../../src/core/action.js';
import type { BasePair, Entry, Side, Triple } from '../../src/core/entry.js';
import { shadowsBelow } from '../../src/core/limits.js';
import { decide } from '../../src/core/mode.js';
import { conflictPolicies, type Limits, modes, type Policy } from '../../src/core/policy.js';
import { hashOf, locals, remotes, usual } from './mode-world.js';

const closedTo = (...sides: Side[]): Limits => ({
  maxSize: null,
  isClosed: (side) => sides.includes(side),
  signature: '',
});
const upTo = (maxSize: number): Limits => ({ maxSize, isClosed: () => false, signature: '' });

const entriesOf = (of: typeof locals): (Entry | null)[] => [
  null,
  ...Object.values(of).flatMap((variants) =>
    Object.values(variants).map((there) => (there.entry.kind === 'file' ? hashOf(there) : there.entry)),
  ),
];
const bases: (BasePair | null)[] = [
  null,
  ...(['file', 'directory', 'symlink'] as const).map((kind) => ({
    local: hashOf(locals[kind].same!),
    remote: remotes[kind].same!.entry,
    racy: false,
  })),
];

/** Every world of one path under every mode and policy. */
function* cases(): Generator<{ triple: Triple; policy: Policy }> {
  for (const mode of modes)
    for (const conflict of mode === 'two-way' ? conflictPolicies : (['keep-both'] as const))
      for (const deletes of mode.endsWith('backup') ? [false] : [true, false])
        for (const base of bases)
          for (const local of entriesOf(locals))
            for (const remote of entriesOf(remotes))
              yield {
                triple: { path: 'p', base, local, remote },
                policy: { ...usual, mode, conflict, delete: deletes },
              };
}

const isChange = (verdict: Verdict): verdict is Change =>
  !['none', 'adopt', 'contents', 'conflict', 'halt', 'refuse'].includes(verdict.type);

const isDeletion = ({ type }: Verdict) => type === 'delete-local' || type === 'delete-remote';

describe('in every mode, whatever there is', () => {
  test('nothing is done on a closed side, and what needs nothing there is as ever', () => {
    const counts = { blocked: 0, untouched: 0 };
    for (const { triple, policy } of cases()) {
      const free = decide(triple, policy);
      for (const sides of [['local'], ['remote'], ['local', 'remote']] as Side[][]) {
        const verdict = decide(triple, { ...policy, limits: closedTo(...sides) });
        if (isChange(verdict)) expect(sides).not.toContain(writtenSide(verdict));
        if (isChange(free) && free.type !== 'set-aside' && !sides.includes(writtenSide(free))) {
          counts.untouched++;
          expect(verdict).toEqual(free);
        } else if (isChange(free)) counts.blocked++;
        else expect(verdict).toEqual(free);
      }
    }
    expect(counts.blocked).toBeGreaterThan(1_000);
    expect(counts.untouched).toBeGreaterThan(1_000);
  });

  test('a file that is too large on either side is neither carried nor deleted; others are as ever', () => {
    const counts = { left: 0, other: 0 };
    for (const { triple, policy } of cases()) {
      const verdict = decide(triple, { ...policy, limits: upTo(4) });
      const large = [triple.local, triple.remote].some((entry) => entry?.kind === 'file' && entry.size > 4);
      if (!large) {
        counts.other++;
        expect(verdict).toEqual(decide(triple, policy));
        continue;
      }
      counts.left++;
      expect(verdict).toMatchObject({ leftOut: 'size', kept: false });
    }
    expect(counts.left).toBeGreaterThan(1_000);
    expect(counts.other).toBeGreaterThan(1_000);
  });

  test('what limits kept from being deleted is not deleted in two-way once they are gone', () => {
    let kept = 0;
    for (const { triple, policy } of cases()) {
      if (policy.mode !== 'two-way' || !isDeletion(decide(triple, policy))) continue;
      for (const limits of [closedTo('local', 'remote'), upTo(0)]) {
        const verdict = decide(triple, { ...policy, limits });
        if (verdict.type !== 'adopt') continue;
        kept++;
        expect(verdict).toMatchObject({ local: null, remote: null });
        expect(isDeletion(decide({ ...triple, base: null }, policy))).toBe(false);
      }
    }
    expect(kept).toBeGreaterThan(5);
  });
});

describe('two-way, one way closed', () => {
  const file = { base: bases[1]!, local: hashOf(locals.file.same!), remote: remotes.file.same!.entry };
  const edited = { local: hashOf(locals.file.edited!), remote: hashOf(remotes.file.resized!) };
  const twoWay: Policy = { ...usual, mode: 'two-way', delete: true };
  const rows: [string, Partial<Triple>, Side, string, Partial<Policy>?][] = [
    ['a change here is not sent', { local: edited.local }, 'remote', 'none'],
    ['a change there is brought', { remote: edited.remote }, 'remote', 'download'],
    ['a change there is not brought', { remote: edited.remote }, 'local', 'none'],
    ['a deletion here is made up for', { local: null }, 'remote', 'download'],
    ['a deletion there follows here', { remote: null }, 'remote', 'delete-local'],
    ['a deletion there is made up for', { remote: null }, 'local', 'upload'],
    ['new here stays here', { base: null, remote: null }, 'remote', 'none'],
    ['both changed: no copy is made of what is not sent', edited, 'remote', 'conflict'],
    ['both changed, the remote one wins', edited, 'remote', 'download', { conflict: 'remote' }],
    ['both changed, the local one may not win', edited, 'remote', 'none', { conflict: 'local' }],
    ['a person wants both', edited, 'remote', 'set-aside', { resolutionOf: () => 'both' }],
  ];
  test.each(rows)('%s', (_, change, closed, expected, policy) => {
    const triple: Triple = { path: 'p', ...file, ...change };
    expect(decide(triple, { ...twoWay, ...policy, limits: closedTo(closed) }).type).toBe(expected);
  });
});

test('below a file that is left alone, the directory in its place is left alone too', () => {
  const [local, remote] = [hashOf(locals.file.same!), remotes.directory.same!.entry];
  const policy: Policy = { ...usual, delete: true, limits: upTo(1) };
  const clash: Triple = { path: 'p', base: null, local, remote };
  expect(shadowsBelow(decide(clash, policy), clash)).toBe(true);
  expect(shadowsBelow(decide(clash, { ...policy, limits: upTo(9) }), clash)).toBe(false);
  const alone: Triple = { ...clash, remote: null };
  expect(shadowsBelow(decide(alone, policy), alone)).toBe(false);
});
