/** Each program of examples/, run as its user runs it, against a real server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { startSshd, type TestSshd } from '../support/sshd.js';
import { freshPair, type TestPair } from '../support/towline.js';

const root = join(import.meta.dirname, '..', '..');

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

let pair: TestPair;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  pair = freshPair(sshd);
  const home = freshFolder('home');
  env = { ...process.env, HOME: home, XDG_STATE_HOME: join(home, 'state'), SSH_CONFIG: sshd.sshConfigFile };
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly child: ChildProcess;
  /** Lines of stdout up to now. */
  readonly lines: readonly string[];
  readonly ended: Promise<Ended>;
}

function start(example: string, args: readonly string[]): Started {
  const child = spawn(process.execPath, [join(root, 'examples', `${example}.ts`), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout: lines.join('\n'),
    stderr,
  }));
  return { child, lines, ended };
}

const run = (example: string, ...args: readonly string[]) => start(example, args).ended;

/** Writes files and the folders they are in. */
function fill(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** All files below a folder with their content. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

test('each of them is tried here', () => {
  const source = readFileSync(import.meta.filename, 'utf8');
  const examples = readdirSync(join(root, 'examples')).map((name) => name.replace(/\.ts$/, ''));
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.filter((name) => !new RegExp(`(run|start)\\(\\s*'${name}'`).test(source))).toEqual([]);
});

test.each(readdirSync(join(root, 'examples')))('%s says how it is used', async (file) => {
  const { code, stderr } = await run(file.replace(/\.ts$/, ''));
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`usage: node ${file}`) });
});

describe('deploy', () => {
  const pages = Object.fromEntries('a b c d e f g h i j'.split(' ').map((name) => [`${name}.html`, name]));
  const deploy = (...more: string[]) => run('deploy', pair.local, pair.target, ...more);

  test('makes a mirror and reloads, once something changed', async () => {
    fill(pair.local, pages);
    const reload = 'echo again >> ../reloaded';
    expect(await deploy(reload)).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(pair.local, 'j.html'));
    fill(pair.local, { 'a.html': 'A' });
    const second = await deploy(reload);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toMatch(/^upload a\.html \(.+\)\ndelete-remote j\.html \(.+\)\nsent 1, deleted 1$/);
    expect(filesOf(pair.remote)).toEqual(filesOf(pair.local));
    expect(await deploy(reload)).toMatchObject({ code: 0, stdout: 'sent 0, deleted 0' });
    expect(readFileSync(join(pair.remote, '..', 'reloaded'), 'utf8')).toBe('again\nagain\n');
  });

  test('holds back a deletion of most of it', async () => {
    fill(pair.local, pages);
    expect(await deploy()).toMatchObject({ code: 0 });
    for (const name of 'abcdef') rmSync(join(pair.local, `${name}.html`));
    const { code, stderr } = await deploy();
    expect(code).toBe(5);
    expect(stderr).toContain('deletions held back');
    expect(filesOf(pair.remote)).toEqual(pages);
  });
});

describe('hourly-pull', () => {
  test('once: brings what is new, keeps what is gone there', async () => {
    fill(pair.remote, { 'data/a': '1', b: '2' });
    const pull = () => run('hourly-pull', pair.target, pair.local, 'once');
    expect(await pull()).toMatchObject({ code: 0, stdout: 'pulled 2 of 2', stderr: '' });
    rmSync(join(pair.remote, 'b'));
    fill(pair.remote, { c: '3' });
    expect(await pull()).toMatchObject({ code: 0, stderr: '' });
    expect(filesOf(pair.local)).toEqual({ 'data/a': '1', b: '2', c: '3' });
  });

  test('again and again, until it is asked to stop', async () => {
    fill(pair.remote, { a: '1' });
    const { child, lines, ended } = start('hourly-pull', [pair.target, pair.local, '0.001']);
    await eventually(() => expect(lines).toContain('pulled 1 of 1'));
    fill(pair.remote, { b: '2' });
    await eventually(() => expect(filesOf(pair.local)).toEqual({ a: '1', b: '2' }));
    const before = lines.length;
    await eventually(() => expect(lines.length).toBeGreaterThan(before + 1));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('a server that is away is no reason to give up', async () => {
    const away = await startSshd();
    env = { ...env, SSH_CONFIG: away.sshConfigFile };
    fill(pair.remote, { a: '1' });
    await away.stop();
    const { child, lines, ended } = start('hourly-pull', [pair.target, pair.local, '0.001']);
    await away.restart();
    onTestFinished(() => away.stop());
    await eventually(() => expect(lines).toContain('pulled 1 of 1'));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
    await away.stop();
    expect(await run('hourly-pull', pair.target, pair.local, 'once')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not this time'),
    });
  });
});

test('several-targets: one that fails does not keep the others from it', async () => {
  fill(pair.local, { a: '1', 'b/c': '2' });
  const second = freshPair(sshd);
  const { code, stdout, stderr } = await run(
    'several-targets',
    ...[pair.local, pair.target, 'box:/nowhere/at/all', second.target],
  );
  expect(code).toBe(1);
  expect(stdout).toContain(`${pair.target}: sent 2, failed 0`);
  expect(stderr).toContain('box:/nowhere/at/all: configuration: ');
  for (const { remote } of [pair, second]) expect(filesOf(remote)).toEqual({ a: '1', 'b/c': '2' });
});

test('selective-sync: sends what is selected, and leaves alone what is not', async () => {
  const selected = { 'index.html': '<p>', 'style/all.css': 'p {}', 'x/deep/page.html': '<p>' };
  fill(pair.local, {
    ...selected,
    'drafts/new.html': '<p>',
    'notes.txt': 'not a page',
    'huge.jpg': 'x'.repeat(3 * 2 ** 20),
  });
  fill(pair.remote, { 'old.html': 'goes', 'old.txt': 'stays' });
  expect(await run('selective-sync', pair.local, pair.target)).toMatchObject({
    code: 0,
    stdout: 'sent 3, too large 1',
    stderr: '',
  });
  expect(filesOf(pair.remote)).toEqual({ ...selected, 'old.txt': 'stays' });
});

test('monitoring: a report of how it goes', async () => {
  const report = join(freshFolder('report'), 'report.json');
  const read = () => JSON.parse(readFileSync(report, 'utf8')) as Record<string, unknown>;
  fill(pair.local, { a: '1' });
  const { child, lines, ended } = start('monitoring', [pair.local, pair.target, report]);
  await eventually(() => expect(lines).toContain('watching, ready'));
  fill(pair.local, { b: '22' });
  await eventually(() => expect(read()).toMatchObject({ transferred: 2, bytesSent: 3, problems: {} }));
  expect(filesOf(pair.remote)).toEqual({ a: '1', b: '22' });
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 0, stderr: '' });
  expect(read()).toMatchObject({ state: 'stopped', transferred: 2, deleted: 0 });
  expect(existsSync(`${report}.new`)).toBe(false);
});

test('resolve-conflicts: decides by name, and leaves the rest to a person', async () => {
  const resolve = () => run('resolve-conflicts', pair.local, pair.target);
  fill(pair.local, { 'a.json': '{}', 'b.md': 'b', 'c.txt': 'c', d: 'd' });
  expect(await resolve()).toMatchObject({ code: 0, stdout: '', stderr: '' });
  fill(pair.local, { 'a.json': '[]', 'b.md': 'ours', 'c.txt': 'ours' });
  fill(pair.remote, { 'a.json': '"theirs"', 'b.md': 'not ours', 'c.txt': 'theirs', d: 'newer' });
  const { code, stdout, stderr } = await resolve();
  expect({ code, said: stdout.split('\n').sort() }).toEqual({
    code: 1,
    said: ['a.json: keep remote', 'b.md: keep both'],
  });
  expect(stderr).toMatch(/^c\.txt: /);
  const [here, there] = [filesOf(pair.local), filesOf(pair.remote)];
  expect(here).toMatchObject({ 'a.json': '"theirs"', 'b.md': 'not ours', 'c.txt': 'ours', d: 'newer' });
  expect({ ...here, 'c.txt': 'theirs' }).toEqual(there);
  expect(Object.values(here)).toContain('ours');
  expect(Object.keys(here).filter((name) => name.startsWith('b.conflict-'))).toHaveLength(1);
});

test('single-files: one file by itself, checked and found', async () => {
  fill(pair.local, { app: 'version 2' });
  fill(pair.remote, { 'releases/app-1': 'version 1' });
  const put = () => run('single-files', join(pair.local, 'app'), pair.target, 'releases/app-2');
  const { code, stdout, stderr } = await put();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual(
    expect.arrayContaining(['sent 9 bytes', 'releases/app-1: 9 bytes', 'releases/app-2: 9 bytes']),
  );
  expect(stdout).toMatch(/^releases\/app-2 is [0-9a-f]{64}$/m);
  expect(filesOf(pair.remote)).toEqual({ 'releases/app-1': 'version 1', 'releases/app-2': 'version 2' });
  expect((await put()).stdout).toContain('was there already');
});

test('own-storage: a push without a server, and what the storage cannot hold', async () => {
  fill(pair.local, { a: '1', 'b/c': '2', 'd.bak': '3' });
  symlinkSync('a', join(pair.local, 'link'));
  const { code, stdout, stderr } = await run('own-storage', pair.local);
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout.split('\n').sort()).toEqual([
    'a is a file 600 "1"',
    'b is a directory 755',
    'b/c is a file 600 "2"',
    'd.bak: permission',
    'link: unsupported',
    'sent 2',
  ]);
});

describe('error-handling', () => {
  const handled = (target = pair.target) => run('error-handling', pair.local, target);

  test('a path that fails is told by its code', async () => {
    fill(pair.local, { a: '1' });
    expect(await handled()).toEqual({ code: 0, stdout: '', stderr: '' });
    writeFileSync(Buffer.concat([Buffer.from(`${pair.local}/`), Buffer.from([0xff])]), 'no UTF-8');
    const { code, stderr } = await handled();
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/: name\n$/) });
    expect(filesOf(pair.remote)).toEqual({ a: '1' });
  });

  test('a call that fails says whom it concerns', async () => {
    expect(await handled('box:/nowhere/at/all')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^correct the call: /),
    });
    const stranger = await startSshd();
    onTestFinished(() => stranger.stop());
    writeFileSync(stranger.knownHostsFile, '');
    env = { ...env, SSH_CONFIG: stranger.sshConfigFile };
    expect(await handled()).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^ask who looks after .*127\.0\.0\.1/),
    });
    await stranger.stop();
    expect(await handled()).toMatchObject({ code: 2, stderr: expect.stringMatching(/^try again later: /) });
  });
});
