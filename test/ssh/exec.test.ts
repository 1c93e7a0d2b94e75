import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/ssh/connection.js';
import { connectTo } from '../support/connection.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { allProcesses } from '../support/processes.js';
import { startProxy } from '../support/proxy.js';
import { startSshd, type TestSshd } from '../support/sshd.js';

let sshd: TestSshd;
const open: Connection[] = [];

beforeAll(async () => {
  sshd = await startSshd();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});
afterAll(() => sshd.stop());

async function connected(options: Parameters<typeof connectTo>[1] = {}, to = sshd): Promise<Connection> {
  const connection = connectTo(to, options);
  open.push(connection);
  await connection.ready();
  return connection;
}

/** The pid that a command wrote into this file, once it did. */
function pidIn(file: string): Promise<number> {
  return eventually(() => {
    const pid = Number(readFileSync(file, 'utf8'));
    if (!(pid > 0)) throw new Error('not yet');
    return pid;
  });
}

function isGone(pid: number): Promise<void> {
  return eventually(() => {
    if (allProcesses().some((one) => one.pid === pid)) throw new Error(`${String(pid)} still runs`);
  });
}

const timeoutMs = 20_000;

describe('a command on the server', () => {
  test('gives its outputs and its exit code', async () => {
    const connection = await connected();
    const heard: string[] = [];
    const result = await connection.exec("echo out; echo 'it''s' \"a\" '\\' >&2; exit 3", {
      timeoutMs,
      onOutput: (output, text) => heard.push(`${output}: ${text}`),
    });
    expect(result).toEqual({ code: 3, signal: null, timedOut: false, stdout: 'out\n', stderr: 'its a \\\n' });
    expect(heard.sort()).toEqual(['stderr: its a \\\n', 'stdout: out\n']);
  });

  test('reads what it is given, to the end and no further', async () => {
    const connection = await connected();
    const stdin = `${'first\nü\n'.repeat(50_000)}\n\n`;
    const { stdout } = await connection.exec('wc -c; cat', { timeoutMs, stdin });
    expect(stdout.trim()).toBe(String(Buffer.byteLength(stdin)));
    expect((await connection.exec('cat', { timeoutMs })).stdout).toBe('');
    expect((await connection.exec('head -n 1', { timeoutMs, stdin })).stdout).toBe('first\n');
    expect((await connection.exec('exit 7', { timeoutMs, stdin })).code).toBe(7);
  });

  test('runs where it is told, with what it is told', async () => {
    const connection = await connected();
    const directory = join(freshFolder('exec'), "it's $HOME here");
    mkdirSync(directory);
    const { stdout } = await connection.exec('pwd; printf %s "$TOWLINE_TEST"', {
      timeoutMs,
      directory,
      environment: { TOWLINE_TEST: `a 'b' "c" $d` },
    });
    expect(stdout).toBe(`${directory}\na 'b' "c" $d`);
    const missing = await connection.exec('pwd', { timeoutMs, directory: `${directory}/none` });
    expect(missing.code).toBe(126);
    expect(missing.stderr).toContain('none');
  });

  test('keeps the end of a long output', async () => {
    const connection = await connected();
    const { stdout } = await connection.exec('yes | head -n 500000; echo last', { timeoutMs });
    expect(stdout.length).toBe(64 * 1024);
    expect(stdout.endsWith('y\nlast\n')).toBe(true);
  });

  test('may leave something running that holds its output', async () => {
    const connection = await connected();
    const file = join(freshFolder('exec'), 'pid');
    const { code } = await connection.exec(`sleep 1000 & echo $! > ${file}; exit 4`, { timeoutMs });
    expect(code).toBe(4);
    const pid = await pidIn(file);
    expect(allProcesses().some((one) => one.pid === pid)).toBe(true);
    process.kill(pid);
  });

  test('several run beside each other and beside files', async () => {
    const connection = await connected();
    const channel = await connection.channel('transfer');
    const results = await Promise.all([
      connection.exec('echo 1', { timeoutMs }),
      connection.exec('echo 2', { timeoutMs }),
      channel.realPath('/'),
    ]);
    expect(results).toMatchObject([{ stdout: '1\n' }, { stdout: '2\n' }, '/']);
  });
});

describe('a command ends with us', () => {
  /** Says its pid; hears neither SIGTERM nor the end of its standard input. */
  const stubborn = (file: string) => `trap '' TERM HUP; echo $$ > ${file}; while :; do sleep 1; done`;

  test('when its time is over', async () => {
    const connection = await connected();
    const file = join(freshFolder('exec'), 'pid');
    const result = await connection.exec(`echo $$ > ${file}; echo begun; exec sleep 1000`, {
      timeoutMs: 3000,
    });
    expect(result).toMatchObject({ timedOut: true, stdout: 'begun\n' });
    await isGone(await pidIn(file));
  });

  test('also when it is deaf, and so is what it started', async () => {
    const connection = await connected();
    const file = join(freshFolder('exec'), 'pid');
    const result = await connection.exec(stubborn(file), { timeoutMs: 3000, stdin: 'x\n'.repeat(200_000) });
    expect(result).toMatchObject({ code: null, timedOut: true });
    await isGone(await pidIn(file));
  });

  test('when it is called off', async () => {
    const connection = await connected();
    const file = join(freshFolder('exec'), 'pid');
    const stop = new AbortController();
    const running = connection.exec(stubborn(file), { timeoutMs, signal: stop.signal });
    const pid = await pidIn(file);
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(running).rejects.toBe(reason);
    await isGone(pid);
    await expect(connection.exec('true', { timeoutMs, signal: stop.signal })).rejects.toBe(reason);
  });

  test('when the connection goes', async () => {
    const proxy = await startProxy({ targetPort: sshd.port });
    const connection = await connected({ port: proxy.port });
    const file = join(freshFolder('exec'), 'pid');
    const running = connection.exec(stubborn(file), { timeoutMs });
    running.catch(() => undefined);
    const pid = await pidIn(file);
    proxy.dropAll();
    await expect(running).rejects.toMatchObject({ code: 'network' });
    await isGone(pid);
    await proxy.stop();
  });
});

test('a server that gives files only says so, one way or the other', async () => {
  const files = await startSshd({ forceInternalSftp: true });
  const connection = await connected({}, files);
  const folder = freshFolder('exec');
  const outcome = await connection
    .exec(`touch ${folder}/ran`, { timeoutMs })
    .catch((error: unknown) => error);
  expect(outcome).not.toMatchObject({ code: 0 });
  expect(existsSync(`${folder}/ran`)).toBe(false);
  await connection.close();
  await files.stop();
});

test('without a connection it says that', async () => {
  const connection = await connected();
  await connection.close();
  await expect(connection.exec('true', { timeoutMs })).rejects.toMatchObject({ code: 'network' });
});
