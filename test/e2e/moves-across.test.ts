/** What was renamed on a real server, by the built command: by its inode here it is the same file, and nothing was fetched. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { save } from '../support/save.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { type LogLine, type TestPair, type Watching, freshPair, run, watch } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

const large = 30 * 2 ** 20;

let sshd: TestSshd;
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

/** Long saved, so that nothing of it is in doubt. */
function saveLongAgo(root: string, path: string, data: string | Buffer): void {
  save(root, path, data, 1_700_000_000);
}

const inodeOf = (root: string, path: string) => statSync(join(root, path)).ino;

function expectEqual(pair: TestPair): void {
  expect(treeOf(pair.local)).toEqual(treeOf(pair.remote));
}

async function agreed(on = sshd): Promise<TestPair> {
  const pair = freshPair(on);
  saveLongAgo(pair.local, 'large', randomBytes(large));
  saveLongAgo(pair.local, 'd/one', randomBytes(5_000));
  saveLongAgo(pair.local, 'd/e/two', 'two');
  await run('sync', pair);
  return pair;
}

describe('a one-shot run', () => {
  test('renames a large file and a directory as a whole', async () => {
    const pair = await agreed();
    const inodes = ['large', 'd/e/two', 'd'].map((path) => inodeOf(pair.local, path));
    renameSync(join(pair.remote, 'large'), join(pair.remote, 'd/a new name'));
    renameSync(join(pair.remote, 'd'), join(pair.remote, 'moved'));
    expect(await run('sync', pair)).toMatchObject({
      moved: 2,
      transferred: 0,
      bytesReceived: 0,
      problems: [],
    });
    expectEqual(pair);
    const names = ['moved/a new name', 'moved/e/two', 'moved'];
    expect(names.map((path) => inodeOf(pair.local, path))).toEqual(inodes);
    expect(existsSync(join(pair.local, 'd'))).toBe(false);
    expect(await run('sync', pair)).toMatchObject({ moved: 0, transferred: 0, deleted: 0 });
  });

  test('pull renames a directory as a whole', async () => {
    const pair = await agreed();
    const inode = inodeOf(pair.local, 'd');
    renameSync(join(pair.remote, 'd'), join(pair.remote, 'moved'));
    const result = await run('pull', pair, ['--delete']);
    // Where the server has no inotifywait to prove its shell by, it hashes nothing for a run that writes nothing there.
    if (result.transferred === 0) {
      expect(result).toMatchObject({ moved: 1, deleted: 0, problems: [] });
      expect(inodeOf(pair.local, 'moved')).toBe(inode);
    }
    expectEqual(pair);
  });

  test('a directory with something of ours alone is not renamed as a whole, and keeps that', async () => {
    const pair = await agreed();
    saveLongAgo(pair.local, 'd/e/note.tmp', 'mine alone');
    renameSync(join(pair.remote, 'd'), join(pair.remote, 'moved'));
    expect(await run('sync', pair, ['--exclude', '*.tmp'])).toMatchObject({
      moved: 2,
      transferred: 0,
      problems: [],
    });
    expect(readFileSync(join(pair.local, 'd/e/note.tmp'), 'utf8')).toBe('mine alone');
    expect(existsSync(join(pair.local, 'd/one'))).toBe(false);
    expect(treeOf(join(pair.local, 'moved'))).toEqual(treeOf(join(pair.remote, 'moved')));
  });

  test.each(['local', 'remote'] as const)(
    'a large directory renamed on the %s side leaves nothing under its old name, however long the listing takes',
    async (side) => {
      const pair = freshPair(sshd);
      for (let index = 0; index < 600; index++) {
        saveLongAgo(pair.local, `k/${String(index)}`, `kept ${String(index)}`);
        saveLongAgo(pair.local, `y/${String(index)}`, `file ${String(index)}`);
      }
      await run('sync', pair);
      renameSync(join(pair[side], 'y'), join(pair[side], 'd'));
      const done = await run('sync', pair, ['--max-delete', '5']);
      expect(done).toMatchObject({ moved: 1, transferred: 0, directories: 0, deleted: 0, holds: [] });
      expectEqual(pair);
    },
  );

  test('an edit of the old name here survives', async () => {
    const pair = await agreed();
    saveLongAgo(pair.local, 'large', 'edited here');
    renameSync(join(pair.remote, 'large'), join(pair.remote, 'new'));
    expect(await run('sync', pair)).toMatchObject({
      moved: 0,
      transferred: 2,
      conflicts: 0,
      bytesReceived: large,
    });
    expectEqual(pair);
    expect(readFileSync(join(pair.remote, 'large'), 'utf8')).toBe('edited here');
  });

  test('a name that is excluded is not brought here, and the old one goes', async () => {
    const pair = await agreed();
    renameSync(join(pair.remote, 'large'), join(pair.remote, 'large.tmp'));
    const done = await run('sync', pair, ['--exclude', '*.tmp']);
    expect(done).toMatchObject({ moved: 0, transferred: 0, deleted: 1, problems: [] });
    expect(existsSync(join(pair.local, 'large.tmp'))).toBe(false);
    expect(existsSync(join(pair.remote, 'large.tmp'))).toBe(true);
  });

  test('what was excluded under its old name is not taken from there', async () => {
    const pair = await agreed();
    renameSync(join(pair.remote, 'large'), join(pair.remote, 'a new name'));
    const done = await run('sync', pair, ['--exclude', '/large']);
    expect(done).toMatchObject({ moved: 0, transferred: 1, bytesReceived: large });
    expect(existsSync(join(pair.local, 'large'))).toBe(true);
  });

  test('without a shell it is fetched', async () => {
    const plain = await startSshd({ forceInternalSftp: true });
    const pair = await agreed(plain);
    renameSync(join(pair.remote, 'large'), join(pair.remote, 'new'));
    expect(await run('sync', pair)).toMatchObject({
      moved: 0,
      transferred: 1,
      deleted: 1,
      bytesReceived: large,
    });
    expectEqual(pair);
    await plain.stop();
  });
});

describe('while watching', () => {
  function sumOf(agent: Watching, key: string): number {
    const batches = agent.lines.filter((line: LogLine) => line.event === 'batch');
    return batches.reduce((sum, line) => sum + Number(line[key] ?? 0), 0);
  }

  test.each([
    ['a file', 'large', 'd/new', 'd/new'],
    ['a directory', 'd', 'moved', 'moved/one'],
  ])('%s that is renamed there is renamed here', async (_, from, to, file) => {
    const pair = await agreed();
    const inodes = [inodeOf(pair.local, from), inodeOf(pair.local, file === to ? from : 'd/one')];
    const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '1']);
    await agent.ready();
    renameSync(join(pair.remote, from), join(pair.remote, to));
    await eventually(() => {
      expect(existsSync(join(pair.local, from))).toBe(false);
      expectEqual(pair);
    });
    expect([inodeOf(pair.local, to), inodeOf(pair.local, file)]).toEqual(inodes);
    expect(await agent.stop()).toBe(0);
    expect([sumOf(agent, 'bytesReceived'), sumOf(agent, 'moved')]).toEqual([0, 1]);
    expectEqual(pair);
  });

  test('an old name that is saved here at the same moment stays', async () => {
    const pair = await agreed();
    const agent = watch(pair, ['--mode', 'two-way', '--remote-poll-seconds', '1']);
    await agent.ready();
    renameSync(join(pair.remote, 'large'), join(pair.remote, 'new'));
    writeFileSync(join(pair.local, 'large'), 'saved here');
    await eventually(() => {
      const texts = [pair.local, pair.remote].map((root) => readFileSync(join(root, 'large'), 'utf8'));
      expect(texts).toEqual(['saved here', 'saved here']);
      expect(statSync(join(pair.local, 'new')).size).toBe(large);
    });
    expect(await agent.stop()).toBe(0);
    expectEqual(pair);
    rmSync(pair.local, { recursive: true });
  });
});

test('--compare checksum reads thousands of files in few commands, and finds the one that differs', async () => {
  const pair = freshPair(sshd);
  for (let index = 0; index < 3_000; index++)
    saveLongAgo(pair.local, `${String(index % 20)}/${String(index)}`, `file ${String(index)}`);
  await run('sync', pair);
  // The same size and second: nothing but its content tells.
  saveLongAgo(pair.remote, '7/7', 'FILE 7');
  const done = await run('sync', pair, ['--compare', 'checksum']);
  expect(done).toMatchObject({ transferred: 1, problems: [] });
  expectEqual(pair);
  expect(readFileSync(join(pair.local, '7/7'), 'utf8')).toBe('FILE 7');
});
