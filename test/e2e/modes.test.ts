import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { save } from '../support/save.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type RunResult, type TestPair, type Verb, freshPair, run, towline } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

function read(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function copiesIn(root: string): string[] {
  return readdirSync(root).filter((name) => name.includes('.conflict-'));
}

/** Modes and times of directories are left out: where both sides change names in one, theirs differ. */
function expectEqual(pair: TestPair): void {
  expect(treeOf(pair.local)).toEqual(treeOf(pair.remote));
}

async function agreed(verb: Verb, ...flags: string[]): Promise<TestPair> {
  const pair = freshPair(sshd);
  mkdirSync(pair.remote, { recursive: true });
  for (const name of ['a.txt', 'b.txt', 'd/one', 'd/two', 'd/e/three'])
    save(pair.local, name, `first ${name}`);
  await run('push', pair);
  await run(verb, pair, flags);
  return pair;
}

describe('pull', () => {
  test('brings what is new or changed, deletes only when asked to, and never writes there', async () => {
    const pair = freshPair(sshd);
    for (const name of ['a', 'd/b', 'd/e/c']) save(pair.remote, name, `remote ${name}`);
    save(pair.local, 'mine', 'only here');
    const first = await run('pull', pair);
    expect(first).toMatchObject({ code: 0, transferred: 3, kept: 1, failed: 0 });
    expect(read(pair.local, 'd/e/c')).toBe('remote d/e/c');
    expect((await run('pull', pair)).transferred).toBe(0);
    save(pair.remote, 'd/b', 'changed');
    rmSync(join(pair.remote, 'a'));
    const before = treeOf(pair.remote);
    expect(await run('pull', pair, ['--delete'])).toMatchObject({ code: 0, transferred: 1, deleted: 2 });
    expectEqual(pair);
    expect(treeOf(pair.remote)).toEqual(before);
  });

  test('takes the two arguments in either order, and makes the local folder', async () => {
    const pair = freshPair(sshd);
    save(pair.remote, 'a', 'x');
    rmSync(pair.local, { recursive: true });
    const done = await towline(['pull', ...pair.flags, pair.target, pair.local]);
    expect(done.code).toBe(0);
    expectEqual(pair);
  });

  test('a remote folder that is missing is a mistake, and is not made', async () => {
    const pair = freshPair(sshd);
    rmSync(pair.remote, { recursive: true, force: true });
    const done = await towline(['pull', ...pair.flags, pair.target, pair.local]);
    expect(done.code).toBe(2);
    expect(existsSync(pair.remote)).toBe(false);
  });

  test('a source that was emptied is held', async () => {
    const pair = await agreed('pull');
    for (const name of readdirSync(pair.remote)) rmSync(join(pair.remote, name), { recursive: true });
    expect((await run('pull', pair, ['--delete'])).code).toBe(5);
    expect(read(pair.local, 'a.txt')).toBe('first a.txt');
  });
});

describe('two-way', () => {
  test('carries edits, new files and deletions both ways, and a second run does nothing', async () => {
    const pair = await agreed('sync');
    save(pair.local, 'a.txt', 'edited here');
    save(pair.remote, 'b.txt', 'edited there');
    save(pair.local, 'new/here', 'n');
    save(pair.remote, 'new/there', 'n');
    rmSync(join(pair.local, 'd/one'));
    rmSync(join(pair.remote, 'd/e'), { recursive: true });
    expect(await run('sync', pair)).toMatchObject({ code: 0, failed: 0, conflicts: 0, transferred: 4 });
    expectEqual(pair);
    expect(read(pair.remote, 'a.txt')).toBe('edited here');
    expect(read(pair.local, 'b.txt')).toBe('edited there');
    expect(existsSync(join(pair.remote, 'd/one'))).toBe(false);
    expect(existsSync(join(pair.local, 'd/e'))).toBe(false);
    expect(await run('sync', pair)).toMatchObject({ transferred: 0, deleted: 0, conflicts: 0 });
  });

  test('a conflict keeps both: the version of the server has the name', async () => {
    const pair = await agreed('sync');
    save(pair.local, 'a.txt', 'mine');
    save(pair.remote, 'a.txt', 'theirs');
    expect(await run('sync', pair)).toMatchObject({ code: 0, conflicts: 1 });
    expectEqual(pair);
    expect(read(pair.local, 'a.txt')).toBe('theirs');
    const [copy] = copiesIn(pair.local);
    expect(copy).toMatch(/^a\.conflict-\d{8}T\d{6}Z-[a-z0-9]+\.txt$/);
    expect(read(pair.remote, copy!)).toBe('mine');
  });

  test('the same change on both sides is none', async () => {
    const pair = await agreed('sync');
    save(pair.local, 'a.txt', 'same');
    save(pair.remote, 'a.txt', 'same');
    expect(await run('sync', pair)).toMatchObject({ code: 0, conflicts: 0 });
    expectEqual(pair);
    expect(copiesIn(pair.local)).toEqual([]);
  });

  test.each([
    ['local', 'mine'],
    ['remote', 'theirs'],
    ['newest', 'theirs'],
  ])('--conflict %s', async (policy, text) => {
    const pair = await agreed('sync');
    save(pair.local, 'a.txt', 'mine');
    save(pair.remote, 'a.txt', 'theirs');
    expect(await run('sync', pair, ['--conflict', policy])).toMatchObject({ code: 0, conflicts: 1 });
    expect([read(pair.local, 'a.txt'), read(pair.remote, 'a.txt')]).toEqual([text, text]);
    expect(copiesIn(pair.local)).toEqual([]);
  });

  test('--conflict manual leaves both alone and says so', async () => {
    const pair = await agreed('sync');
    save(pair.local, 'a.txt', 'mine');
    save(pair.remote, 'a.txt', 'theirs');
    const done = await run('sync', pair, ['--conflict', 'manual']);
    expect(done).toMatchObject({ code: 1, conflicts: 1, failed: 0 });
    expect(done.problems).toMatchObject([{ path: 'a.txt', code: 'conflict' }]);
    expect([read(pair.local, 'a.txt'), read(pair.remote, 'a.txt')]).toEqual(['mine', 'theirs']);
    const ask = (...args: string[]) =>
      towline(['conflicts', ...args, ...pair.flags, pair.local, pair.target]);
    expect(JSON.parse((await ask('--json')).stdout)).toMatchObject({ conflicts: [{ path: 'a.txt' }] });
    expect((await ask('resolve', 'b.txt', '--keep', 'local')).code).toBe(1);
    expect(await ask('resolve', 'a.txt', '--keep', 'local')).toMatchObject({ code: 0 });
    expect(await run('sync', pair, ['--conflict', 'manual'])).toMatchObject({ code: 0, problems: [] });
    expect([read(pair.local, 'a.txt'), read(pair.remote, 'a.txt')]).toEqual(['mine', 'mine']);
    expect((await ask()).stdout).toContain('no conflicts');
  });

  test('a change beats a deletion, also inside a folder that was deleted as a whole', async () => {
    const pair = await agreed('sync');
    rmSync(join(pair.local, 'd'), { recursive: true });
    save(pair.remote, 'd/e/new', 'written meanwhile');
    rmSync(join(pair.remote, 'b.txt'));
    save(pair.local, 'b.txt', 'edited here');
    expect(await run('sync', pair)).toMatchObject({ failed: 0, conflicts: 0 });
    expect(await run('sync', pair)).toMatchObject({ code: 0, failed: 0 });
    expectEqual(pair);
    expect(readdirSync(join(pair.local, 'd'))).toEqual(['e']);
    expect(readdirSync(join(pair.local, 'd/e'))).toEqual(['new']);
    expect(read(pair.remote, 'b.txt')).toBe('edited here');
  });

  test('a file here for a folder there that got something new: both are kept', async () => {
    const pair = await agreed('sync');
    rmSync(join(pair.local, 'd'), { recursive: true });
    save(pair.local, 'd', 'a file now');
    save(pair.remote, 'd/new', 'n');
    await run('sync', pair);
    await run('sync', pair);
    expectEqual(pair);
    expect(read(pair.local, 'd/new')).toBe('n');
    const [copy] = copiesIn(pair.local);
    expect(read(pair.remote, copy!)).toBe('a file now');
  });

  test('a lost base deletes nothing and invents no conflict', async () => {
    const pair = await agreed('sync');
    rmSync(pair.stateDir, { recursive: true, force: true });
    rmSync(join(pair.local, 'a.txt'));
    expect(await run('sync', pair)).toMatchObject({ code: 0, deleted: 0, conflicts: 0, transferred: 1 });
    expectEqual(pair);
  });
});

describe('backups', () => {
  test('push-backup brings what is newer there and deletes on neither side', async () => {
    const pair = await agreed('push', '--mode', 'push-backup');
    save(pair.local, 'a.txt', 'edited here');
    save(pair.remote, 'b.txt', 'edited there');
    rmSync(join(pair.local, 'd/one'));
    rmSync(join(pair.remote, 'd/two'));
    expect(await run('push', pair, ['--mode', 'push-backup'])).toMatchObject({
      code: 0,
      kept: 2,
      deleted: 0,
    });
    expect(read(pair.remote, 'a.txt')).toBe('edited here');
    expect(read(pair.local, 'b.txt')).toBe('edited there');
    expect(existsSync(join(pair.remote, 'd/one'))).toBe(true);
    expect(existsSync(join(pair.local, 'd/one'))).toBe(false);
    expect(existsSync(join(pair.remote, 'd/two'))).toBe(false);
    expect(await run('push', pair, ['--mode', 'push-backup'])).toMatchObject({ transferred: 0, kept: 2 });
  });

  test('pull-backup never writes there, and keeps what it replaces here', async () => {
    const pair = await agreed('pull', '--mode', 'pull-backup');
    save(pair.local, 'a.txt', 'mine');
    save(pair.remote, 'a.txt', 'theirs');
    save(pair.local, 'b.txt', 'only edited here');
    const before = treeOf(pair.remote);
    expect(await run('pull', pair, ['--mode', 'pull-backup'])).toMatchObject({ code: 0, conflicts: 1 });
    expect(treeOf(pair.remote)).toEqual(before);
    expect(read(pair.local, 'a.txt')).toBe('theirs');
    expect(read(pair.local, 'b.txt')).toBe('only edited here');
    expect(read(pair.local, copiesIn(pair.local)[0]!)).toBe('mine');
  });
});

describe('drift in a push', () => {
  async function drifted(...flags: string[]): Promise<{ pair: TestPair; done: RunResult }> {
    const pair = await agreed('push');
    save(pair.remote, 'a.txt', 'changed by others');
    save(pair.local, 'a.txt', 'mine');
    return { pair, done: await run('push', pair, flags) };
  }

  test.each([
    [[], 'mine', 0],
    [['--on-drift', 'keep'], 'changed by others', 0],
    [['--on-drift', 'halt'], 'changed by others', 1],
  ])('%j', async (flags, text, code) => {
    const pair = await agreed('push');
    save(pair.remote, 'a.txt', 'changed by others');
    save(pair.local, 'a.txt', 'mine');
    const done = await towline(['push', ...pair.flags, '--json', ...flags, pair.local, pair.target]);
    expect(done.code).toBe(code);
    expect(read(pair.remote, 'a.txt')).toBe(text);
  });

  test('--on-drift backup keeps their version beside, also from a mirror', async () => {
    const { pair } = await drifted('--on-drift', 'backup', '--delete');
    expect(read(pair.remote, 'a.txt')).toBe('mine');
    const [copy] = copiesIn(pair.remote);
    expect(read(pair.remote, copy!)).toBe('changed by others');
    await run('push', pair, ['--on-drift', 'backup', '--delete']);
    expect(copiesIn(pair.remote)).toEqual([copy]);
    expect(copiesIn(pair.local)).toEqual([]);
  });
});

describe('moves', () => {
  test('a renamed file and a renamed folder are renamed over there', async () => {
    const pair = await agreed('push');
    const inode = statSync(join(pair.remote, 'd/e/three')).ino;
    renameSync(join(pair.local, 'a.txt'), join(pair.local, 'z.txt'));
    renameSync(join(pair.local, 'd'), join(pair.local, 'moved'));
    const done = await run('push', pair, ['--delete']);
    expect(done).toMatchObject({ code: 0, transferred: 0, moved: 2, deleted: 0 });
    expectEqual(pair);
    expect(statSync(join(pair.remote, 'moved/e/three')).ino).toBe(inode);
    expect(await run('push', pair, ['--delete'])).toMatchObject({ transferred: 0, moved: 0, deleted: 0 });
  });

  test('what others changed over there is not carried along', async () => {
    const pair = await agreed('push');
    save(pair.remote, 'a.txt', 'changed by others');
    renameSync(join(pair.local, 'a.txt'), join(pair.local, 'z.txt'));
    expect(await run('push', pair, ['--delete'])).toMatchObject({ moved: 0, transferred: 1 });
    expectEqual(pair);
  });
});
