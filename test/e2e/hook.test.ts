import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, push, towline, type TestPair, watch, type Watching } from '../support/towline.js';

let sshd: TestSshd;
const agents: Watching[] = [];

beforeAll(async () => {
  sshd = await startSshd();
});
afterEach(() => Promise.all(agents.splice(0).map((agent) => agent.stop())));
afterAll(() => sshd.stop());

function started(pair: TestPair, flags: readonly string[]): Watching {
  const agent = watch(pair, flags);
  agents.push(agent);
  return agent;
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
}

test('after a push that changed something, here and on the server, in order', async () => {
  const pair = freshPair(sshd);
  const told = join(freshFolder('told'), 'told');
  mkdirSync(join(pair.local, 'sub'));
  writeFileSync(join(pair.local, 'sub/a b'), '1');
  writeFileSync(join(pair.local, 'new\nline'), '2');
  const flags = [
    ...['--after-sync', `pwd > ${told}; cat >> ${told}; echo "omitted $TOWLINE_PATHS_OMITTED" >> ${told}`],
    ...['--after-sync-remote', `(pwd; cat; ls sub; echo "omitted $TOWLINE_PATHS_OMITTED") >> ${told}`],
  ];
  expect(await push(pair, flags)).toMatchObject({ code: 0, transferred: 2 });
  expect(linesOf(told)).toEqual([
    ...[pair.local, 'sub', 'sub/a b', 'omitted 1'],
    ...[pair.remote, 'sub', 'sub/a b', 'a b', 'omitted 1'],
  ]);
  rmSync(told);
  expect(await push(pair, flags)).toMatchObject({ code: 0, transferred: 0 });
  expect(await push(pair, [...flags, '--dry-run', '--force'])).toMatchObject({ code: 0 });
  expect(existsSync(told)).toBe(false);
});

test('a command that fails is shown, and the push is as good as without', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), '1');
  const flags = ['--after-sync', 'echo careful >&2; exit 9', '--after-sync-remote', 'echo fine'];
  const { code, stdout, stderr } = await towline([
    'push',
    pair.local,
    pair.target,
    ...pair.flags,
    ...flags,
    '-v',
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain('1 file');
  expect(stderr).toContain(
    "the command after the sync failed with exit code 9, 'echo careful >&2; exit 9': careful",
  );
  expect(stderr).toMatch(/warn: careful .*\n[^]*info: fine /);
});

test('while watching: once per settled batch, never two at once, one more for what changed meanwhile', async () => {
  const pair = freshPair(sshd);
  const folder = freshFolder('runs');
  const runs = join(folder, 'runs');
  // Says begin and end; runs until the test lets it go.
  const command = `echo begin >> ${runs}; cat >> ${runs}; while [ -e ${folder}/hold ]; do sleep 0.05; done; echo end >> ${runs}`;
  const agent = started(pair, ['--after-sync-remote', command]);
  await agent.ready();
  writeFileSync(join(folder, 'hold'), '');
  mkdirSync(join(pair.local, 'many'));
  for (let index = 0; index < 50; index++) writeFileSync(join(pair.local, `many/${String(index)}`), 'x');
  await eventually(() => expect(linesOf(runs)).toContain('begin'));
  for (let index = 0; index < 3; index++) {
    appendFileSync(join(pair.local, 'again'), 'x');
    await eventually(() => {
      expect(readFileSync(join(pair.remote, 'again'), 'utf8')).toHaveLength(index + 1);
    });
  }
  rmSync(join(folder, 'hold'));
  await eventually(() => expect(linesOf(runs)).toContain('again'));
  await eventually(() => expect(linesOf(runs).at(-1)).toBe('end'));
  const lines = linesOf(runs);
  const marks = lines.filter((line) => line === 'begin' || line === 'end');
  expect(marks).toEqual(marks.map((_, index) => (index % 2 === 0 ? 'begin' : 'end')));
  const heard = lines.filter((line) => line.startsWith('many/'));
  expect(heard.sort()).toEqual(Array.from({ length: 50 }, (_, index) => `many/${String(index)}`).sort());
  expect(lines.filter((line) => line === 'again')).toHaveLength(1);
  expect(await agent.stop()).toBe(0);
});

test('while watching: a failure is a warning, and changes go on', async () => {
  const pair = freshPair(sshd);
  const agent = started(pair, ['--after-sync', 'exit 3']);
  await agent.ready();
  writeFileSync(join(pair.local, 'a'), '1');
  const line = await agent.line(({ code }) => code === 'hook-failed');
  expect(line).toMatchObject({ level: 'warn', event: 'notice' });
  writeFileSync(join(pair.local, 'b'), '1');
  await eventually(() => expect(existsSync(join(pair.remote, 'b'))).toBe(true));
});

test('a stop ends what runs, and the next start makes up for it', async () => {
  const pair = freshPair(sshd);
  const told = join(freshFolder('told'), 'told');
  const first = watch(pair, ['--after-sync', `echo begun > ${told}; exec sleep 1000`]);
  await first.ready();
  writeFileSync(join(pair.local, 'a'), '1');
  await eventually(() => expect(linesOf(told)).toEqual(['begun']));
  expect(await first.stop('SIGINT')).toBe(0);
  expect(await push(pair, ['--after-sync', `cat > ${told}`])).toMatchObject({ code: 0, transferred: 0 });
  expect(linesOf(told)).toEqual(['a']);
});
