import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freshFolder } from '../support/folder.js';
import { eventually } from '../support/eventually.js';
import { push, towline, watch, type TestPair } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

/** Two folders of this machine; the second one does not exist. */
function localPair(): TestPair {
  const folder = freshFolder('pair');
  const local = join(folder, 'local');
  mkdirSync(join(local, 'a/b'), { recursive: true });
  writeFileSync(join(local, 'a/b/file'), 'content', { mode: 0o640 });
  const remote = join(folder, 'copy');
  const stateDir = join(folder, 'state');
  return { local, remote, target: remote, stateDir, flags: ['--state-dir', stateDir] };
}

test('a folder goes to another one of this machine, with times and modes; a second push sends nothing', async () => {
  const pair = localPair();
  expect(await push(pair)).toMatchObject({ code: 0, transferred: 1, failed: 0 });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  expect(await push(pair)).toMatchObject({ code: 0, transferred: 0 });
  writeFileSync(join(pair.local, 'a/new'), 'new');
  rmSync(join(pair.local, 'a/b'), { recursive: true });
  expect(await push(pair, ['--delete'])).toMatchObject({ code: 0, transferred: 1, deleted: 2 });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
});

test('a relative name works where it is explicit or exists; any other says what to write', async () => {
  const pair = localPair();
  const cwd = join(pair.local, '..');
  const run = (...args: string[]) => towline(['push', ...args, ...pair.flags], { cwd });
  const forgotten = await run('local', 'copy');
  expect(forgotten.code).toBe(2);
  expect(forgotten.stderr).toContain('./copy');
  expect(readdirSync(cwd)).not.toContain('copy');
  expect((await run('local', './copy')).code).toBe(0);
  writeFileSync(join(pair.local, 'more'), 'more');
  expect((await run('local', 'copy')).code).toBe(0);
  expect(readFileSync(join(cwd, 'copy/more'), 'utf8')).toBe('more');
});

test.each(['.', './inside', '..'])('folders that lie in each other are refused (%s)', async (remote) => {
  const pair = localPair();
  const { code, stderr } = await towline(['push', '.', remote, ...pair.flags], { cwd: pair.local });
  expect(code).toBe(2);
  expect(stderr).toContain('lie in each other');
});

test('watch follows, and a hook over there runs there', async () => {
  const pair = localPair();
  const file = join(freshFolder('configuration'), 'towline.json');
  const afterSync = [{ command: 'pwd > ../where', where: 'remote' }];
  writeFileSync(file, JSON.stringify({ local: pair.local, remote: pair.remote, afterSync }));
  expect((await towline(['push', '--trust', ...pair.flags], { cwd: join(file, '..') })).code).toBe(0);
  expect(readFileSync(join(pair.remote, '../where'), 'utf8').trim()).toBe(pair.remote);
  const watching = watch(pair);
  await watching.ready();
  writeFileSync(join(pair.local, 'live'), 'live');
  await eventually(() => expect(readFileSync(join(pair.remote, 'live'), 'utf8')).toBe('live'));
  expect(await watching.stop()).toBe(0);
});

test('of two folders, a pull brings what is in the first into the second; a dry run makes neither', async () => {
  const pair = localPair();
  const made = join(pair.local, '..', 'made');
  const pull = (...flags: string[]) => towline(['pull', ...flags, pair.local, made, ...pair.flags]);
  const dry = await pull('-n');
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('would bring 1 file, 7 B; make 2 directories');
  expect(readdirSync(join(made, '..'))).not.toContain('made');
  expect((await pull()).code).toBe(0);
  expect(treeOf(made)).toEqual(treeOf(pair.local));
  // A run could not make this one: nor does a plan pretend to.
  const deeper = await towline(['pull', '-n', pair.local, join(made, 'x/y'), ...pair.flags]);
  expect(deeper).toMatchObject({ code: 2, stderr: expect.stringContaining('does not exist') });
});

test('explain takes a path as the shell completes it, where only that names something', async () => {
  const pair = localPair();
  const cwd = join(pair.local, 'a');
  const explained = async (path: string) => {
    const { stdout } = await towline(['explain', path, pair.local, pair.remote, ...pair.flags, '--json'], {
      cwd,
    });
    return (JSON.parse(stdout) as { path: string }).path;
  };
  expect(await explained('b/file')).toBe('a/b/file');
  expect(await explained('a/b/file')).toBe('a/b/file');
  // Perhaps the other side has it.
  expect(await explained('b/else')).toBe('b/else');
});
