import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { save } from '../support/save.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, run, towline, watch } from '../support/towline.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** What is in the file; `null` when there is none. */
function read(root: string, path: string): string | null {
  const file = join(root, path);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

const large = (letter: string) => letter.repeat(3000);

describe('--max-size', () => {
  test.each([
    ['push', 'local', 'remote'],
    ['pull', 'remote', 'local'],
  ] as const)('%s: larger files are neither carried nor deleted, and counted', async (verb, from, to) => {
    const pair = freshPair(sshd);
    save(pair[from], 'small', 'x');
    save(pair[from], 'big', large('a'));
    save(pair[to], 'd/big there', large('b'));
    save(pair[to], 'd/small there', 'y');
    const first = await run(verb, pair, ['--max-size', '2k', '--delete', '--max-delete', '100%']);
    // The folder stays for what is left out in it.
    expect(first).toMatchObject({ code: 0, transferred: 1, leftOut: 2 });
    expect(read(pair[to], 'big')).toBeNull();
    expect(read(pair[to], 'd/big there')).toBe(large('b'));
    expect(read(pair[to], 'd/small there')).toBeNull();
    // It grows over the limit: the copy over there stays as it is.
    save(pair[from], 'small', large('s'));
    expect(await run(verb, pair, ['--max-size', '2k'])).toMatchObject({ code: 0, transferred: 0 });
    expect(read(pair[to], 'small')).toBe('x');
    // It goes, while the copy over there is too large: that stays, even when the limit is lifted.
    rmSync(join(pair[from], 'small'));
    save(pair[to], 'small', large('t'));
    await run(verb, pair, ['--max-size', '2k', '--delete', '--max-delete', '100%']);
    await run(verb, pair, ['--delete', '--max-delete', '100%']);
    expect(read(pair[to], 'small')).toBe(large('t'));
    expect(read(pair[to], 'd/big there')).toBe(large('b'));
    expect(read(pair[to], 'big')).toBe(large('a'));
  });

  test('sync: no side gets or loses what is too large on either', async () => {
    const pair = freshPair(sshd);
    for (const name of ['a', 'b', 'd/c']) save(pair.local, name, `first ${name}`);
    await run('sync', pair);
    save(pair.local, 'a', large('a'));
    save(pair.local, 'new here', large('h'));
    save(pair.remote, 'new there', large('t'));
    save(pair.remote, 'd/c', large('c'));
    rmSync(join(pair.local, 'd'), { recursive: true });
    const limited = await run('sync', pair, ['--max-size', '2k', '--max-delete', '100%']);
    expect(limited).toMatchObject({ code: 0, transferred: 0, leftOut: 4, conflicts: 0 });
    expect(read(pair.remote, 'a')).toBe('first a');
    expect(read(pair.remote, 'new here')).toBeNull();
    expect(read(pair.local, 'new there')).toBeNull();
    expect(read(pair.remote, 'd/c')).toBe(large('c'));
    // Without the limit nothing is lost: what one side had is brought to the other.
    await run('sync', pair);
    await run('sync', pair);
    for (const root of [pair.local, pair.remote]) {
      expect([read(root, 'a'), read(root, 'new here'), read(root, 'new there')]).toEqual(
        ['a', 'h', 't'].map(large),
      );
      expect(read(root, 'd/c')).toBe(large('c'));
    }
  });

  test('a large file here, a folder there: both stay, with what is in the folder', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'x', large('x'));
    save(pair.remote, 'x/inside', 'y');
    expect(await run('push', pair, ['--max-size', '2k', '--delete', '--max-delete', '100%'])).toMatchObject({
      code: 0,
      deleted: 0,
      // The two, and what is inside.
      leftOut: 2,
    });
    expect(read(pair.remote, 'x/inside')).toBe('y');
  });

  test('while watching, a file that grows over the limit stays over there, and comes when it shrinks', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a', 'small');
    const agent = watch(pair, ['--max-size', '2k']);
    await agent.ready();
    save(pair.local, 'a', large('a'));
    save(pair.local, 'after', 'x');
    await eventually(() => expect(read(pair.remote, 'after')).toBe('x'));
    expect(read(pair.remote, 'a')).toBe('small');
    save(pair.local, 'a', 'small again');
    await eventually(() => expect(read(pair.remote, 'a')).toBe('small again'));
    expect(await agent.stop()).toBe(0);
  });
});

describe('one way only', () => {
  test('push: what is not sent is not deleted there either; the other way means nothing', async () => {
    const pair = freshPair(sshd);
    for (const name of ['a.env', 'b.txt', 'd/c.env']) save(pair.local, name, `local ${name}`);
    save(pair.remote, 'server.env', 'theirs');
    const flags = ['--exclude-up', '*.env', '--exclude-down', '*.txt', '--delete', '--max-delete', '100%'];
    expect(await run('push', pair, flags)).toMatchObject({ code: 0, transferred: 1, deleted: 0 });
    expect([read(pair.remote, 'b.txt'), read(pair.remote, 'a.env'), read(pair.remote, 'server.env')]).toEqual(
      ['local b.txt', null, 'theirs'],
    );
  });

  test('sync: changes go the open way only, and nothing is deleted on the closed side', async () => {
    const pair = freshPair(sshd);
    for (const name of ['up.log', 'down.env', 'd/down.env', 'both']) save(pair.local, name, `first ${name}`);
    await run('sync', pair);
    const flags = ['--exclude-up', '*.env', '--exclude-down', '*.log', '--max-delete', '100%'];
    save(pair.local, 'new.env', 'secret');
    save(pair.remote, 'new.log', 'theirs');
    save(pair.remote, 'up.log', 'changed there');
    save(pair.remote, 'down.env', 'changed there');
    rmSync(join(pair.local, 'd'), { recursive: true });
    save(pair.local, 'both', 'changed here');
    expect((await run('sync', pair, flags)).code).toBe(0);
    expect(read(pair.remote, 'new.env')).toBeNull();
    expect(read(pair.local, 'new.log')).toBeNull();
    expect(read(pair.local, 'up.log')).toBe('first up.log');
    expect(read(pair.local, 'down.env')).toBe('changed there');
    expect(read(pair.remote, 'both')).toBe('changed here');
    await run('sync', pair, flags);
    // It was deleted here, may not be deleted there, and so comes back.
    expect(read(pair.remote, 'd/down.env')).toBe('first d/down.env');
    expect(read(pair.local, 'd/down.env')).toBe('first d/down.env');
    // Both changed: no copy of what is not sent gets a name that might be sent.
    save(pair.local, 'down.env', 'mine');
    save(pair.remote, 'down.env', 'theirs');
    const conflict = await run('sync', pair, flags);
    expect(conflict.problems).toMatchObject([{ path: 'down.env', code: 'conflict' }]);
    expect([read(pair.local, 'down.env'), read(pair.remote, 'down.env')]).toEqual(['mine', 'theirs']);
  });

  test('a rename across the rule is no rename over there', async () => {
    const pair = freshPair(sshd);
    save(pair.local, 'a.env', 'x');
    await run('sync', pair);
    renameSync(join(pair.local, 'a.env'), join(pair.local, 'a.txt'));
    const moved = await run('sync', pair, ['--exclude-up', '*.env', '--max-delete', '100%']);
    expect(moved).toMatchObject({ code: 0, moved: 0 });
    expect([read(pair.remote, 'a.txt'), read(pair.remote, 'a.env')]).toEqual(['x', 'x']);
    renameSync(join(pair.local, 'a.txt'), join(pair.local, 'b.txt'));
    expect(await run('sync', pair, ['--exclude-up', '*.env'])).toMatchObject({ moved: 1 });
  });
});

test('a folder that stays for what is excluded in it is told of by each run, and is no deletion', async () => {
  const pair = freshPair(sshd);
  save(pair.local, 'kept', 'x');
  save(pair.local, 'd/sub/file', 'x');
  const flags = [...pair.flags, '--exclude', '*.log', '--delete', '--max-delete', '3'];
  const push = (...more: string[]) => towline(['push', ...flags, ...more, pair.local, pair.target]);
  await push();
  save(pair.remote, 'd/sub/debug.log', 'theirs');
  rmSync(join(pair.local, 'd'), { recursive: true });
  const line = "'d' is not deleted: 'd/sub/debug.log' is excluded\n";
  const first = await push();
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout.replace(/in \d.*/, '')).toBe(
    `${line}− 1 deleted \n1 path the same already\nkept 2 that are only on the server\n`,
  );
  for (const run of [2, 3]) {
    const again = await push('--max-delete', '0');
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout.replace(/ \(.*\)/, ''), String(run)).toBe(
      `${line}nothing to do: 1 path the same on both sides\nkept 2 that are only on the server\n`,
    );
  }
  expect((await push('--dry-run')).stdout).not.toContain('delete there');
  expect(read(pair.remote, 'd/sub/debug.log')).toBe('theirs');
});

describe('changing the rules never deletes', () => {
  const everything = ['--delete', '--max-delete', '100%'];

  test.each([
    ['push', 'local', 'remote'],
    ['pull', 'remote', 'local'],
  ] as const)('%s', async (verb, from, to) => {
    const pair = freshPair(sshd);
    for (const name of ['a.log', 'd/b.log', 'c']) save(pair[from], name, name);
    await run(verb, pair);
    rmSync(join(pair[from], 'a.log'));
    rmSync(join(pair[from], 'd'), { recursive: true });
    expect(await run(verb, pair, ['--exclude', '*.log', ...everything])).toMatchObject({
      code: 0,
      deleted: 0,
    });
    expect(await run(verb, pair, everything)).toMatchObject({ code: 0, deleted: 0 });
    expect([read(pair[to], 'a.log'), read(pair[to], 'd/b.log')]).toEqual(['a.log', 'd/b.log']);
  });

  test.each([
    ['--exclude', '*.log'],
    ['--exclude-up', '*.log'],
    ['--exclude-down', '*.log'],
  ])('sync, %s', async (flag, pattern) => {
    const pair = freshPair(sshd);
    for (const name of ['gone here.log', 'gone there.log', 'c']) save(pair.local, name, name);
    await run('sync', pair);
    const closed = flag !== '--exclude-down';
    if (closed) rmSync(join(pair.local, 'gone here.log'));
    if (flag !== '--exclude-up') rmSync(join(pair.remote, 'gone there.log'));
    await run('sync', pair, [flag, pattern, '--max-delete', '100%']);
    await run('sync', pair, ['--max-delete', '100%']);
    for (const root of [pair.local, pair.remote])
      expect([read(root, 'gone here.log'), read(root, 'gone there.log')]).toEqual([
        'gone here.log',
        'gone there.log',
      ]);
  });
});

test('--filter-from: lines in order, among the other flags; a line that is no rule is named', async () => {
  const pair = freshPair(sshd);
  for (const name of ['a.log', 'keep.log', 'b.tmp', 'c']) save(pair.local, name, name);
  const rules = join(dirname(pair.local), 'rules');
  writeFileSync(rules, '# what is built\n- *.log\n; and\n+ keep.log\n\n- *.tmp\n');
  expect(await run('push', pair, ['--filter-from', rules, '--include', 'b.tmp'])).toMatchObject({
    transferred: 3,
  });
  expect(read(pair.remote, 'a.log')).toBeNull();
  writeFileSync(rules, '- a\n*.log\n');
  const wrong = await towline(['push', '--filter-from', rules, pair.local, pair.target, ...pair.flags]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain(`${rules}:2 is no filter rule`);
});
