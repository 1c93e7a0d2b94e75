import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { PairOptions } from '../../src/index.js';
import { freshFolder } from '../support/folder.js';
import { run } from './fakes.js';

const pair = { local: './app', remote: 'dev@box:/srv/app' };

const table: readonly (readonly [flags: string, options: Partial<PairOptions>])[] = [
  ['', {}],
  ['-p 2222', { port: 2222 }],
  ['-p2222', { port: 2222 }],
  ['--port=22', { port: 22 }],
  ['-i one -i two', { identityFiles: ['one', 'two'] }],
  ['-F cfg', { sshConfig: 'cfg' }],
  ['--ssh-config cfg', { sshConfig: 'cfg' }],
  ['--accept-new', { acceptNew: true }],
  ['--delete', { delete: true }],
  ['--max-delete 100', { maxDelete: '100' }],
  ['--max-delete 30%', { maxDelete: '30%' }],
  ['--compare size', { compare: 'size' }],
  ['--compare mtime+size', { compare: 'mtime+size' }],
  ['--compare checksum', { compare: 'checksum' }],
  ['--gitignore', { gitignore: true }],
  ['--editor-files', { editorFiles: true }],
  ['--chmod D755,F644', { chmod: 'D755,F644' }],
  ['--mkpath --force --fsync', { mkpath: true, force: true, fsync: true }],
  ['--bwlimit 512', { bwlimit: 512 }],
  ['--bwlimit 1.5', { bwlimit: 1.5 }],
  ['--concurrency 8', { concurrency: 8 }],
  ['--state-dir s', { stateDir: 's' }],
  ['--exclude -x', { rules: [{ type: 'exclude', pattern: '-x', source: '--exclude' }] }],
];

test.each(table)('push %s', async (flags, options) => {
  const given = flags === '' ? [] : flags.split(' ');
  const expected = [{ name: 'sync', options: { ...pair, ...options } }];
  expect((await run(['push', ...given, pair.local, pair.remote])).calls).toEqual(expected);
  expect((await run(['push', pair.local, pair.remote, ...given])).calls).toEqual(expected);
});

test('watch has flags of its own besides the shared ones', async () => {
  const flags = ['--settle-ms', '0', '--settle-max-ms', '5000', '--rescan-minutes', '0.5', '--delete'];
  const { calls } = await run(['watch', ...flags, pair.local, pair.remote], { end: new Error('enough') });
  const options = { ...pair, delete: true, settleMs: 0, settleMaxMs: 5000, rescanMinutes: 0.5 };
  expect(calls).toEqual([{ name: 'watch', options }]);
  expect((await run(['push', '--settle-ms', '1', pair.local, pair.remote])).code).toBe(2);
});

test('filter flags keep their order, with the lines of files in their place', async () => {
  const file = join(freshFolder(), 'rules');
  writeFileSync(file, '\ufeff# comment\r\n*.tmp\r\n\r\n!keep.tmp\r\n\\#odd\n');
  const merge = join(freshFolder(), 'merge');
  writeFileSync(merge, '; comment\n+ x y\n  -\t*.tmp\n');
  const flags = ['--include', 'a', '--exclude', 'b', '--exclude-from', file, '--include', 'c'];
  flags.push('--exclude-down', 'd', '--filter-from', merge, '--exclude-up', 'e');
  const { calls } = await run(['push', ...flags, pair.local, pair.remote]);
  expect(calls[0]?.options.rules).toEqual([
    { type: 'include', pattern: 'a', source: '--include' },
    { type: 'exclude', pattern: 'b', source: '--exclude' },
    { type: 'exclude', pattern: '*.tmp', source: file, line: 2 },
    { type: 'include', pattern: 'keep.tmp', source: file, line: 4 },
    { type: 'exclude', pattern: '\\#odd', source: file, line: 5 },
    { type: 'include', pattern: 'c', source: '--include' },
    { type: 'exclude', pattern: 'd', source: '--exclude-down', only: 'down' },
    { type: 'include', pattern: 'x y', source: merge, line: 2 },
    { type: 'exclude', pattern: '*.tmp', source: merge, line: 3 },
    { type: 'exclude', pattern: 'e', source: '--exclude-up', only: 'up' },
  ]);
});

test.each([
  { local: '-odd', remote: 'box:/x' },
  { local: '--', remote: 'box:/x' },
  { local: './with:colon', remote: '[::1]:/x' },
  { local: 'C:\\app', remote: 'box:x' },
])('after -- the arguments are taken as they are: $local $remote', async ({ local, remote }) => {
  const { calls } = await run(['push', '--delete', '--', local, remote]);
  expect(calls).toEqual([{ name: 'sync', options: { local, remote, delete: true } }]);
});

test('-n asks for the plan only', async () => {
  expect((await run(['push', '-n', pair.local, pair.remote])).calls.map(({ name }) => name)).toEqual([
    'plan',
  ]);
});
