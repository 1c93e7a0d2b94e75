import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { PairStatus } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, type TestPair, towline, watch, type Watching } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

async function watching(pair: TestPair, flags: readonly string[] = []): Promise<Watching> {
  const agent = watch(pair, flags);
  onTestFinished(async () => {
    agent.process.kill('SIGCONT');
    await agent.stop();
  });
  await agent.ready();
  return agent;
}

/** Runs a command on a pair, as a user who repeats the arguments of `watch`. */
function command(pair: TestPair, name: string, ...flags: string[]) {
  return towline([name, ...flags, pair.local, pair.target, ...pair.flags]);
}

async function status(pair: TestPair): Promise<PairStatus> {
  const { code, stdout } = await command(pair, 'status', '--json');
  expect(code).toBe(0);
  return JSON.parse(stdout) as PairStatus;
}

/** The only state folder of a pair. */
function stateFolderOf(pair: TestPair): string {
  return join(pair.stateDir, readdirSync(pair.stateDir)[0]!);
}

function fill(folder: string, count: number): void {
  for (let n = 0; n < count; n++) writeFileSync(join(folder, `file-${String(n)}`), String(n));
}

test('flush waits until every change made before is on the other side', async () => {
  const pair = freshPair(sshd);
  await watching(pair);
  for (let round = 0; round < 5; round++) {
    mkdirSync(join(pair.local, `folder-${String(round)}`));
    fill(join(pair.local, `folder-${String(round)}`), 40);
    const flushed = await command(pair, 'flush');
    expect(flushed).toMatchObject({ code: 0, stderr: '', stdout: 'every change is on the other side\n' });
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  }
});

test('status of an agent, for people and for programs', async () => {
  const pair = freshPair(sshd);
  fill(pair.local, 3);
  const agent = await watching(pair);
  const shown = await command(pair, 'status');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(new RegExp(`^watching \\(process ${String(agent.pid)}, running for `));
  expect(shown.stdout).toContain(`${pair.local} → `);
  expect(shown.stdout).toMatch(/\n {2}so far +↑ 3 files, 3 B in /);
  expect(await status(pair)).toMatchObject({
    running: true,
    pid: agent.pid,
    state: 'watching',
    mode: 'push',
    link: { state: 'ready', error: null },
    queue: { total: 0, held: 0, problems: 0 },
    totals: { transferred: 3 },
    lastScan: { entries: expect.any(Number) },
  });
  expect(statSync(join(stateFolderOf(pair), 'control.sock')).mode & 0o777).toBe(0o600);
});

test('status of a stopped agent is what its state folder says', async () => {
  const pair = freshPair(sshd);
  const missing = await command(pair, 'status');
  expect(missing).toMatchObject({ code: 1, stdout: '' });
  expect(missing.stderr).toMatch(/nothing is known of this pair/);
  fill(pair.local, 3);
  const agent = await watching(pair);
  await command(pair, 'pause');
  fill(pair.local, 5);
  await eventually(async () => expect((await status(pair)).queue.total).toBeGreaterThan(0));
  await agent.stop();
  const { total } = (await status(pair)).queue;
  expect(await status(pair)).toMatchObject({
    running: false,
    state: 'stopped',
    pid: null,
    local: pair.local,
    mode: 'push',
    lastScan: { entries: expect.any(Number) },
    totals: null,
  });
  const shown = await command(pair, 'status');
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^stopped: no agent is running for this pair\n/);
  expect(shown.stdout).toContain(`  queue      ${String(total)} waiting\n`);
  expect(readdirSync(stateFolderOf(pair)).filter((name) => name.startsWith('control'))).toEqual([]);
});

test('status finds the pair when the local folder is gone', async () => {
  const pair = freshPair(sshd);
  await watching(pair);
  rmSync(pair.local, { recursive: true });
  expect((await status(pair)).running).toBe(true);
});

test('pause keeps changes back, resume lets them go', async () => {
  const pair = freshPair(sshd);
  await watching(pair);
  expect(await command(pair, 'pause')).toMatchObject({ code: 0, stderr: '' });
  expect((await status(pair)).state).toBe('paused');
  fill(pair.local, 3);
  await eventually(async () => {
    const { queue } = await status(pair);
    expect(queue.total + queue.settling).toBeGreaterThanOrEqual(3);
  });
  expect(readdirSync(pair.remote)).toEqual([]);
  expect(await command(pair, 'resume')).toMatchObject({ code: 0, stdout: 'resumed\n', stderr: '' });
  expect(await command(pair, 'flush')).toMatchObject({ code: 0 });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
});

test('held deletions: flush says 5, resume --allow-deletes lets them go', async () => {
  const pair = freshPair(sshd);
  fill(pair.local, 30);
  await watching(pair, ['--delete', '--max-delete', '0']);
  for (let n = 0; n < 20; n++) rmSync(join(pair.local, `file-${String(n)}`));
  await eventually(async () => expect((await status(pair)).holds).not.toEqual([]));
  const held = await command(pair, 'flush');
  expect(held.code).toBe(5);
  expect(held.stderr).toMatch(/\d+ deletions held back/);
  expect(readdirSync(pair.remote)).toHaveLength(30);
  expect(await command(pair, 'resume', '--allow-deletes')).toMatchObject({ code: 0 });
  await eventually(() => expect(readdirSync(pair.remote)).toHaveLength(10));
  expect(await command(pair, 'flush')).toMatchObject({ code: 0 });
});

test('flush with a problem is exit 1, and names it', async () => {
  const pair = freshPair(sshd);
  await watching(pair);
  // A folder of somebody else is in the way and is not removed without --delete.
  mkdirSync(join(pair.remote, 'name', 'inside'), { recursive: true });
  writeFileSync(join(pair.local, 'name'), 'a file');
  const flushed = await command(pair, 'flush');
  expect(flushed.code).toBe(1);
  expect(flushed.stderr).toMatch(/^! .*name/);
});

test('rescan finds what no event told', async () => {
  const pair = freshPair(sshd);
  fill(pair.local, 3);
  await watching(pair);
  rmSync(join(pair.remote, 'file-1'));
  const rescanned = await command(pair, 'rescan');
  expect(rescanned).toMatchObject({ code: 0, stderr: '' });
  expect(rescanned.stdout).toMatch(/^compared \d+ paths? in /);
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
});

test('limit bounds and frees', async () => {
  const pair = freshPair(sshd);
  await watching(pair);
  const limited = await towline(['limit', '512', pair.local, pair.target, ...pair.flags]);
  expect(limited).toMatchObject({ code: 0, stdout: 'at most 512 KiB/s from now on\n' });
  const freed = await towline(['limit', 'off', '--json', pair.local, pair.target, ...pair.flags]);
  expect(freed.code).toBe(0);
  expect(JSON.parse(freed.stdout)).toMatchObject({ running: true, bwlimit: null });
  const wrong = await towline(['limit', 'fast', pair.local, pair.target, ...pair.flags]);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/'fast' is no limit/);
});

describe('which pair', () => {
  test('without arguments it is the only one that runs', async () => {
    const pair = freshPair(sshd);
    const agent = await watching(pair);
    const here = ['--state-dir', pair.stateDir];
    const cwd = freshFolder('elsewhere');
    expect((await towline(['status', ...here], { cwd })).stdout).toMatch(
      new RegExp(`process ${String(agent.pid)}`),
    );
    const other = { ...freshPair(sshd), stateDir: pair.stateDir, flags: pair.flags };
    await watching(other);
    const unclear = await towline(['pause', ...here], { cwd });
    expect(unclear).toMatchObject({ code: 2, stdout: '' });
    expect(unclear.stderr).toMatch(/^towline: 2 agents are running: /);
    expect(unclear.stderr).toContain(pair.local);
    expect(unclear.stderr).toContain(other.local);
    await agent.stop();
    expect(await towline(['pause', ...here], { cwd })).toMatchObject({ code: 0 });
    expect((await status(other)).state).toBe('paused');
    expect((await status(pair)).running).toBe(false);
  });

  test.each(['pause', 'resume', 'flush', 'rescan'])('%s without an agent is exit 1', async (name) => {
    const pair = freshPair(sshd);
    const none = await command(pair, name);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toMatch(/^towline: no agent is running for this pair/);
    const nobody = await towline([name, '--state-dir', pair.stateDir], { cwd: freshFolder('elsewhere') });
    expect(nobody).toMatchObject({ code: 1, stdout: '' });
    expect(nobody.stderr).toMatch(/^towline: no agent is running\./);
    expect(existsSync(pair.stateDir)).toBe(false);
  });

  test('all flags of watch are taken, wrong ones are not', async () => {
    const pair = freshPair(sshd);
    await watching(pair);
    const args = ['--delete', '--exclude', 'x', '--settle-ms', '20', '-v'];
    expect(await command(pair, 'status', ...args)).toMatchObject({ code: 0 });
    expect(await command(pair, 'status', '--nonsense')).toMatchObject({ code: 2 });
  });
});

test('an agent that was killed leaves a socket that is nobody’s, and the next one takes its place', async () => {
  const pair = freshPair(sshd);
  const first = watch(pair);
  await first.ready();
  await first.stop('SIGKILL');
  expect((await status(pair)).running).toBe(false);
  await watching(pair);
  expect((await status(pair)).running).toBe(true);
});

test('a frozen agent is told from a stopped one', async () => {
  const pair = freshPair(sshd);
  const agent = await watching(pair);
  agent.process.kill('SIGSTOP');
  const frozen = await command(pair, 'pause');
  expect(frozen.code).toBe(1);
  expect(frozen.stderr).toMatch(/^towline: the agent does not answer/);
});

test('an agent that stops ends whoever waits', async () => {
  const pair = freshPair(sshd);
  const agent = await watching(pair);
  await command(pair, 'pause');
  fill(pair.local, 1);
  await eventually(async () => expect((await status(pair)).queue.total).toBeGreaterThan(0));
  const socketPath = join(stateFolderOf(pair), 'control.sock');
  const waiting = new Promise<number | undefined>((resolve, reject) => {
    const call = request({ socketPath, method: 'POST', path: '/flush' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('error', reject);
    // On its way before the agent is asked to stop.
    call.end(() => agent.process.kill('SIGTERM'));
  });
  expect(await waiting).toBe(503);
  expect(await agent.ended).toBe(0);
});
