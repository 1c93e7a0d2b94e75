import { describe, expect, test } from 'vitest';
import { filterWishes } from '../../src/config/filter-limits.js';
import type { ResolvedRule } from '../../src/config/resolve.js';
import { modes } from '../../src/core/policy.js';

const rules: ResolvedRule[] = [
  { type: 'exclude', pattern: 'both', source: '--exclude' },
  { type: 'exclude', pattern: '*.env', source: '--exclude-up', only: 'up' },
  { type: 'exclude', pattern: '*.log', source: '--exclude-down', only: 'down' },
  { type: 'include', pattern: 'keep.env', source: '--include' },
];

const patterns = (mode: (typeof modes)[number]) =>
  filterWishes(rules, null, mode).rules.map(({ pattern }) => pattern);

test('in a one-way mode the rules of that way are rules like others, and those of the other way are none', () => {
  expect(patterns('push')).toEqual(['both', '*.env', 'keep.env']);
  for (const mode of ['pull', 'pull-backup'] as const)
    expect(patterns(mode)).toEqual(['both', '*.log', 'keep.env']);
  expect(filterWishes(rules, null, 'push').limits).toBeUndefined();
});

describe.each(['two-way', 'push-backup'] as const)('%s', (mode) => {
  const { limits } = filterWishes(rules, null, mode);

  test('a rule for one way closes the side at its end', () => {
    expect(patterns(mode)).toEqual(['both', 'keep.env']);
    expect(limits?.isClosed('remote', 'd/a.env', 'file')).toBe(true);
    expect(limits?.isClosed('local', 'd/a.env', 'file')).toBe(false);
    expect(limits?.isClosed('local', 'a.log', 'file')).toBe(true);
    expect(limits?.isClosed('remote', 'a.log', 'file')).toBe(false);
  });

  test('the order among all rules decides', () => {
    expect(limits?.isClosed('remote', 'keep.env', 'file')).toBe(false);
    const last: ResolvedRule = { type: 'exclude', pattern: 'k*', source: '--exclude-up', only: 'up' };
    const after = filterWishes([...rules, last], null, mode);
    expect(after.limits?.isClosed('remote', 'keep.env', 'file')).toBe(true);
    expect(after.limits?.signature).not.toBe(limits?.signature);
  });
});

test('the size limit is one in every mode, and part of the signature', () => {
  for (const mode of modes) {
    expect(filterWishes([], null, mode).limits).toBeUndefined();
    expect(filterWishes([], 5, mode).limits?.maxSize).toBe(5);
    expect(filterWishes([], 5, mode).limits?.signature).not.toBe(filterWishes([], 6, mode).limits?.signature);
  }
});
