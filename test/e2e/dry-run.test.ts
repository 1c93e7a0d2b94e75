import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { SyncResult } from '../../src/engine/events.js';
import { freshPair, push, type TestPair, towline } from '../support/towline.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});

const halting = ['--on-drift', 'halt'];

test('what waits in the queue is not carried out by a dry run, and a halt can be met again', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'f.txt'), 'agreed');
  expect((await push(pair)).code).toBe(0);
  writeFileSync(join(pair.remote, 'f.txt'), 'of others');
  const halts = () => towline(['push', pair.local, pair.target, ...pair.flags, ...halting]);
  const first = await halts();
  expect(first.code).toBe(1);
  expect(first.stderr).toContain("'f.txt' was changed by others");

  // Its row is due at once: a dry run that took it from the queue would send it.
  const planned = await towline(['push', pair.local, pair.target, ...pair.flags, '--dry-run', '--verbose']);
  expect(planned.code).toBe(0);
  expect(planned.stdout).toContain('would send 1 file');
  expect(readFileSync(join(pair.remote, 'f.txt'), 'utf8')).toBe('of others');

  expect(await halts()).toEqual(first);
  expect((await push(pair)).transferred).toBe(1);
  expect(readFileSync(join(pair.remote, 'f.txt'), 'utf8')).toBe('agreed');
}, 60_000);

interface Planned {
  readonly totals: SyncResult;
  readonly actions: readonly { readonly action: string; readonly path: string }[];
}

const json = async <T>(verb: 'sync' | 'push', pair: TestPair, flags: readonly string[]): Promise<T> => {
  const { stdout } = await towline([verb, pair.local, pair.target, ...pair.flags, '--json', ...flags]);
  return JSON.parse(stdout) as T;
};
const run = (verb: 'sync' | 'push', pair: TestPair, ...flags: string[]) =>
  json<SyncResult>(verb, pair, flags);
const plan = (verb: 'sync' | 'push', pair: TestPair, ...flags: string[]) =>
  json<Planned>(verb, pair, [...flags, '--dry-run']);

const lines = (planned: Planned) => planned.actions.map(({ action, path }) => `${action} ${path}`).sort();

test('a dry run knows of what lives on in a folder that is to go', async () => {
  const pair = freshPair(sshd);
  for (const folder of ['gone/deep', 'replaced']) {
    mkdirSync(join(pair.local, folder), { recursive: true });
    writeFileSync(join(pair.local, folder, 'agreed'), 'agreed');
  }
  for (const file of ['a', 'b', 'c', 'd', 'e', 'f']) writeFileSync(join(pair.local, file), file);
  await run('sync', pair);
  rmSync(join(pair.local, 'gone'), { recursive: true });
  rmSync(join(pair.local, 'replaced'), { recursive: true });
  writeFileSync(join(pair.local, 'replaced'), 'a file');
  writeFileSync(join(pair.remote, 'gone', 'new'), 'new');
  writeFileSync(join(pair.remote, 'replaced', 'new'), 'new');

  const planned = await plan('sync', pair);
  expect(lines(planned)).toEqual([
    'conflict replaced',
    'delete-remote gone',
    'delete-remote replaced',
    'download gone/new',
    'download replaced/new',
    'make-directory gone',
    'make-directory replaced',
  ]);
  const done = await run('sync', pair);
  expect(done).toMatchObject({ deleted: planned.totals.deleted, conflicts: 1, failed: 0 });
  expect(readFileSync(join(pair.local, 'gone', 'new'), 'utf8')).toBe('new');
}, 60_000);

test('a dry run tells what takes the place of a folder', async () => {
  const pair = freshPair(sshd);
  mkdirSync(join(pair.local, 'folder'));
  for (const file of ['folder/a', 'b', 'c', 'd']) writeFileSync(join(pair.local, file), file);
  await run('sync', pair);
  rmSync(join(pair.local, 'folder'), { recursive: true });
  writeFileSync(join(pair.local, 'folder'), 'a file');
  const { actions, totals } = await plan('sync', pair);
  expect(actions.map(({ action, path }) => [action, path])).toEqual([
    ['delete-remote', 'folder'],
    ['upload', 'folder'],
  ]);
  const sums = { transferred: 1, deleted: 2, bytesSent: 6 };
  expect(totals).toMatchObject(sums);
  expect(await run('sync', pair)).toMatchObject(sums);
}, 60_000);

test('a dry run keeps what a run after a change of the rules keeps', async () => {
  const pair = freshPair(sshd);
  for (const file of ['a', 'b', 'c', 'd']) writeFileSync(join(pair.local, file), file);
  writeFileSync(join(pair.remote, 'x.log'), 'theirs');
  await run('push', pair, '--exclude', '*.log');
  for (let time = 1; time <= 2; time++) {
    const planned = await plan('push', pair, '--delete');
    expect(planned).toMatchObject({ actions: [], totals: { deleted: 0, kept: 1 } });
    expect(await run('push', pair, '--delete')).toMatchObject({ deleted: 0, kept: 1 });
  }
  rmSync(join(pair.remote, 'x.log'));
  await run('push', pair, '--delete');
  writeFileSync(join(pair.remote, 'y.log'), 'never excluded');
  expect(lines(await plan('push', pair, '--delete'))).toEqual(['delete-remote y.log']);
}, 60_000);

test('files that had to be read count as the same, in the run as in its plan', async () => {
  const pair = freshPair(sshd);
  const hourAgo = Math.floor(Date.now() / 1000) - 3600;
  for (const file of ['a', 'b', 'c']) {
    writeFileSync(join(pair.local, file), file);
    utimesSync(join(pair.local, file), hourAgo, hourAgo);
  }
  await run('sync', pair);
  // Within the same second: only the content tells whether it is another one.
  utimesSync(join(pair.local, 'a'), hourAgo, hourAgo + 0.25);
  expect((await plan('sync', pair)).totals).toMatchObject({ skipped: 3, metadata: 0 });
  expect(await run('sync', pair)).toMatchObject({ skipped: 3, metadata: 0, transferred: 0 });
}, 60_000);

test('a dry run knows that there are as many copies as there may be', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a.txt'), 'agreed');
  await run('sync', pair);
  for (const time of [1, 2]) {
    writeFileSync(join(pair.local, 'a.txt'), `of here, ${String(time)}`);
    writeFileSync(join(pair.remote, 'a.txt'), `of over there, ${String(time)}`);
    const planned = await plan('sync', pair, '--max-conflict-copies', '1');
    expect(planned.actions).toHaveLength(2 - time);
    expect(planned.totals.problems).toHaveLength(time - 1);
    const done = await run('sync', pair, '--max-conflict-copies', '1');
    expect(planned.totals.problems).toEqual(done.problems);
    expect([planned.totals.conflicts, done.conflicts]).toEqual([1, 1]);
  }
}, 60_000);

test('conflicts that wait are left to the user, who may name them as a shell does', async () => {
  const pair = freshPair(sshd);
  mkdirSync(join(pair.local, 'notes'));
  writeFileSync(join(pair.local, 'notes', 'a'), 'agreed');
  await run('sync', pair);
  writeFileSync(join(pair.local, 'notes', 'a'), 'of here');
  writeFileSync(join(pair.remote, 'notes', 'a'), 'of there');
  const sync = ['sync', pair.local, pair.target, ...pair.flags, '--conflict', 'manual'];
  const planned = await towline([...sync, '--dry-run']);
  expect(planned.stdout).toContain('would leave 1 conflict to you');
  expect((await towline(sync)).code).toBe(1);
  const resolve = ['conflicts', 'resolve', './notes//a', '--keep', 'local', pair.local, pair.target];
  expect(await towline([...resolve, ...pair.flags])).toMatchObject({ code: 0 });
  expect((await towline(sync)).code).toBe(0);
  expect(readFileSync(join(pair.remote, 'notes', 'a'), 'utf8')).toBe('of here');
}, 60_000);
