import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockPath } from '../../src/core/lock.js';
import { isOwnName } from '../../src/core/tempname.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type TestPair, type Watching, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** Pairs of machines that share one server folder: each has a local folder and a state of its own. */
function sharing(count: number): TestPair[] {
  const folder = freshFolder('races');
  const remote = join(folder, 'remote');
  mkdirSync(remote);
  return Array.from({ length: count }, (_, index) => {
    const own = join(folder, `machine${String(index)}`);
    const [local, stateDir] = [join(own, 'local'), join(own, 'state')];
    mkdirSync(local, { recursive: true });
    const flags = ['-F', sshd.sshConfigFile, '--state-dir', stateDir];
    return { local, remote, target: `box:${remote}`, stateDir, flags };
  });
}

const twoWay = ['--mode', 'two-way', '--remote-poll-seconds', '1'];

async function following(pairs: readonly TestPair[], flags: readonly string[]): Promise<Watching[]> {
  const agents = pairs.map((pair) => watch(pair, flags));
  await Promise.all(agents.map((agent) => agent.ready()));
  return agents;
}

/** A whole new file under this name, as most editors save. */
function save(root: string, path: string, text: string): void {
  const temp = join(root, `.towline-test-save`);
  writeFileSync(temp, text);
  renameSync(temp, join(root, path));
}

/** Every content of a size of its own: over SFTP nothing else tells two versions of one second apart. */
function contents(): (what: string) => string {
  let count = 0;
  return (what) => {
    count++;
    return `${what} ${'.'.repeat(count)}`;
  };
}

function textsIn(root: string): Set<string> {
  const names = readdirSync(root).filter((name) => !isOwnName(name));
  return new Set(names.map((name) => readFileSync(join(root, name), 'utf8')));
}

function ownNamesIn(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(isOwnName);
}

/** Resolves when all folders hold the same, nothing of ours among it, and all of `wanted`. */
async function converged(pairs: readonly TestPair[], wanted: readonly string[] = []): Promise<void> {
  const roots = [...pairs.map(({ local }) => local), pairs[0]!.remote];
  await eventually(() => {
    const [first, ...others] = roots.map((root) => treeOf(root));
    for (const other of others) expect(other).toEqual(first);
    for (const root of roots) expect(ownNamesIn(root)).toEqual([]);
  }, 45_000);
  const there = textsIn(pairs[0]!.remote);
  expect(wanted.filter((text) => !there.has(text))).toEqual([]);
}

test('two machines that create 200 names at the same instant: both contents of each are kept', async () => {
  const pairs = sharing(2);
  const agents = await following(pairs, twoWay);
  const text = contents();
  const written: string[] = [];
  for (let round = 0; round < 200; round++) {
    for (const [machine, pair] of pairs.entries()) {
      const content = text(`machine ${String(machine)}, file ${String(round)}`);
      save(pair.local, `f${String(round)}`, content);
      written.push(content);
    }
    if (round % 10 === 0) await new Promise(setImmediate);
  }
  await converged(pairs, written);
  expect(await Promise.all(agents.map((agent) => agent.stop()))).toEqual([0, 0]);
});

test('three machines and the server replace 60 files at the same instant, three times: no last version is lost', async () => {
  const pairs = sharing(3);
  const names = Array.from({ length: 60 }, (_, index) => `f${String(index)}.txt`);
  for (const name of names) save(pairs[0]!.local, name, `first ${name}`);
  const agents = await following(pairs, twoWay);
  await converged(pairs);
  const text = contents();
  for (let round = 0; round < 3; round++) {
    const written: string[] = [];
    for (const [index, name] of names.entries()) {
      const writers = pairs.map(({ local }) => local);
      // Beside our agents a stranger, who takes no lock: each file is changed by agents or by one agent and the stranger.
      if (index % 6 === 0) writers.splice(1, 2, pairs[0]!.remote);
      for (const [machine, root] of writers.entries()) {
        const content = text(`round ${String(round)}, ${name}, writer ${String(machine)}`);
        save(root, name, content);
        if (index % 6 !== 0) written.push(content);
      }
    }
    await converged(pairs, written);
  }
  expect(await Promise.all(agents.map((agent) => agent.stop()))).toEqual([0, 0, 0]);
});

test('agents that are killed and links that drop amid replacements leave no lock and lose nothing', async () => {
  const pairs = sharing(2);
  const names = Array.from({ length: 40 }, (_, index) => `f${String(index)}.txt`);
  for (const name of names) save(pairs[0]!.local, name, `first ${name}`);
  const agents = await following(pairs, twoWay);
  await converged(pairs);
  const text = contents();
  for (let round = 0; round < 2; round++) {
    const written: string[] = [];
    for (const name of names) {
      for (const [machine, { local }] of pairs.entries()) {
        written.push(text(`round ${String(round)}, ${name}, machine ${String(machine)}`));
        save(local, name, written.at(-1)!);
      }
    }
    await eventually(() => expect(ownNamesIn(pairs[0]!.remote)).not.toEqual([]));
    if (round % 2 === 0) {
      await agents[0]!.stop('SIGKILL');
      agents[0] = watch(pairs[0]!, twoWay);
    } else {
      for (const pid of sshd.sftpServers()) process.kill(pid, 'SIGKILL');
    }
    await converged(pairs, written);
  }
  expect(await Promise.all(agents.map((agent) => agent.stop()))).toEqual([0, 0]);
});

test('a lock that a dead machine left holds a file up for a minute at most, and nothing else', async () => {
  const pairs = sharing(2);
  save(pairs[0]!.local, 'a', 'first a');
  save(pairs[0]!.local, 'b', 'first b');
  const agents = await following(pairs, twoWay);
  await converged(pairs);
  const lock = join(pairs[0]!.remote, lockPath('a'));
  writeFileSync(lock, '');
  save(pairs[0]!.local, 'a', 'second version of a');
  save(pairs[1]!.local, 'b', 'second version of b');
  await eventually(() =>
    expect(textsIn(pairs[0]!.remote)).toEqual(new Set(['first a', 'second version of b'])),
  );
  expect(existsSync(lock)).toBe(true);
  const aMinuteAgo = Date.now() / 1000 - 62;
  utimesSync(lock, aMinuteAgo, aMinuteAgo);
  await converged(pairs, ['second version of a', 'second version of b']);
  expect(await Promise.all(agents.map((agent) => agent.stop()))).toEqual([0, 0]);
});

test('machines that push different files into one folder do not disturb each other', async () => {
  const pairs = sharing(2);
  const agents = await following(pairs, []);
  const expected: Record<string, string> = {};
  for (let round = 0; round < 100; round++) {
    for (const [machine, { local }] of pairs.entries()) {
      const name = `m${String(machine)}-${String(round % 50)}`;
      expected[name] = `${name}, round ${String(round)}`;
      save(local, name, expected[name]);
    }
    if (round % 10 === 0) await new Promise(setImmediate);
  }
  const { remote } = pairs[0]!;
  await eventually(() => {
    const there = readdirSync(remote).map((name) => [name, readFileSync(join(remote, name), 'utf8')]);
    expect(Object.fromEntries(there)).toEqual(expected);
  });
  expect(existsSync(join(pairs[0]!.local, 'm1-0'))).toBe(false);
  expect(await Promise.all(agents.map((agent) => agent.stop()))).toEqual([0, 0]);
});
