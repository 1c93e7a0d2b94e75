/** A dry run shows as renames what the run then renames, with the same sums, and changes nothing on either side. */
import { chmodSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlannedAction, SyncResult } from '../../src/engine/events.js';
import { plan as planByLibrary } from '../../src/index.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, type TestPair, towline } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** Long saved, so that nothing of it is in doubt. */
function save(root: string, path: string, data: string): void {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, data);
  utimesSync(file, 1_700_000_000, 1_700_000_000);
}

async function json<T>(pair: TestPair, ...flags: string[]): Promise<T> {
  const done = await towline(['sync', ...pair.flags, '--json', ...flags, pair.local, pair.target]);
  expect(done.stdout, done.stderr).not.toBe('');
  return JSON.parse(done.stdout) as T;
}

async function agreed(): Promise<TestPair> {
  const pair = freshPair(sshd);
  for (const path of ['file', 'd/one', 'd/e/two', 'd/e/three', 'old/in/four', 'old/five', 'kept'])
    save(pair.local, path, `this is ${path}`);
  await json(pair);
  return pair;
}

const sums = ({
  moved,
  transferred,
  directories,
  deleted,
  metadata,
  bytesSent,
  bytesReceived,
}: SyncResult) => ({
  moved,
  transferred,
  directories,
  deleted,
  metadata,
  bytesSent,
  bytesReceived,
});

describe.each(['local', 'remote'] as const)('renamed on the %s side', (side) => {
  const there = side === 'local' ? 'there' : 'here';
  const carry = side === 'local' ? 'upload' : 'download';

  test('files and folders, with what changed beside', async () => {
    const pair = await agreed();
    const root = pair[side];
    renameSync(join(root, 'file'), join(root, 'd', 'a new name'));
    renameSync(join(root, 'd'), join(root, 'moved'));
    save(root, 'moved/new', 'new');
    // Of the folder that goes, only this stays.
    renameSync(join(root, 'old/in'), join(root, 'in'));
    rmSync(join(root, 'old'), { recursive: true });
    chmodSync(join(root, 'in'), 0o700);
    const before = [treeOf(pair.local), treeOf(pair.remote)];
    const { actions, totals } = await json<{ actions: PlannedAction[]; totals: SyncResult }>(
      pair,
      '--dry-run',
    );
    expect([treeOf(pair.local), treeOf(pair.remote)]).toEqual(before);
    const told = actions.map(({ action, path, from }) => [
      action,
      ...(from === undefined ? [] : [from]),
      path,
    ]);
    const names = told.filter(([action]) => action !== 'set-metadata');
    expect(names.map((line) => line.join(' ')).sort()).toEqual(
      [
        `delete-${side === 'local' ? 'remote' : 'local'} old`,
        'move d moved',
        'move file moved/a new name',
        'move old/in in',
        `${carry} moved/new`,
      ].sort(),
    );
    expect(totals).toMatchObject({ moved: 3, transferred: 1, deleted: 2, problems: [], holds: [] });
    const text = await towline(['sync', '-n', ...pair.flags, pair.local, pair.target]);
    expect(text.stdout).toMatch(/^rename +d -> moved {2}\(renamed (here|there)\)$/m);
    expect(text.stdout).toContain('rename 3 paths');
    expect(text.stdout).not.toContain(`delete ${there}  d`);
    const done = await json<SyncResult>(pair);
    expect(sums(done)).toEqual(sums(totals));
    expect(treeOf(pair.local)).toEqual(treeOf(pair.remote));
  });

  test('a folder of which something changed is told as what is done', async () => {
    const pair = await agreed();
    const root = pair[side];
    renameSync(join(root, 'd'), join(root, 'moved'));
    writeFileSync(join(root, 'moved/one'), 'edited, and longer');
    const { totals } = await json<{ totals: SyncResult }>(pair, '--dry-run');
    expect(totals.moved).toBe(1);
    expect(sums(await json<SyncResult>(pair))).toEqual(sums(totals));
    expect(treeOf(pair.local)).toEqual(treeOf(pair.remote));
  });

  test('the library tells the same', async () => {
    const pair = await agreed();
    renameSync(join(pair[side], 'd'), join(pair[side], 'moved'));
    const { local, target: remote, stateDir, flags } = pair;
    const { actions } = await planByLibrary({
      local,
      remote,
      stateDir,
      sshConfig: flags[1]!,
      mode: 'two-way',
    });
    expect(actions).toMatchObject([{ action: 'move', from: 'd', path: 'moved', bytes: 0 }]);
  });
});

test('without --delete nothing is renamed, and the plan says so', async () => {
  const pair = await agreed();
  renameSync(join(pair.local, 'd'), join(pair.local, 'moved'));
  const { totals } = await json<{ totals: SyncResult }>(pair, '--dry-run', '--no-delete');
  expect(totals).toMatchObject({ moved: 0, transferred: 3, directories: 2, deleted: 0 });
  expect(sums(await json<SyncResult>(pair, '--no-delete'))).toEqual(sums(totals));
});
