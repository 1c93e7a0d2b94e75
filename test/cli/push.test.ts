import { expect, test } from 'vitest';
import { type ErrorCode, exitCodeOf, TowlineError } from '../../src/core/errors.js';
import type { AgentEvent, SyncResult } from '../../src/index.js';
import { jsonLines, result, run } from './fakes.js';

const push = ['push', './app', 'box:/srv/app'];
const problem = { path: 'a', code: 'permission', message: "'a' cannot be read. Change its mode" } as const;
const hold = { cause: 'root-emptied', message: 'the source folder is empty', deletions: 7 } as const;
const busy = result({ transferred: 3, bytesSent: 12_700, skipped: 1231, durationMs: 1200, kept: 4 });

test.each<[string, Partial<SyncResult>, number]>([
  ['all is well', {}, 0],
  ['some paths failed', { failed: 1, problems: [problem] }, 1],
  ['deletions are held', { holds: [hold] }, 5],
  ['deletions are held and paths failed', { failed: 1, problems: [problem], holds: [hold] }, 5],
])('exit code when %s', async (_, changes, code) => {
  for (const flags of [[], ['--json'], ['-n'], ['-n', '--json'], ['-q']]) {
    expect((await run([...push, ...flags], { end: result(changes) })).code).toBe(code);
  }
});

const codes: readonly ErrorCode[] = [
  'authentication',
  'host-key',
  'network',
  'configuration',
  'locked',
  'interrupted',
];

test.each(codes)('exit code and message when the run ends with %s', async (code) => {
  const end = new TowlineError(code, 'box: it went\nwrong', { hint: 'Do this' });
  const ran = await run([...push, '--json'], { end });
  expect(ran.code).toBe(exitCodeOf(code));
  expect(ran.stderr).toBe('towline: box: it went\\nwrong. Do this\n');
  expect(JSON.parse(ran.stdout)).toEqual({ error: { code, message: 'box: it went\nwrong. Do this' } });
});

test('a bug shows its stack only when asked', async () => {
  const end = new Error('boom');
  expect(await run(push, { end })).toMatchObject({ code: 1, stderr: 'towline: unexpected failure: boom\n' });
  expect((await run([...push, '-v'], { end })).stderr).toMatch(/boom\n.*\n\s+at /);
});

test('the summary', async () => {
  expect(await run(push, { end: busy })).toMatchObject({
    stdout:
      '↑ 3 files, 12.4 KiB in 1.2 s\n1,231 paths the same already\n' +
      'kept 4 that are only on the server (use --delete to remove them)\n',
    stderr: '',
  });
  expect((await run(push, { end: result({ skipped: 1234 }) })).stdout).toBe(
    'nothing to do: 1,234 paths the same on both sides (40 ms)\n',
  );
});

test('problems and holds are on stderr, also with -q', async () => {
  const end = result({ failed: 2, problems: [problem], holds: [hold] });
  const stderr =
    "! 'a' cannot be read. Change its mode\n! and 1 more problem\n7 deletions held back: the source folder is empty\n";
  expect(await run([...push, '-q'], { end })).toMatchObject({ stdout: '', stderr });
});

test('a long list of problems is cut, unless -v asks for it', async () => {
  const problems = Array.from({ length: 30 }, (_, i) => ({
    path: `f${String(i)}`,
    code: 'name' as const,
    message: 'no',
  }));
  const end = result({ failed: 30, problems });
  expect((await run(push, { end })).stderr).toMatch(/f19: no\n! and 10 more problems\n$/);
  expect((await run([...push, '-v'], { end })).stderr).toMatch(/f29: no\n$/);
});

test('--json writes one object with the fields of DESIGN.md and no others', async () => {
  const end = { ...busy, failed: 1, problems: [{ ...problem, secret: 's' }], password: 'x' };
  const ran = await run([...push, '--json'], { end });
  expect(ran.stdout.split('\n')).toHaveLength(2);
  expect(JSON.parse(ran.stdout)).toEqual({ ...busy, failed: 1, problems: [problem] });
});

const planned: readonly AgentEvent[] = [
  { type: 'planned', action: { action: 'upload', path: 'new\nline', bytes: 2048, reason: 'new' } },
  { type: 'planned', action: { action: 'delete-remote', path: 'old', bytes: 0, reason: 'not here' } },
];

test('a dry run shows the plan', async () => {
  const end = result({ transferred: 1, bytesSent: 2048, deleted: 1 });
  expect((await run([...push, '-n'], { end, events: planned })).stdout).toBe(
    'upload          new\\nline  (2.0 KiB, new)\n' +
      'delete there    old  (not here)\n' +
      'dry run: would send 1 file, 2.0 KiB; delete 1 path; 0 paths the same already; nothing was changed\n',
  );
  const { stdout } = await run([...push, '-n', '--json'], { end, events: planned });
  expect(JSON.parse(stdout)).toEqual({
    actions: [
      { action: 'upload', path: 'new\nline', bytes: 2048, reason: 'new' },
      { action: 'delete-remote', path: 'old', bytes: 0, reason: 'not here' },
    ],
    totals: end,
  });
});

const told: readonly AgentEvent[] = [
  { type: 'notice', level: 'info', code: 'native-crypto', message: 'native crypto is not active' },
  { type: 'notice', level: 'warn', code: 'skipped', message: 'not synced', path: 'fifo' },
  { type: 'transfer-end', action: 'upload', path: 'a.ts', size: 3, ok: true },
];

test('-v tells of each file and of slow crypto', async () => {
  expect(await run(push, { events: told })).toMatchObject({
    stdout: expect.not.stringMatching(/native|a\.ts/),
    stderr: 'fifo: not synced\n',
  });
  expect((await run([...push, '-v'], { events: told })).stdout).toMatch(
    /^native crypto is not active\n↑ a\.ts {2}3 B\n/,
  );
});

test('with --json events are JSON lines on stderr', async () => {
  const { stdout, stderr } = await run([...push, '--json'], { events: told });
  expect(stdout.split('\n')).toHaveLength(2);
  expect(jsonLines(stderr)).toEqual([
    expect.objectContaining({
      level: 'warn',
      event: 'notice',
      code: 'skipped',
      path: 'fifo',
      msg: 'not synced',
    }),
  ]);
});

test('an interrupt ends with 130, a second one at once', async () => {
  expect(await run(push, { whileRunning: (signal) => signal(0) })).toMatchObject({ code: 130, exits: [] });
  const twice = (signal: (atMs: number) => void) => {
    signal(0);
    signal(600);
  };
  expect(await run(push, { whileRunning: twice })).toMatchObject({ exits: [130] });
});

test('a Ctrl-C that arrives twice by way of npm is one', async () => {
  const twice = (signal: (atMs: number) => void) => {
    signal(0);
    signal(10);
  };
  expect(await run(push, { whileRunning: twice })).toMatchObject({ code: 130, exits: [] });
});
