import { expect, test } from 'vitest';
import { oneLineStatus, statusLines } from '../../src/cli/status-lines.js';
import type { AgentStatus, PairStatus } from '../../src/index.js';
import { result } from './fakes.js';

const nowMs = 1_700_000_000_000;

/** An agent with nothing to do, and whatever is given. */
function status(changes: Partial<AgentStatus> = {}): AgentStatus {
  return {
    pid: 7,
    local: './app',
    remote: 'dev@box:/srv/app',
    mode: 'push',
    state: 'watching',
    startedMs: nowMs - 60_000,
    link: { state: 'ready', epoch: 1, error: null },
    lagMs: 0,
    queue: { total: 0, held: 0, problems: 0, settling: 0, inFlight: 0 },
    transfers: [],
    problems: [],
    holds: [],
    lastScan: null,
    bwlimit: null,
    totals: result(),
    ...changes,
  };
}

function shown(changes: Partial<AgentStatus> = {}): string[] {
  return statusLines({ ...status(changes), running: true }, nowMs).map(({ text }) => text);
}

test('an agent with nothing to do', () => {
  expect(shown()).toEqual([
    'watching (process 7, running for 1 min 0 s)',
    '  pair       ./app → dev@box:/srv/app (push)',
    '  link       connected',
    '  queue      empty',
  ]);
});

test('an agent with all kinds of things', () => {
  const path = (n: number) => `file ${String(n)}`;
  const lines = shown({
    state: 'waiting',
    link: { state: 'waiting', epoch: null, error: 'box: connection refused' },
    bwlimit: 512,
    lagMs: 1200,
    queue: { total: 1234, held: 3, problems: 30, settling: 2, inFlight: 8 },
    transfers: Array.from({ length: 7 }, (_, n) => ({ path: path(n), size: 2048, bytes: 1024 })),
    problems: Array.from({ length: 25 }, (_, n) => ({
      path: path(n),
      code: 'permission',
      message: 'denied',
    })),
    holds: [{ cause: 'root-missing', message: 'the source folder is gone', deletions: 3 }],
    lastScan: { endedMs: nowMs - 5000, durationMs: 900, entries: 10_000 },
    totals: result({ transferred: 2, bytesSent: 5, failed: 30 }),
  });
  expect(lines.slice(0, 10)).toEqual([
    'waiting (process 7, running for 1 min 0 s)',
    '  pair       ./app → dev@box:/srv/app (push)',
    '  link       waiting: box: connection refused',
    '  limit      512 KiB/s',
    '  queue      1,201 waiting, 2 settling, 8 in work, 3 held back, 30 problems',
    '  lag        1.2 s',
    '  last scan  5.0 s ago: 10,000 paths in 900 ms',
    '  sending    file 0  1.0 KiB of 2.0 KiB',
    '  sending    file 1  1.0 KiB of 2.0 KiB',
    '  sending    file 2  1.0 KiB of 2.0 KiB',
  ]);
  expect(lines).toContain('             and 2 more files');
  expect(lines).toContain('  so far     ↑ 2 files, 5 B in 40 ms');
  expect(lines.filter((line) => line.startsWith('! file'))).toHaveLength(20);
  expect(lines.slice(-2)).toEqual([
    '! and 10 more problems',
    '3 deletions held back: the source folder is gone',
  ]);
});

test('a stopped one', () => {
  const stopped: PairStatus = {
    ...status({ state: 'stopped', queue: { total: 1, held: 0, problems: 0, settling: 0, inFlight: 0 } }),
    running: false,
    pid: null,
    startedMs: null,
    totals: null,
  };
  expect(statusLines(stopped, nowMs).map(({ text }) => text)).toEqual([
    'stopped: no agent is running for this pair',
    '  pair       ./app → dev@box:/srv/app (push)',
    '  queue      1 waiting',
  ]);
});

test.each<[Partial<AgentStatus>, string]>([
  [{}, 'watching, nothing waits'],
  [{ state: 'paused' }, 'paused'],
  [
    { state: 'scanning', lagMs: 90_000, queue: { total: 9, held: 0, problems: 1, settling: 1, inFlight: 2 } },
    'scanning; 10 paths waiting; 2 paths in work; oldest change 1 min 30 s ago; 1 problem',
  ],
  [
    { state: 'waiting', link: { state: 'waiting', epoch: null, error: 'box: refused' } },
    'waiting; no connection: box: refused',
  ],
])('in one line', (changes, line) => {
  expect(oneLineStatus(status(changes))).toBe(line);
});
