import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { State } from '../../src/ports-state.js';
import { stateFailure } from '../../src/state/failure.js';
import { openState } from '../../src/state/open.js';
import Database from 'better-sqlite3';
import { freshFolder } from '../support/folder.js';

const label = './app → box:/srv/app';
const fullPattern = /disk is full.*Free some space/;

/** A file system of its own with so many KiB and these options, or `null` where that is not permitted. */
function smallVolume(options: string): string | null {
  const folder = freshFolder('volume');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'towline-test', folder], { stdio: 'ignore' });
  } catch {
    // Not root, not Linux, or a container that may not mount: the caller skips, visibly.
    return null;
  }
  onTestFinished(() => void execFileSync('umount', [folder]));
  return folder;
}

function fill(folder: string): string {
  const filler = join(folder, 'filler');
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(filler, Buffer.alloc(bavail * bsize));
  return filler;
}

async function putUntilFull(state: State): Promise<{ acknowledged: number; error: unknown }> {
  for (let i = 0; ; i++) {
    try {
      await state.queue.put([{ path: `${i}-${'x'.repeat(500)}`, cause: 'watch', sinceMs: 1 }]);
    } catch (error) {
      return { acknowledged: i, error };
    }
  }
}

test('a disk that fills is named; nothing acknowledged is lost; with room again the same state goes on', async ({
  skip,
}) => {
  const folder = smallVolume('size=2m');
  if (folder === null) return skip('mounting is not permitted here');
  const state = await openState({ folder: join(folder, 'pair'), label });
  const filler = fill(folder);
  const { acknowledged, error } = await putUntilFull(state);
  expect(error).toMatchObject({ code: 'state', message: expect.stringMatching(fullPattern) });
  expect(await state.queue.counts()).toMatchObject({ total: acknowledged });
  rmSync(filler);
  await state.queue.put([{ path: 'one more', cause: 'watch', sinceMs: 1 }]);
  await state.close();
  const next = await openState({ folder: join(folder, 'pair'), label });
  expect(next.setAside).toBeNull();
  expect(await next.queue.counts()).toMatchObject({ total: acknowledged + 1 });
  await next.close();
});

test('a state cannot be made on a full disk, which is said, and can be when there is room', async ({
  skip,
}) => {
  const folder = smallVolume('size=1m');
  if (folder === null) return skip('mounting is not permitted here');
  const filler = fill(folder);
  await expect(openState({ folder: join(folder, 'pair'), label })).rejects.toThrow(fullPattern);
  rmSync(filler);
  const state = await openState({ folder: join(folder, 'pair'), label });
  expect(state.setAside).toBeNull();
  await state.close();
});

test('a volume mounted read-only is named as one that cannot be written', async ({ skip }) => {
  const folder = smallVolume('size=2m');
  if (folder === null) return skip('mounting is not permitted here');
  const pair = join(folder, 'pair');
  await (await openState({ folder: pair, label })).close();
  execFileSync('mount', ['-o', 'remount,ro', folder]);
  await expect(openState({ folder: pair, label })).rejects.toMatchObject({
    code: 'state',
    path: pair,
    message: expect.stringMatching(/cannot be written/),
  });
  expect(existsSync(join(pair, 'state.sqlite'))).toBe(true);
});

test('SQLite running out of pages is told as a full disk, by its code', () => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t (a)');
  db.pragma('max_page_count = 3');
  try {
    db.prepare('INSERT INTO t VALUES (zeroblob(100000))').run();
    expect.unreachable();
  } catch (error) {
    expect(stateFailure({ folder: '/var/state/pair', label }, error)).toMatchObject({
      code: 'state',
      path: '/var/state/pair',
      message: expect.stringMatching(/\/var\/state\/pair.*disk is full/),
    });
  }
});
