import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, fstatSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { canNotify, notifySocket, type NotifySocket } from '../serve/notify-socket.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, type TestPair, towline, towlineFile, watch, type Watching } from '../support/towline.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const watchdogMs = 300;

interface Service {
  readonly agent: Watching;
  readonly systemd: NotifySocket;
}

/** An agent as systemd would start it. */
async function service(pair: TestPair, flags: readonly string[] = []): Promise<Service> {
  const systemd = await notifySocket();
  const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: String(watchdogMs * 1000) };
  const agent = watch(pair, flags, { env });
  onTestFinished(async () => {
    agent.process.kill('SIGCONT');
    await agent.stop();
    await systemd.close();
  });
  return { agent, systemd };
}

const isReady = (assignment: string) => assignment === 'READY=1';
const isFood = (assignment: string) => assignment === 'WATCHDOG=1';

/** Resolves once nothing fed the watchdog for several times its limit. */
async function starved({ said }: NotifySocket): Promise<void> {
  let length = said.length;
  let sinceMs = Date.now();
  await eventually(() => {
    if (said.slice(length).some(isFood)) sinceMs = Date.now();
    length = said.length;
    expect(Date.now() - sinceMs).toBeGreaterThan(5 * watchdogMs);
  });
}

describe.skipIf(!canNotify)('an agent that systemd looks after', () => {
  test('says that it is up, what it does, that it is alive, and that it stops', async () => {
    const { agent, systemd } = await service(freshPair(sshd));
    await systemd.heard(isReady);
    await systemd.heard((one) => one === 'STATUS=watching, nothing waits');
    await systemd.heard(isFood, await systemd.heard(isFood));
    expect(await agent.stop()).toBe(0);
    await systemd.heard((one) => one === 'STOPPING=1');
  });

  test('is not called alive while its event loop stands still', async () => {
    const { agent, systemd } = await service(freshPair(sshd));
    await systemd.heard(isReady);
    await systemd.heard(isFood);
    agent.process.kill('SIGSTOP');
    await starved(systemd);
    const before = systemd.said.length;
    agent.process.kill('SIGCONT');
    await systemd.heard(isFood, before);
  });

  test('is not called alive while its state cannot be written', async () => {
    const pair = freshPair(sshd);
    const { agent, systemd } = await service(pair);
    await agent.ready();
    await systemd.heard(isFood);
    const file = join(pair.stateDir, readdirSync(pair.stateDir)[0]!, 'state.sqlite');
    const other = new Database(file);
    other.exec('BEGIN IMMEDIATE');
    await agent.line(({ msg }) => msg === 'systemd is not told that the agent is alive');
    const told = await systemd.heard((one) => one.startsWith('STATUS=the state cannot be written'));
    expect(systemd.said.slice(told).filter(isFood)).toEqual([]);
    other.close();
    await systemd.heard(isFood, told);
  });

  test('is up before there is a server, and after the first sync when asked to wait for it', async () => {
    const own = await startSshd();
    onTestFinished(() => own.stop());
    const [soon, late] = [freshPair(own), freshPair(own)];
    for (const pair of [soon, late]) writeFileSync(join(pair.local, 'file'), 'content');
    await own.stop();
    const early = await service(soon);
    await early.systemd.heard(isReady);
    const patient = await service(late, ['--ready-after-sync']);
    // It asks for more time instead.
    await patient.systemd.heard((one) => one.startsWith('EXTEND_TIMEOUT_USEC='));
    await patient.systemd.heard((one) => /^STATUS=starting; no connection/.test(one));
    expect(patient.systemd.said.filter(isReady)).toEqual([]);
    await own.restart();
    await patient.systemd.heard(isReady);
    expect(existsSync(join(late.remote, 'file'))).toBe(true);
  });
});

describe('logs in the journal', () => {
  /** Runs `watch` to a clean stop with its output in a file, which `stream` says is the journal. */
  async function logged(stream: (dev: bigint, ino: bigint) => string): Promise<string[]> {
    const pair = freshPair(sshd);
    const file = join(freshFolder('journal'), 'out');
    const fd = openSync(file, 'w');
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const child = spawn(process.execPath, [towlineFile, 'watch', pair.local, pair.target, ...pair.flags], {
      stdio: ['ignore', fd, 'inherit'],
      env: { ...process.env, JOURNAL_STREAM: stream(dev, ino) },
    });
    const ended = once(child, 'exit');
    await eventually(() => expect(readFileSync(file, 'utf8')).toContain('"watching"'));
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  }

  test('begin with their priority', async () => {
    const lines = await logged((dev, ino) => `${String(dev)}:${String(ino)}`);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(line).toMatch(/^<6>\{"level":"info"/);
  });

  test('elsewhere they do not, also in a child of a service', async () => {
    for (const line of await logged((dev, ino) => `${String(dev)}:${String(ino + 1n)}`)) {
      expect(line).toMatch(/^\{/);
    }
  });
});

describe('towline service', () => {
  const canVerify = spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore' }).status === 0;

  function write(pair: TestPair, flags: readonly string[] = [], home = freshFolder('home')) {
    const env = { HOME: home, XDG_CONFIG_HOME: undefined };
    return towline(['service', ...flags, pair.local, pair.target, ...pair.flags], { env });
  }

  test('writes a unit for the same arguments and says how to start it', async () => {
    const pair = freshPair(sshd);
    const home = freshFolder('home');
    const wrote = await write(pair, ['--user', '--delete', '--exclude', '*.log'], home);
    expect(wrote).toMatchObject({ code: 0, stderr: '' });
    const folder = join(home, '.config', 'systemd', 'user');
    expect(readdirSync(folder)).toEqual(['towline-local-127.0.0.1.service']);
    const file = join(folder, 'towline-local-127.0.0.1.service');
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(wrote.stdout).toContain(`wrote ${file}\n`);
    expect(wrote.stdout).toContain('systemctl --user enable --now towline-local-127.0.0.1.service\n');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(
      `${towlineFile} watch --delete --exclude "*.log" ${pair.local} ${pair.target} -F `,
    );
    expect(text).not.toContain('--user');
    // Nothing was started.
    expect(existsSync(pair.stateDir)).toBe(false);
  });

  test('replaces its own unit, and nobody else’s', async () => {
    const pair = freshPair(sshd);
    const home = freshFolder('home');
    expect(await write(pair, ['--name', 'mine'], home)).toMatchObject({ code: 0 });
    expect(await write(pair, ['--name', 'mine', '--delete'], home)).toMatchObject({ code: 0 });
    const file = join(home, '.config', 'systemd', 'user', 'mine.service');
    expect(readFileSync(file, 'utf8')).toContain('watch --delete ');
    const refused = await write(freshPair(sshd), ['--name=mine'], home);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/mine\.service exists and is for something else/);
    expect(readFileSync(file, 'utf8')).toContain(pair.local);
  });

  test('takes what towline.json says', async () => {
    const pair = freshPair(sshd);
    const cwd = freshFolder('project');
    writeFileSync(
      join(cwd, 'towline.json'),
      JSON.stringify({ local: pair.local, remote: pair.target, sshConfig: sshd.sshConfigFile }),
    );
    const env = { XDG_CONFIG_HOME: freshFolder('config') };
    const printed = await towline(['service', '--print', '-v', '--trust'], { cwd, env });
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout).toMatch(/\nExecStart=\S+ \S+ watch -v --trust\n/);
    expect(printed.stdout).toContain(`\nWorkingDirectory=${cwd}\n`);
  });

  test.skipIf(!canVerify)('prints a unit that systemd takes', async () => {
    const pair = freshPair(sshd);
    const printed = await write(pair, ['--print', '--exclude', 'a "b" $c %d']);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    const file = join(freshFolder('unit'), 'towline.service');
    writeFileSync(file, printed.stdout);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('refuses what watch would refuse', async () => {
    const cwd = freshFolder('empty');
    expect(await towline(['service'], { cwd })).toMatchObject({ code: 2, stdout: '' });
    const pair = freshPair(sshd);
    expect(await write(pair, ['--nonsense'])).toMatchObject({ code: 2, stdout: '' });
    expect(await write(pair, ['--name', 'a/b'])).toMatchObject({ code: 2, stdout: '' });
  });
});
