import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

function textOf(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

test('two-way: what is saved there arrives here, and the other way round, without echo', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'one');
  const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '1']);
  await agent.ready();
  writeFileSync(join(pair.remote, 'there'), 'from the server');
  mkdirSync(join(pair.remote, 'folder/deep'), { recursive: true });
  writeFileSync(join(pair.remote, 'folder/deep/x'), 'x');
  await eventually(() => expect(textOf(join(pair.local, 'there'))).toBe('from the server'));
  await eventually(() => expect(textOf(join(pair.local, 'folder/deep/x'))).toBe('x'));
  writeFileSync(join(pair.local, 'here'), 'from here');
  await eventually(() => expect(textOf(join(pair.remote, 'here'))).toBe('from here'));
  rmSync(join(pair.remote, 'folder'), { recursive: true });
  await eventually(() => expect(existsSync(join(pair.local, 'folder'))).toBe(false));
  rmSync(join(pair.local, 'there'));
  await eventually(() => expect(existsSync(join(pair.remote, 'there'))).toBe(false));
  expect(await agent.stop()).toBe(0);
  expect(treeOf(pair.local)).toEqual(treeOf(pair.remote));
  const sent = agent.lines.filter((line) => line.event === 'batch').map((line) => Number(line.transferred));
  // `a` by the first scan, and each of the others once.
  expect(sent.reduce((sum, count) => sum + count, 0)).toBe(4);
});

test('pull: what changes there arrives, and what was changed here is put right', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.remote, 'a'), 'one');
  const agent = watch(pair, ['--mode', 'pull', '--delete', '--remote-poll-seconds', '1']);
  await agent.ready();
  expect(textOf(join(pair.local, 'a'))).toBe('one');
  writeFileSync(join(pair.remote, 'b'), 'two');
  await eventually(() => expect(textOf(join(pair.local, 'b'))).toBe('two'));
  writeFileSync(join(pair.local, 'a'), 'meddled with');
  await eventually(() => expect(textOf(join(pair.local, 'a'))).toBe('one'));
  rmSync(join(pair.remote, 'b'));
  await eventually(() => expect(existsSync(join(pair.local, 'b'))).toBe(false));
  expect(await agent.stop()).toBe(0);
});

test('where the server has inotifywait, nothing is listed to see what changed there', async ({ skip }) => {
  if (spawnSync('sh', ['-c', 'command -v inotifywait']).status !== 0) return skip('no inotifywait here');
  const pair = freshPair(sshd);
  mkdirSync(join(pair.remote, 'folder'));
  // With this interval a listing would come after the test's time is over.
  const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '3600']);
  await agent.ready();
  await eventually(() => {
    writeFileSync(join(pair.remote, 'folder/probe'), String(Date.now()));
    expect(existsSync(join(pair.local, 'folder/probe'))).toBe(true);
  });
  writeFileSync(join(pair.remote, 'folder/there'), 'from the server');
  await eventually(() => expect(textOf(join(pair.local, 'folder/there'))).toBe('from the server'));
  mkdirSync(join(pair.remote, 'new/deep'), { recursive: true });
  writeFileSync(join(pair.remote, 'new/deep/x'), 'x');
  await eventually(() => expect(textOf(join(pair.local, 'new/deep/x'))).toBe('x'));
  rmSync(join(pair.remote, 'new'), { recursive: true });
  await eventually(() => expect(existsSync(join(pair.local, 'new'))).toBe(false));
  expect(await agent.stop()).toBe(0);
});
