/** A remote volume that fills, and is freed again. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PairStatus } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { converged, fillVolume, mountVolume, server, started, temps } from '../support/faults.js';
import { type LogLine, type TestPair, freshPair, towline } from '../support/towline.js';

const mib = 2 ** 20;

async function problemsOf(pair: TestPair): Promise<readonly string[]> {
  const { stdout } = await towline(['status', '--json', pair.local, pair.target, ...pair.flags]);
  return (JSON.parse(stdout) as PairStatus).problems.map(({ path }) => path);
}

test('a full remote volume: what does not fit waits and is shown, the rest goes on, and all arrives when there is room', async ({
  skip,
}) => {
  const sshd = await server();
  const whole = freshPair(sshd);
  const volume = whole.remote;
  if (!mountVolume(volume, 64)) skip('this machine lets nobody mount');
  const pair = { ...whole, remote: join(volume, 'data'), target: `${whole.target}/data` };
  mkdirSync(pair.remote);
  const large = [1, 2, 3, 4, 5].map((n) => `large${String(n)}`);
  for (const name of large) writeFileSync(join(pair.local, name), randomBytes(10 * mib));
  // Each of them fits, and some of them together; they are sent at the same time.
  const first = fillVolume(volume, 34 * mib);
  const agent = started(pair);
  const isFull = ({ code, path }: LogLine) => code === 'no-space' && large.includes(String(path));
  const problem = await agent.line(isFull);
  expect(problem.msg).toContain(String(problem.path));
  await agent.ready();
  await eventually(() => {
    expect(temps(pair)).toEqual([]);
  });
  expect(await problemsOf(pair)).toContain(problem.path);
  writeFileSync(join(pair.local, 'note'), 'small');
  await eventually(() => {
    expect(readFileSync(join(pair.remote, 'note'), 'utf8')).toBe('small');
  });
  const second = fillVolume(volume);
  writeFileSync(join(pair.local, 'note'), 'now there is no room for this either');
  await agent.line(({ code, path }) => code === 'no-space' && path === 'note');
  expect(readFileSync(join(pair.remote, 'note'), 'utf8')).toBe('small');
  rmSync(first);
  rmSync(second);
  await agent.line(({ event, path }) => event === 'solved' && path === 'note');
  await agent.line(({ event, path }) => event === 'solved' && path === problem.path);
  await converged(pair);
  expect(large.every((name) => existsSync(join(pair.remote, name)))).toBe(true);
  await eventually(async () => {
    expect(await problemsOf(pair)).toEqual([]);
  });
}, 90_000);
