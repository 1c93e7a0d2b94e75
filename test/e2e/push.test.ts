import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, freshPair, push, towline } from '../support/towline.js';
import { rsyncDifferences, treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** Some thousand odd paths: names, kinds, modes and times that trip naive tools. */
function growOddTree(root: string): number {
  const names = [
    'plain.txt',
    'with space',
    'new\nline',
    'quo\'te"s',
    '-rf',
    '*?[glob]',
    'ünïcödé',
    '日本語',
    '😀.txt',
    'back\\slash',
    'trailing ',
    ' leading',
    '.hidden',
    'tab\there',
    'x'.repeat(255),
    '%41',
    '$HOME',
  ];
  let count = 0;
  for (let folder = 0; folder < 20; folder++) {
    const directory = join(root, folder % 3 === 0 ? `dir ${String(folder)}/deeper` : `d${String(folder)}`);
    mkdirSync(directory, { recursive: true });
    for (let index = 0; index < 85; index++) {
      const file = join(directory, `f${String(index)}-${names[index % (names.length - 3)]!}`.slice(0, 60));
      writeFileSync(file, `${String(folder)}/${String(index)}\n`.repeat((index * 37) % 400));
      chmodSync(file, [0o644, 0o600, 0o755, 0o444, 0o640, 0o7755][index % 6]!);
      utimesSync(file, 1_000_000_000 + index, 1_000_000_000 + folder * 1000 + index + 0.5);
      count++;
    }
    for (const name of names) {
      writeFileSync(join(directory, name), name);
      count++;
    }
    symlinkSync('../plain.txt', join(directory, 'link'));
    symlinkSync('/nowhere/at all', join(directory, 'dangling'));
    mkdirSync(join(directory, 'empty'));
    chmodSync(join(directory, 'empty'), 0o500);
  }
  mkdirSync(join(root, 'read-only'));
  writeFileSync(join(root, 'read-only', 'inside'), 'x');
  chmodSync(join(root, 'read-only'), 0o555);
  return count + 1;
}

describe('a tree of 2,000 odd files', () => {
  let pair: TestPair;
  let files: number;

  beforeAll(() => {
    pair = freshPair(sshd);
    files = growOddTree(pair.local);
  });

  test('arrives so that rsync finds nothing to do', async () => {
    const result = await push(pair);
    expect(result).toMatchObject({ code: 0, failed: 0, problems: [], holds: [] });
    expect(result.transferred).toBe(files + 40);
    expect(rsyncDifferences(pair.local, pair.remote)).toEqual([]);
    expect(treeOf(pair.remote, { directoryTimes: true })).toEqual(
      treeOf(pair.local, { directoryTimes: true }),
    );
  });

  test('a second push sends nothing, with the state and without it', async () => {
    const again = await push(pair);
    expect(again).toMatchObject({ code: 0, transferred: 0, metadata: 0, directories: 0, bytesSent: 0 });
    const stateless = await push({ ...pair, flags: [...pair.flags.slice(0, -1), `${pair.stateDir}-other`] });
    expect(stateless).toMatchObject({ code: 0, transferred: 0, metadata: 0, directories: 0, bytesSent: 0 });
  });

  test('the other ways to compare find nothing to send either', async () => {
    for (const compare of ['size', 'checksum']) {
      const result = await push(pair, ['--compare', compare]);
      expect(result, compare).toMatchObject({ code: 0, transferred: 0, metadata: 0, bytesSent: 0 });
    }
  });
});

test('chmod and touch send no content', async () => {
  const pair = freshPair(sshd);
  for (const name of ['a', 'b', 'c']) writeFileSync(join(pair.local, name), name.repeat(1000));
  await push(pair);
  chmodSync(join(pair.local, 'a'), 0o711);
  utimesSync(join(pair.local, 'b'), 1_234_567_890, 1_234_567_890);
  const result = await push(pair);
  expect(result).toMatchObject({ code: 0, transferred: 0, metadata: 2, bytesSent: 0 });
  expect(rsyncDifferences(pair.local, pair.remote)).toEqual([]);
});

test('an edit of the same size and time is found by its checksum', async () => {
  const pair = freshPair(sshd);
  const file = join(pair.local, 'a');
  writeFileSync(file, 'one');
  utimesSync(file, 1_600_000_000, 1_600_000_000);
  await push(pair);
  writeFileSync(file, 'two');
  utimesSync(file, 1_600_000_000, 1_600_000_000);
  expect(await push(pair, ['--compare', 'checksum'])).toMatchObject({ code: 0, transferred: 1 });
  expect(readFileSync(join(pair.remote, 'a'), 'utf8')).toBe('two');
});

test('a path can become another kind', async () => {
  const pair = freshPair(sshd);
  const at = (path: string) => join(pair.local, path);
  for (const name of ['file-dir', 'file-link']) writeFileSync(at(name), name);
  for (const name of ['dir-file', 'dir-link']) {
    mkdirSync(at(name));
    writeFileSync(at(`${name}/inside`), 'x');
  }
  for (const name of ['link-file', 'link-dir']) symlinkSync('target', at(name));
  expect(await push(pair)).toMatchObject({ code: 0 });
  for (const name of readdirSync(pair.local)) rmSync(at(name), { recursive: true });
  for (const name of ['dir-file', 'link-file']) writeFileSync(at(name), 'now a file');
  for (const name of ['file-dir', 'link-dir']) {
    mkdirSync(at(name));
    writeFileSync(at(`${name}/new`), 'y');
  }
  for (const name of ['file-link', 'dir-link']) symlinkSync('elsewhere', at(name));

  const without = await push(pair);
  expect(without.code).toBe(1);
  expect(without.problems.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
    'dir-file not-empty',
    'dir-link not-empty',
  ]);
  expect(without.problems[0]!.message).toContain('--delete');
  expect(await push(pair, ['--delete'])).toMatchObject({ code: 0, failed: 0 });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
});

describe('deletions', () => {
  function grown(count: number): TestPair {
    const pair = freshPair(sshd);
    mkdirSync(join(pair.local, 'sub'));
    for (let index = 0; index < count; index++)
      writeFileSync(join(pair.local, 'sub', `f${String(index)}`), 'x');
    writeFileSync(join(pair.local, 'stays'), 'x');
    return pair;
  }

  test('are counted and kept without --delete, and follow with it', async () => {
    const pair = grown(10);
    await push(pair);
    rmSync(join(pair.local, 'sub'), { recursive: true });
    writeFileSync(join(pair.remote, 'foreign'), 'x');
    expect(await push(pair)).toMatchObject({ code: 0, deleted: 0, kept: 12 });
    expect(await push(pair)).toMatchObject({ code: 0, deleted: 0, kept: 12 });
    expect(existsSync(join(pair.remote, 'sub', 'f3'))).toBe(true);
    expect(await push(pair, ['--delete'])).toMatchObject({ code: 0, deleted: 12, kept: 0 });
    expect(readdirSync(pair.remote)).toEqual(['stays']);
  });

  test('of more than half are held, and --max-delete lets them go', async () => {
    const pair = grown(40);
    await push(pair);
    rmSync(join(pair.local, 'sub'), { recursive: true });
    const held = await push(pair, ['--delete']);
    expect(held).toMatchObject({ code: 5, deleted: 0 });
    expect(held.holds.map(({ cause }) => cause)).toEqual(['too-many-deletions']);
    expect(readdirSync(join(pair.remote, 'sub'))).toHaveLength(40);
    expect(await push(pair, ['--delete', '--max-delete', '100%'])).toMatchObject({ code: 0, deleted: 41 });
    expect(readdirSync(pair.remote)).toEqual(['stays']);
  });

  test('never follow from an emptied source', async () => {
    const pair = grown(3);
    await push(pair);
    for (const name of readdirSync(pair.local)) rmSync(join(pair.local, name), { recursive: true });
    const held = await push(pair, ['--delete']);
    expect(held.code).toBe(5);
    expect(held.holds.map(({ cause }) => cause)).toContain('root-emptied');
    expect(readdirSync(join(pair.remote, 'sub'))).toHaveLength(3);
  });

  test('leave excluded content, and the directory that holds it', async () => {
    const pair = grown(3);
    writeFileSync(join(pair.local, 'sub', 'keep.log'), 'x');
    await push(pair);
    rmSync(join(pair.local, 'sub'), { recursive: true });
    const result = await push(pair, ['--delete', '--exclude', '*.log']);
    expect(result).toMatchObject({ code: 0, failed: 0, deleted: 3 });
    expect(readdirSync(join(pair.remote, 'sub'))).toEqual(['keep.log']);
  });
});

test('what becomes excluded is forgotten, never deleted', async () => {
  const pair = freshPair(sshd);
  mkdirSync(join(pair.local, 'build'));
  writeFileSync(join(pair.local, 'build', 'a.o'), 'x');
  writeFileSync(join(pair.local, 'a.c'), 'x');
  await push(pair, ['--delete']);
  expect(await push(pair, ['--delete', '--exclude', 'build/'])).toMatchObject({ code: 0, deleted: 0 });
  rmSync(join(pair.local, 'build'), { recursive: true });
  expect(await push(pair, ['--delete', '--exclude', 'build/'])).toMatchObject({ code: 0, deleted: 0 });
  expect(existsSync(join(pair.remote, 'build', 'a.o'))).toBe(true);
  // Without the rule again: it may have been excluded by others for good reason, so this run still keeps it.
  expect(await push(pair, ['--delete'])).toMatchObject({ code: 0, deleted: 0 });
  expect(existsSync(join(pair.remote, 'build', 'a.o'))).toBe(true);
});

test('filters: command line, .towlineignore, nested .gitignore, droppings, defaults', async () => {
  const pair = freshPair(sshd);
  const put = (path: string, text = 'x') => {
    mkdirSync(join(pair.local, path, '..'), { recursive: true });
    writeFileSync(join(pair.local, path), text);
  };
  put('.git/HEAD');
  put('towline.json');
  put('sub/towline.json');
  put('.towlineignore', '*.tmp\n!keep.tmp\n');
  put('a.tmp');
  put('keep.tmp');
  put('a.swp');
  put('sub/.gitignore', '/out/\n');
  put('sub/out/x');
  put('out/x');
  put('a.log');
  put('important.log');
  const flags = ['--gitignore', '--exclude', '*.log', '--include', 'important.log'];
  expect(await push(pair, flags)).toMatchObject({ code: 0 });
  expect(Object.keys(treeOf(pair.remote)).sort()).toEqual(
    ['important.log', 'keep.tmp', 'out', 'out/x', 'sub', 'sub/.gitignore', 'sub/towline.json'].sort(),
  );
});

test('--dry-run tells the plan and changes nothing', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'new'), 'x');
  writeFileSync(join(pair.remote, 'old'), 'x');
  const target = ['push', pair.local, `${pair.target}/made`, ...pair.flags];
  const { code, stdout } = await towline([...target, '--dry-run', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ actions: [{ action: 'upload', path: 'new', bytes: 1 }] });
  expect(existsSync(join(pair.remote, 'made'))).toBe(false);
  expect((await towline(['push', pair.local, pair.target, ...pair.flags, '-n', '--delete'])).stdout).toMatch(
    /old/,
  );
  expect(readdirSync(pair.remote)).toEqual(['old']);
});

test('--chmod sets the modes over there', async () => {
  const pair = freshPair(sshd);
  mkdirSync(join(pair.local, 'd'), { mode: 0o700 });
  writeFileSync(join(pair.local, 'd', 'f'), 'x', { mode: 0o600 });
  expect(await push(pair, ['--chmod', 'D755,F644'])).toMatchObject({ code: 0 });
  expect(treeOf(pair.remote)).toMatchObject({ d: 'directory 755' });
  expect(treeOf(pair.remote)['d/f']).toMatch(/^file 644 /);
  expect(await push(pair, ['--chmod', 'D755,F644'])).toMatchObject({ metadata: 0, transferred: 0 });
  expect(await push(pair)).toMatchObject({ metadata: 2, transferred: 0 });
  expect(rsyncDifferences(pair.local, pair.remote)).toEqual([]);
});

test('the remote folder is made, with --mkpath its parents too', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'f'), 'x');
  expect(await push({ ...pair, target: `${pair.target}/one/` })).toMatchObject({ code: 0 });
  const deep = { ...pair, target: `${pair.target}/a/b/c` };
  const refused = await towline(['push', deep.local, deep.target, ...deep.flags]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('--mkpath');
  expect(await push(deep, ['--mkpath'])).toMatchObject({ code: 0 });
  expect(readdirSync(join(pair.remote, 'a/b/c'))).toEqual(['f']);
});

test('the owner of a replaced file is kept', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('only root can give files away');
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'f'), 'one');
  await push(pair);
  execFileSync('chown', ['33:33', join(pair.remote, 'f')]);
  writeFileSync(join(pair.local, 'f'), 'other');
  await push(pair);
  expect(execFileSync('stat', ['-c', '%u:%g', join(pair.remote, 'f')], { encoding: 'utf8' }).trim()).toBe(
    '33:33',
  );
});

test('symlinks on the server are replaced, never written through', async () => {
  const pair = freshPair(sshd);
  const outside = `${pair.remote}-outside`;
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'untouched');
  symlinkSync(join(outside, 'victim'), join(pair.remote, 'file'));
  symlinkSync(outside, join(pair.remote, 'folder'));
  writeFileSync(join(pair.local, 'file'), 'mine');
  mkdirSync(join(pair.local, 'folder'));
  writeFileSync(join(pair.local, 'folder', 'victim'), 'mine');
  expect(await push(pair)).toMatchObject({ code: 0 });
  expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched');
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
});

test('a source that was moved away is an error, not a deletion', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'f'), 'x');
  await push(pair, ['--delete']);
  renameSync(pair.local, `${pair.local}-away`);
  const { code, stderr } = await towline(['push', pair.local, pair.target, ...pair.flags, '--delete']);
  expect(code).toBe(2);
  expect(stderr).toContain(pair.local);
  expect(existsSync(join(pair.remote, 'f'))).toBe(true);
});
