import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { AgentEvent } from '../../src/index.js';
import { batch, jsonLines, result, run, type World } from './fakes.js';

const watch = ['watch', './app', 'box:/srv/app'];
const stop = (signal: (atMs: number) => void) => signal(0);

/** What a terminal shows of these events, without the lines of the stop at the end. */
async function shown(events: readonly AgentEvent[], flags: readonly string[] = []) {
  const ran = await run([...watch, ...flags], { tty: true, events, whileRunning: stop });
  const own = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '' && !/stopp/.test(line))
      .map((line) => line.replace('12:03:04  ', ''));
  return { stdout: own(ran.stdout), stderr: own(ran.stderr) };
}

test('a clean stop is exit 0, and says what was done', async () => {
  const end = result({ transferred: 12, bytesSent: 3000, durationMs: 7_380_000 });
  const ran = await run(watch, { tty: true, end, whileRunning: stop });
  expect(ran).toMatchObject({ code: 0, stderr: '', exits: [] });
  expect(ran.stdout).toBe(
    '12:03:04  stopping (Ctrl-C again to exit at once)\n12:03:04  stopped: ↑ 12 files, 2.9 KiB in 2 h 3 min\n',
  );
});

test('being stopped before it has begun is a clean stop too', async () => {
  const end = new TowlineError('interrupted', 'interrupted');
  expect(await run(watch, { end, whileRunning: stop })).toMatchObject({ code: 0, stderr: '' });
});

test.each<[World, number]>([
  [{ end: new TowlineError('host-key', 'box: the key changed') }, 3],
  [{ end: new TowlineError('authentication', 'box: refused') }, 3],
  [{ end: new TowlineError('locked', 'another agent runs') }, 1],
  [{ end: new TowlineError('state', 'disk full'), whileRunning: stop }, 1],
])('a halted agent ends with its error', async (world, code) => {
  const ran = await run(watch, world);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toBe(`towline: ${(world.end as Error).message}\n`);
  const last = JSON.parse(ran.stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(last).toMatchObject({ level: 'error', event: 'failed', msg: (world.end as Error).message });
});

test('a second Ctrl-C does not wait for the stop', async () => {
  const stopping = Promise.withResolvers<undefined>();
  const ran = await run(watch, {
    stopping: stopping.promise,
    whileRunning: (signal) => {
      signal(0);
      signal(700);
      stopping.resolve(undefined);
    },
  });
  expect(ran.exits).toEqual([130]);
});

test('the first sync has its summary, later scans only what is new', async () => {
  const first = batch({ cause: 'scan', transferred: 2, bytesSent: 5, kept: 4, paths: ['a', 'b'] });
  const again = batch({ cause: 'scan', skipped: 10, kept: 4 });
  const { stdout } = await shown([
    { type: 'scan-start', cause: 'start' },
    { type: 'batch', summary: first },
    { type: 'watching' },
    { type: 'batch', summary: again },
    { type: 'batch', summary: batch({ transferred: 1, bytesSent: 9, paths: ['x\ny'] }) },
    { type: 'batch', summary: { ...again, kept: 5 } },
  ]);
  expect(stdout).toEqual([
    'first sync: ↑ 2 files, 5 B in 41 ms  a, b',
    'kept 4 that are only on the server (use --delete to remove them)',
    'watching ./app → box:/srv/app (Ctrl-C stops)',
    '↑ 1 file, 9 B in 41 ms  x\\ny',
    'kept 5 that are only on the server (use --delete to remove them)',
  ]);
});

test('a first sync with nothing to do says so', async () => {
  const { stdout } = await shown([{ type: 'batch', summary: batch({ cause: 'scan', skipped: 10 }) }]);
  expect(stdout).toEqual(['nothing to do: 10 paths the same on both sides (41 ms)']);
});

test('problems are said once, and when they are solved', async () => {
  const problem = { path: 'a', code: 'permission', message: 'denied' } as const;
  const events: readonly AgentEvent[] = [
    { type: 'problem', problem },
    { type: 'problem', problem },
    { type: 'problem', problem: { ...problem, message: 'no space' } },
    { type: 'solved', path: 'a' },
    { type: 'solved', path: 'never heard of' },
  ];
  expect(await shown(events)).toEqual({ stdout: ['solved: a'], stderr: ['! a: denied', '! a: no space'] });
});

test('a conflict that was settled is said; one that waits is said as a problem, with what to do', async () => {
  const conflict = { type: 'conflict', path: 'a', cause: 'conflict' } as const;
  const { stderr } = await shown([
    { ...conflict, resolution: 'waiting', side: null, copy: null },
    { type: 'problem', problem: { path: 'a', code: 'conflict', message: "'a' was changed. Decide" } },
    { ...conflict, resolution: 'both', side: 'local', copy: 'a.copy' },
    { ...conflict, resolution: 'remote', side: 'local', copy: null },
  ]);
  expect(stderr).toEqual([
    "! 'a' was changed. Decide",
    'a: changed on both sides; the local version is kept as a.copy',
    'a: changed on both sides; the local version was overwritten',
  ]);
});

test('holds are said when they come and when they go', async () => {
  const hold = { cause: 'root-missing', message: 'the source folder is gone', deletions: 3 } as const;
  const { stderr } = await shown(
    [
      { type: 'holds', holds: [] },
      { type: 'holds', holds: [hold] },
      { type: 'holds', holds: [{ ...hold, deletions: 4 }] },
      { type: 'holds', holds: [] },
    ],
    ['-q'],
  );
  expect(stderr).toEqual([
    '3 deletions held back: the source folder is gone',
    'deletions go on: nothing holds them back any more',
  ]);
});

test('a lost link is said once per reason, and when it is back', async () => {
  const error = new TowlineError('network', 'box: connection refused');
  const waiting = (attempt: number): AgentEvent => ({
    type: 'link',
    state: { name: 'waiting', attempt, retryAtMs: 0, error },
  });
  const { stderr } = await shown([
    { type: 'link', state: { name: 'ready', epoch: 1 } },
    waiting(1),
    { type: 'link', state: { name: 'connecting', attempt: 2 } },
    waiting(2),
    { type: 'link', state: { name: 'ready', epoch: 2 } },
  ]);
  expect(stderr).toEqual(['no connection: box: connection refused (changes wait)', 'connected again']);
});

test('colours on a terminal that wants them', async () => {
  const world: World = { tty: true, events: [{ type: 'watching' }], whileRunning: stop };
  expect((await run(watch, { ...world, env: { NO_COLOR: '' } })).stdout).toContain('\x1b[32mwatching');
  expect((await run(watch, world)).stdout).not.toContain('\x1b');
});

test.each([
  { tty: false, flags: [] },
  { tty: true, flags: ['--json'] },
])('JSON lines where no terminal is, or asked for: $flags', async ({ tty, flags }) => {
  const events: readonly AgentEvent[] = [
    { type: 'link', state: { name: 'ready', epoch: 1 } },
    { type: 'transfer-end', action: 'upload', path: 'a', size: 1, ok: true },
    { type: 'batch', summary: batch({ transferred: 1, paths: ['a'] }) },
    { type: 'problem', problem: { path: 'b', code: 'permission', message: 'denied' } },
    { type: 'conflict', path: 'c', cause: 'conflict', resolution: 'waiting', side: null, copy: null },
    { type: 'conflict', path: 'd', cause: 'conflict', resolution: 'local', side: 'remote', copy: null },
  ];
  const { stdout, stderr } = await run([...watch, ...flags], { tty, events, whileRunning: stop });
  const lines = jsonLines(stdout);
  expect(stderr).toBe('');
  expect(lines.map(({ level, event }) => [level, event])).toEqual([
    ['info', 'link'],
    ['info', 'batch'],
    ['warn', 'problem'],
    ['info', 'conflict'],
    ['warn', 'conflict'],
    ['info', 'stopping'],
    ['info', 'stopped'],
  ]);
  expect(lines[1]).toMatchObject({
    transferred: 1,
    paths: ['a'],
    time: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(lines[3]).toMatchObject({ path: 'c', resolution: 'waiting' });
});
