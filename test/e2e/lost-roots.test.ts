/** A two-way pair of which one root was lost, or emptied, while no agent ran. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, run, towline } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const sides = ['local', 'remote'] as const;

test.each([
  ['local', 'removed', 'pull'],
  ['local', 'emptied', 'pull'],
  ['remote', 'removed', 'push'],
  ['remote', 'emptied', 'push'],
] as const)(
  'the %s root is %s: it gets nothing new, and the other side keeps all',
  async (side, how, refill) => {
    const pair = freshPair(sshd);
    const lost = pair[side];
    const kept = pair[sides.find((other) => other !== side)!];
    for (const name of ['a', 'b', 'c']) writeFileSync(join(pair.local, name), name);
    mkdirSync(join(pair.local, 'sub'));
    await run('sync', pair);
    rmSync(lost, { recursive: true });
    if (how === 'emptied') mkdirSync(lost);
    writeFileSync(join(kept, 'new'), 'made while the other root was lost');
    const before = treeOf(kept);

    // A plan says the same.
    const planned = await towline(['sync', '--dry-run', ...pair.flags, '--json', pair.local, pair.target]);
    expect(planned.code, planned.stderr).toBe(5);
    expect(planned.stdout).not.toContain('"action":"upload"');
    expect(planned.stdout).not.toContain('"action":"download"');

    // Twice: what the first run leaves behind must not make the second one bolder.
    for (const attempt of [1, 2]) {
      const result = await run('sync', pair);
      expect(result, `attempt ${String(attempt)}`).toMatchObject({ deleted: 0, code: 5 });
      expect(result.problems).toEqual([expect.objectContaining({ path: 'new', code: 'unmounted' })]);
      expect(result.holds.map(({ cause }) => cause)).toContain('root-emptied');
      expect(treeOf(kept)).toEqual(before);
      expect(readdirSync(lost)).toEqual([]);
    }

    expect(await run(refill, pair)).toMatchObject({ code: 0 });
    expect(await run('sync', pair)).toMatchObject({ code: 0, deleted: 0 });
    expect(treeOf(kept)).toEqual(before);
    expect(treeOf(lost)).toEqual(before);
  },
);
