import { expect, test } from 'vitest';
import {
  batchText,
  doneText,
  holdText,
  keptText,
  linkText,
  noticeText,
  problemText,
} from '../../src/cli/lines.js';
import { plannedText, planTotalsText } from '../../src/cli/plan.js';
import { TowlineError } from '../../src/core/errors.js';
import { batch, result } from './fakes.js';

test('a batch is one line: what, how much, how long, which', () => {
  const summary = batch({ transferred: 3, bytesSent: 12_700, paths: ['src/app.ts', 'src/b.ts'] });
  expect(batchText(summary, 100)).toBe('↑ 3 files, 12.4 KiB in 41 ms  src/app.ts, src/b.ts, …');
  expect(batchText(batch({ deleted: 2, paths: ['a', 'b'] }), 100)).toBe('− 2 deleted in 41 ms  a, b');
  expect(batchText(batch({ directories: 1, paths: ['new'] }), 100)).toBe('· 1 directory made in 41 ms  new');
});

test('a batch that did nothing is no line', () => {
  expect(batchText(batch({ skipped: 1000, kept: 3 }), 100)).toBeNull();
});

test('all counts have their place', () => {
  const everything = {
    transferred: 1,
    directories: 2,
    metadata: 1,
    deleted: 4,
    drifted: 1,
    leftOut: 0,
    failed: 5,
    held: 6,
  };
  expect(batchText(batch({ ...everything, bytesSent: 7 }), 100)).toBe(
    '↑ 1 file, 7 B, 2 directories made, 1 mode or time set, 4 deleted, 1 changed by others there, ' +
      '6 held back, 5 failed in 41 ms',
  );
});

test('names are cut to the width of the terminal, but one is always there', () => {
  const paths = ['a'.repeat(60), 'b'.repeat(60)];
  expect(batchText(batch({ transferred: 2, paths }), 80)).toBe(
    `↑ 2 files, 0 B in 41 ms  ${paths[0] ?? ''}, …`,
  );
  expect(batchText(batch({ transferred: 2, paths }), 200)).toMatch(/a, b+$/);
});

test('totals of a run', () => {
  expect(
    doneText(result({ transferred: 2000, bytesSent: 71_300_000, directories: 12, durationMs: 3400 })),
  ).toBe('↑ 2,000 files, 68.0 MiB, 12 directories made in 3.4 s');
  expect(doneText(result({ skipped: 5 }))).toBeNull();
});

test('kept paths say how to remove them, unless deletions are on', () => {
  expect(keptText(4, {})).toBe('kept 4 that are only on the server (use --delete to remove them)');
  expect(keptText(1, { delete: true })).toBe('kept 1 that are only on the server');
  expect(keptText(3, { delete: true, onDrift: 'keep' })).toBe(
    'left 3 as they are on the server: changed by others, or only there',
  );
  expect(keptText(2, { mode: 'two-way' })).toContain('something above waits for a decision');
  expect(keptText(2, { mode: 'two-way', delete: false })).toContain('--no-delete');
});

test('a hold says why and what to do', () => {
  const message = "'src' could not be listed";
  expect(holdText({ cause: 'partial-listing', message, deletions: 3 })).toBe(
    "3 deletions held back: 'src' could not be listed; make it readable, or exclude it",
  );
  expect(holdText({ cause: 'root-missing', message: 'the source is gone', deletions: 1 })).toBe(
    '1 deletion held back: the source is gone',
  );
});

test('problems and notices name their path once', () => {
  expect(problemText({ path: 'a/b', code: 'permission', message: "'a/b' cannot be read" })).toBe(
    "'a/b' cannot be read",
  );
  expect(problemText({ path: 'a/b', code: 'permission', message: 'denied' })).toBe('a/b: denied');
  const notice = { type: 'notice', level: 'info', code: 'x' } as const;
  expect(noticeText({ ...notice, message: 'skipped', path: 'fifo' })).toBe('fifo: skipped');
  expect(noticeText({ ...notice, message: 'hello' })).toBe('hello');
});

test('of the link only waiting is told', () => {
  const error = new TowlineError('network', 'box: connection refused', { host: 'box' });
  expect(linkText({ name: 'waiting', attempt: 2, retryAtMs: 5000, error }, 1000)).toBe(
    'no connection: box: connection refused (next try in 4.0 s; changes wait)',
  );
  expect(linkText({ name: 'ready', epoch: 1 }, 1000)).toBeNull();
  expect(linkText({ name: 'connecting', attempt: 1 }, 1000)).toBeNull();
});

test('a plan, line by line and in total', () => {
  expect(plannedText({ action: 'upload', path: 'src/a', bytes: 2048, reason: 'new' })).toBe(
    'upload          src/a  (2.0 KiB, new)',
  );
  expect(plannedText({ action: 'move', path: 'new', from: 'old', bytes: 0, reason: 'renamed here' })).toBe(
    'rename          old -> new  (renamed here)',
  );
  expect(plannedText({ action: 'make-directory', path: 'src', bytes: 0, reason: '' })).toBe(
    'make directory  src',
  );
  expect(planTotalsText(result({ transferred: 1, bytesSent: 2048, deleted: 2, skipped: 7 }))).toBe(
    'dry run: would send 1 file, 2.0 KiB; delete 2 paths; 7 paths the same already; nothing was changed',
  );
  expect(planTotalsText(result())).toBe(
    'dry run: nothing to do; 0 paths the same already; nothing was changed',
  );
});
