import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { canDropPrivileges, unprivilegedServer } from '../storage/sftp-side.js';
import { type TestSshd, freePort, startSshd } from '../support/sshd.js';
import { freshPair, push, towline, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const isRoot = process.getuid?.() === 0;
/** Root without the rights that let it read what modes forbid. */
const unprivileged = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'] : [];

describe('arguments', () => {
  test('LOCAL missing or a file: exit 2, naming it', async () => {
    const pair = freshPair(sshd);
    const missing = await towline(['push', join(pair.local, 'no'), pair.target, ...pair.flags]);
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain(join(pair.local, 'no'));
    writeFileSync(join(pair.local, 'file'), 'x');
    const file = await towline(['watch', join(pair.local, 'file'), pair.target, ...pair.flags]);
    expect(file.code).toBe(2);
    expect(file.stderr + file.stdout).toContain('not a directory');
  });

  test('REMOTE is a file: exit 2', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.remote, 'file'), 'x');
    const result = await towline(['push', pair.local, `${pair.target}/file`, ...pair.flags]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('file');
    expect(readFileSync(join(pair.remote, 'file'), 'utf8')).toBe('x');
  });
});

describe('the server', () => {
  test('nobody listens: exit 4, naming host and port', async () => {
    const pair = freshPair(sshd);
    const port = String(await freePort());
    const result = await towline(['push', pair.local, pair.target, ...pair.flags, '-p', port]);
    expect(result.code).toBe(4);
    expect(result.stderr).toContain(port);
  });

  test('a host that does not exist: exit 4', async () => {
    const pair = freshPair(sshd);
    const result = await towline([
      'push',
      pair.local,
      'no-such-host.invalid:/x',
      '--state-dir',
      pair.stateDir,
    ]);
    expect(result.code).toBe(4);
    expect(result.stderr).toContain('no-such-host.invalid');
  });

  test('a key that is not let in: exit 3, naming what was tried', async () => {
    const pair = freshPair(sshd);
    const key = join(pair.stateDir, '..', 'wrong-key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const config = join(pair.stateDir, '..', 'config');
    const text = readFileSync(sshd.sshConfigFile, 'utf8').replaceAll(sshd.keyFile, key);
    writeFileSync(config, text);
    const flags = ['-F', config, '--state-dir', pair.stateDir];
    const env = { SSH_AUTH_SOCK: undefined };
    const result = await towline(['push', pair.local, pair.target, ...flags], { env });
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('wrong-key');
    // The agent does not hammer the server with it either.
    const agent = await towline(['watch', pair.local, pair.target, ...flags], { env });
    expect(agent.code).toBe(3);
  });

  test('an unknown host key: exit 3; --accept-new writes it down; a changed one: exit 3 always', async () => {
    const pair = freshPair(sshd);
    const known = join(pair.stateDir, '..', 'known_hosts');
    const config = join(pair.stateDir, '..', 'config');
    const text = readFileSync(sshd.sshConfigFile, 'utf8').replaceAll(sshd.knownHostsFile, known);
    writeFileSync(config, text);
    const run = (...more: string[]) =>
      towline(['push', pair.local, pair.target, '-F', config, '--state-dir', pair.stateDir, ...more]);
    const unknown = await run();
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain('SHA256:');
    expect((await run('--accept-new')).code).toBe(0);
    expect((await run()).code).toBe(0);

    const other = join(pair.stateDir, '..', 'other-host-key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    const key = readFileSync(`${other}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(known, readFileSync(known, 'utf8').replace(/ssh-ed25519 \S+/, key));
    const changed = await run('--accept-new');
    expect(changed.code).toBe(3);
    expect(changed.stderr).toContain(`${known}:1`);
  });
});

describe('local paths that cannot be read', () => {
  test('are named; the rest is synced, deletions are held, and watch tries again', async () => {
    const pair = freshPair(sshd);
    for (const path of ['open/a', 'closed/b', 'secret', 'plain', 'gone']) {
      mkdirSync(join(pair.local, path, '..'), { recursive: true });
      writeFileSync(join(pair.local, path), path);
    }
    expect(await push(pair)).toMatchObject({ code: 0 });
    writeFileSync(join(pair.local, 'plain'), 'changed');
    rmSync(join(pair.local, 'gone'));
    writeFileSync(join(pair.local, 'secret'), 'changed too');
    chmodSync(join(pair.local, 'secret'), 0);
    chmodSync(join(pair.local, 'closed'), 0);
    onTestFinished(() => chmodSync(join(pair.local, 'closed'), 0o755));

    const result = await push(pair, ['--delete'], { wrap: unprivileged });
    expect(result).toMatchObject({ code: 5, transferred: 1, deleted: 0 });
    expect(result.problems.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
      'closed permission',
      'secret permission',
    ]);
    expect(result.holds.map(({ cause }) => cause)).toEqual(['partial-listing']);
    expect(readFileSync(join(pair.remote, 'plain'), 'utf8')).toBe('changed');
    expect(readdirSync(join(pair.remote, 'closed'))).toEqual(['b']);

    const agent = watch(pair, ['--delete'], { wrap: unprivileged });
    onTestFinished(async () => {
      await agent.stop();
    });
    await agent.line(({ path, code }) => path === 'secret' && code === 'permission');
    chmodSync(join(pair.local, 'secret'), 0o600);
    chmodSync(join(pair.local, 'closed'), 0o755);
    await eventually(() => {
      expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
    });
  });
});

describe('names', () => {
  test('that are not UTF-8 are a problem and never acted on', async () => {
    const pair = freshPair(sshd);
    mkdirSync(join(pair.local, 'dir'));
    const bad = Buffer.concat([Buffer.from(`${pair.local}/dir/caf`), Buffer.from([0xe9])]);
    writeFileSync(bad, 'latin1');
    writeFileSync(join(pair.local, 'dir', 'good'), 'x');
    const result = await push(pair);
    expect(result).toMatchObject({ code: 1, transferred: 1, failed: 1 });
    expect(result.problems[0]).toMatchObject({ code: 'name' });
    expect(readdirSync(join(pair.remote, 'dir'))).toEqual(['good']);
  });
});

describe('times', () => {
  test('before 1970 come out as the nearest that SFTP can carry, and do not loop', async () => {
    const pair = freshPair(sshd);
    writeFileSync(join(pair.local, 'old'), 'x');
    utimesSync(join(pair.local, 'old'), -86_400, -86_400);
    expect(await push(pair)).toMatchObject({ code: 0, transferred: 1 });
    expect(await push(pair)).toMatchObject({ code: 0, transferred: 0, metadata: 0 });
    const stateless = { ...pair, flags: [...pair.flags.slice(0, -1), `${pair.stateDir}-other`] };
    expect(await push(stateless)).toMatchObject({ code: 0, transferred: 0, metadata: 0 });
  });
});

describe('files that do not hold still', () => {
  test('one that grows for ever is sent up to where it was, and the rest goes on', async () => {
    const pair = freshPair(sshd);
    const log = join(pair.local, 'growing.log');
    writeFileSync(log, 'start\n');
    writeFileSync(join(pair.local, 'still'), 'x');
    const writer = spawn('sh', ['-c', `while :; do echo line >> '${log}'; done`]);
    onTestFinished(() => {
      writer.kill('SIGKILL');
    });
    const agent = watch(pair);
    onTestFinished(async () => {
      await agent.stop();
    });
    await eventually(() => {
      expect(readFileSync(join(pair.remote, 'still'), 'utf8')).toBe('x');
      expect(readFileSync(join(pair.remote, 'growing.log'), 'utf8')).toMatch(/^start\n(line\n)+$/);
    });
    writer.kill('SIGKILL');
    await eventually(() => {
      expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
    });
  });

  test('files deleted and rewritten while they are read end as they are', async () => {
    const pair = freshPair(sshd);
    const at = (index: number) => join(pair.local, `f${String(index)}`);
    for (let index = 0; index < 300; index++) writeFileSync(at(index), 'a'.repeat(50_000));
    const agent = watch(pair, ['--delete', '--max-delete', '100%']);
    onTestFinished(async () => {
      await agent.stop();
    });
    await agent.line(({ state }) => state === 'ready');
    for (let index = 0; index < 300; index += 2) writeFileSync(at(index), 'b'.repeat(60_000));
    for (let index = 1; index < 300; index += 2) rmSync(at(index));
    await eventually(() => {
      expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
    });
  });
});

test('a file larger than the free space is a problem, and goes when there is room', async ({ skip }) => {
  const pair = freshPair(sshd);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', pair.remote], { stdio: 'pipe' });
  } catch {
    skip('this machine lets nobody mount');
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', pair.remote]);
  });
  writeFileSync(join(pair.remote, 'ballast'), Buffer.alloc(4 * 2 ** 20));
  writeFileSync(join(pair.local, 'large'), Buffer.alloc(6 * 2 ** 20, 'x'));
  writeFileSync(join(pair.local, 'small'), 'x');
  const result = await push(pair);
  expect(result).toMatchObject({ code: 1, transferred: 1 });
  expect(result.problems).toMatchObject([{ path: 'large', code: 'no-space' }]);
  expect(readdirSync(pair.remote).sort()).toEqual(['ballast', 'small']);
  rmSync(join(pair.remote, 'ballast'));
  expect(await push(pair)).toMatchObject({ code: 0, transferred: 1 });
});

test('special files are skipped with a notice', async () => {
  const pair = freshPair(sshd);
  execFileSync('mkfifo', [join(pair.local, 'pipe')]);
  writeFileSync(join(pair.local, 'f'), 'x');
  const { code, stdout, stderr } = await towline(['push', pair.local, pair.target, ...pair.flags]);
  expect(code).toBe(0);
  expect(stdout + stderr).toContain('pipe');
  expect(readdirSync(pair.remote)).toEqual(['f']);
});

test('a remote folder we may not write to: each path is named, exit 1', async ({ skip }) => {
  if (isRoot && !canDropPrivileges) skip('root may write everywhere');
  const strict = await startSshd(isRoot ? { config: [`ForceCommand ${unprivilegedServer}`] } : {});
  onTestFinished(() => strict.stop());
  const pair = freshPair(strict);
  writeFileSync(join(pair.local, 'f'), 'x');
  chmodSync(pair.remote, 0o555);
  onTestFinished(() => chmodSync(pair.remote, 0o755));
  const result = await push(pair);
  expect(result.code).toBe(1);
  expect(result.problems).toMatchObject([{ path: 'f', code: 'permission' }]);
});
