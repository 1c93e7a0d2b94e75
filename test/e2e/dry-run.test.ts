import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { freshPair, push, towline } from '../support/towline.js';
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
