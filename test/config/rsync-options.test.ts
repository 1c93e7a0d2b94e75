import { expect, test } from 'vitest';
import { readEnvironment } from '../../src/config/environment.js';
import type { PairOptions } from '../../src/config/options.js';
import { resolveOptions } from '../../src/config/resolve.js';

const pair: PairOptions = { local: '.', remote: 'box:/srv/app', transport: 'rsync' };

test.each<[Partial<PairOptions>, RegExp]>([
  [{ mode: 'two-way' }, /mode two-way.*Use mode push or pull/],
  [{ mode: 'push-backup' }, /mode push-backup/],
  [{ mode: 'pull-backup' }, /mode pull-backup/],
  [{ compare: 'size' }, /compare size/],
  [{ compare: 'mtime+size' }, /compare mtime\+size/],
  [{ force: true }, /force/],
  [{ onDrift: 'keep' }, /onDrift keep/],
  [{ onDrift: 'backup' }, /onDrift backup/],
  [{ onDrift: 'halt' }, /onDrift halt/],
  [{ maxSize: '10M' }, /maxSize.*--exclude/],
  [{ afterSync: [{ command: 'true' }] }, /afterSync/],
  [{ passwordFile: '/secret' }, /passwordFile.*ssh-agent/],
  [{ passwordCommand: 'pass' }, /passwordCommand/],
  [{ passphraseFile: '/secret' }, /passphraseFile/],
])('transport rsync does not go with %j', (more, message) => {
  expect(() => resolveOptions({ ...pair, ...more })).toThrow(
    expect.objectContaining({ code: 'configuration', message: expect.stringMatching(message) as string }),
  );
  expect(resolveOptions({ ...pair, ...more, transport: 'sftp' }).transport).toBe('sftp');
});

test.each<Partial<PairOptions>>([
  {},
  { mode: 'pull' },
  { compare: 'checksum', onDrift: 'overwrite', force: false, afterSync: [] },
  // As in any push: a file may hold them for runs in other modes.
  { conflict: 'newest', maxConflictCopies: 3 },
  { delete: true, maxDelete: '10', bwlimit: 100, chmod: 'F644', fsync: true, verify: 'none', mkpath: true },
])('transport rsync goes with %j', (more) => {
  expect(resolveOptions({ ...pair, ...more })).toMatchObject({ transport: 'rsync', compare: 'checksum' });
});

test('there are two', () => {
  expect(() => resolveOptions({ ...pair, transport: 'scp' as 'sftp' })).toThrow(/sftp, rsync/);
  expect(readEnvironment({ TOWLINE_TRANSPORT: 'rsync' }).settings).toEqual({ transport: 'rsync' });
  expect(readEnvironment({ TOWLINE_TRANSPORT: 'scp' }).problems[0]?.hint).toBe('Allowed: "sftp" or "rsync"');
});
