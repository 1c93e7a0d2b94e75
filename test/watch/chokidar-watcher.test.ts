import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { WatchHandlers, Watcher } from '../../src/ports-watch.js';
import { createChokidarWatcher } from '../../src/watch/chokidar-watcher.js';
import { readQueueMax } from '../../src/watch/overflow.js';
import { freshFolder } from '../support/folder.js';
import { Recorder } from './recorder.js';

interface Watched {
  readonly root: string;
  /** Beside the root, not watched. */
  readonly outside: string;
  readonly seen: Recorder;
  readonly watcher: Watcher;
}

/** A watched folder; `prepare` fills it before the watcher starts. */
async function watched(
  prepare: (root: string, outside: string) => void = () => undefined,
  excludes?: WatchHandlers['excludes'],
): Promise<Watched> {
  const folder = freshFolder('watch');
  const root = join(folder, 'root');
  const outside = join(folder, 'outside');
  mkdirSync(root);
  mkdirSync(outside);
  prepare(root, outside);
  const seen = new Recorder(excludes);
  const watcher = createChokidarWatcher({ root });
  onTestFinished(() => watcher.close());
  await watcher.start(seen);
  return { root, outside, seen, watcher };
}

test('creating, changing and deleting a file', async () => {
  const { root, seen } = await watched((at) => writeFileSync(join(at, 'old'), 'x'));
  writeFileSync(join(root, 'a b\n"c'), '1');
  await seen.all('add a b\n"c');
  writeFileSync(join(root, 'old'), 'longer');
  await seen.all('change old');
  unlinkSync(join(root, 'old'));
  await seen.all('unlink old');
  expect(seen.events.filter((event) => event.endsWith('old'))[0]).toBe('change old');
  expect(seen.errors).toEqual([]);
});

test('a chmod right behind a write is told, though chokidar keeps it to itself', async () => {
  const { root, seen } = await watched((at) => writeFileSync(join(at, 'linked'), 'x'));
  writeFileSync(join(root, 'linked'), 'longer');
  await seen.all('change linked');
  // Out of the tick of the coarse clock of the file system, within chokidar's throttle.
  const { ctimeMs } = statSync(join(root, 'linked'));
  while (statSync(join(root, 'linked')).ctimeMs < ctimeMs + 10) chmodSync(join(root, 'linked'), 0o755);
  await seen.until(() => seen.events.filter((event) => event === 'change linked').length === 2);
});

test('files made at once in new folders', async () => {
  const { root, seen } = await watched();
  mkdirSync(join(root, 'a/b/c'), { recursive: true });
  writeFileSync(join(root, 'a/b/c/f'), '1');
  writeFileSync(join(root, 'a/g'), '1');
  await seen.all('addDir a', 'addDir a/b', 'addDir a/b/c', 'add a/b/c/f', 'add a/g');
  writeFileSync(join(root, 'a/b/c/later'), '1');
  await seen.all('add a/b/c/later');
  rmSync(join(root, 'a'), { recursive: true });
  await seen.all('unlink a/b/c/f', 'unlinkDir a/b/c', 'unlinkDir a');
});

test('a whole tree made at once is told, and no folder of it is misjudged', async () => {
  const { root, seen } = await watched();
  const wanted: string[] = [];
  for (let n = 0; n < 200; n++) {
    mkdirSync(join(root, `${n}/deep`), { recursive: true });
    wanted.push(`addDir ${n}`, `addDir ${n}/deep`);
    for (const name of ['a', 'deep/b']) {
      writeFileSync(join(root, `${n}/${name}`), '1');
      wanted.push(`add ${n}/${name}`);
    }
  }
  await seen.all(...wanted);
  // Told only after the folders have been looked at.
  chmodSync(join(root, '7/deep'), 0o700);
  await seen.all('change 7/deep');
  expect(seen.errors).toEqual([]);
});

test('a folder that is moved in, and out again', async () => {
  const { root, outside, seen } = await watched();
  mkdirSync(join(outside, 'box/deep'), { recursive: true });
  writeFileSync(join(outside, 'box/deep/f'), '1');
  renameSync(join(outside, 'box'), join(root, 'box'));
  await seen.all('addDir box', 'addDir box/deep', 'add box/deep/f');
  writeFileSync(join(root, 'box/deep/g'), '1');
  await seen.all('add box/deep/g');
  renameSync(join(root, 'box'), join(outside, 'box'));
  await seen.all('unlink box/deep/f', 'unlink box/deep/g', 'unlinkDir box/deep', 'unlinkDir box');
  const before = seen.events.length;
  writeFileSync(join(outside, 'box/deep/h'), '1');
  writeFileSync(join(root, 'marker'), '1');
  await seen.all('add marker');
  expect(seen.events.slice(before)).toEqual(['add marker']);
});

test('a rename is a deletion and a creation; onto a file it is a change', async () => {
  const { root, seen } = await watched((at) => {
    writeFileSync(join(at, 'a'), '1');
    writeFileSync(join(at, 'target'), '1');
  });
  renameSync(join(root, 'a'), join(root, 'b'));
  await seen.all('unlink a', 'add b');
  renameSync(join(root, 'b'), join(root, 'target'));
  await seen.all('unlink b');
  await seen.until(() => seen.events.some((event) => event === 'change target' || event === 'add target'));
});

test('links are watched as links: made, changed, removed, and never what they point to', async () => {
  const { root, outside, seen } = await watched((at, other) => {
    writeFileSync(join(other, 'file'), '1');
    symlinkSync('../outside', join(at, 'folder'));
    symlinkSync('../outside/file', join(at, 'file'));
  });
  symlinkSync('../outside', join(root, 'new'));
  await seen.all('add new');
  writeFileSync(join(outside, 'file'), 'changed');
  writeFileSync(join(outside, 'more'), '1');
  writeFileSync(join(root, 'marker'), '1');
  await seen.all('add marker');
  expect(seen.events).toEqual(['add new', 'add marker']);

  symlinkSync('elsewhere', join(root, 'folder.new'));
  renameSync(join(root, 'folder.new'), join(root, 'folder'));
  await seen.until(() => seen.events.some((event) => event === 'change folder' || event === 'add folder'));
  unlinkSync(join(root, 'file'));
  await seen.all('unlink file');
  expect(seen.events.filter((event) => event.includes('/'))).toEqual([]);
});

test('what is excluded gives no event, by kind', async () => {
  const excludes: WatchHandlers['excludes'] = (path, kind) =>
    path === 'build' ? kind === 'directory' : path.startsWith('build/') || path.endsWith('.log');
  const { root, seen } = await watched((at) => {
    mkdirSync(join(at, 'build'));
    writeFileSync(join(at, 'build/old'), '1');
    mkdirSync(join(at, 'src'));
  }, excludes);
  writeFileSync(join(root, 'build/new'), '1');
  rmSync(join(root, 'build/old'));
  writeFileSync(join(root, 'src/x.log'), '1');
  writeFileSync(join(root, 'src/build'), 'a file of that name is wanted');
  await seen.all('add src/build');
  rmSync(join(root, 'build'), { recursive: true });
  writeFileSync(join(root, 'src/marker'), '1');
  await seen.all('add src/marker');
  expect(seen.events).toEqual(['add src/build', 'add src/marker']);
});

test('a file that becomes a folder in one go is told, and that a new watcher is needed', async () => {
  const { root, seen } = await watched((at) => writeFileSync(join(at, 'thing'), '1'));
  unlinkSync(join(root, 'thing'));
  mkdirSync(join(root, 'thing'));
  await seen.until(() => seen.events.includes('addDir thing') || seen.errors.length > 0);
  if (!seen.events.includes('addDir thing')) {
    expect(seen.events).toContain('change thing');
    expect(seen.errors[0]!.code).toBe('internal');
  }
});

test('a folder that becomes a link in one go is told, and that a new watcher is needed', async () => {
  const { root, seen } = await watched((at) => mkdirSync(join(at, 'thing')));
  rmdirSync(join(root, 'thing'));
  symlinkSync('../outside', join(root, 'thing'));
  await seen.until(() => seen.events.includes('unlinkDir thing') || seen.errors.length > 0);
  if (!seen.events.includes('unlinkDir thing')) expect(seen.errors[0]!.code).toBe('internal');
});

test('a changed mode of a folder is an event', async () => {
  const { root, seen } = await watched((at) => mkdirSync(join(at, 'sub')));
  chmodSync(join(root, 'sub'), 0o700);
  await seen.all('change sub');
});

test.each(['removed', 'moved away'])('a root that is %s is told once, as not found', async (how) => {
  const { root, outside, seen } = await watched((at) => {
    mkdirSync(join(at, 'sub'));
    writeFileSync(join(at, 'sub/f'), '1');
  });
  if (how === 'removed') rmSync(root, { recursive: true });
  else renameSync(root, join(outside, 'gone'));
  expect((await seen.failure()).code).toBe('not-found');
  expect(seen.errors).toHaveLength(1);
  expect(seen.events.filter((event) => event.endsWith(' '))).toEqual([]);
});

test('a burst that may have overflowed the queue of the kernel is told once it has calmed', async () => {
  const { root, seen } = await watched();
  const files = Math.ceil((await readQueueMax()) / 2) + 1_000;
  for (let n = 0; n < files; n++) writeFileSync(join(root, `${n}`), '');
  expect((await seen.failure()).message).toContain('a burst of');
  expect(seen.errors[0]!.code).toBe('internal');
  expect(seen.errors).toHaveLength(1);
});

test('a root that is a link is watched through it', async () => {
  const folder = freshFolder('watch');
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  const seen = new Recorder();
  const watcher = createChokidarWatcher({ root: join(folder, 'link') });
  onTestFinished(() => watcher.close());
  await watcher.start(seen);
  writeFileSync(join(folder, 'real/f'), '1');
  await seen.all('add f');
});

test('a missing root, and one that is a file, are refused', async () => {
  const folder = freshFolder('watch');
  writeFileSync(join(folder, 'file'), '1');
  for (const name of ['none', 'file', 'file/below']) {
    const watcher = createChokidarWatcher({ root: join(folder, name) });
    const failure = await watcher.start(new Recorder()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'not-found', path: join(folder, name) });
    await watcher.close();
  }
});

test('after close nothing is told', async () => {
  const { root, seen, watcher } = await watched();
  const second = new Recorder();
  const other = createChokidarWatcher({ root });
  onTestFinished(() => other.close());
  await other.start(second);
  writeFileSync(join(root, 'a'), '1');
  await watcher.close();
  await watcher.close();
  const before = [...seen.events];
  writeFileSync(join(root, 'b'), '1');
  await second.all('add a', 'add b');
  expect(seen.events).toEqual(before);
});

test('closing or aborting before it is ready ends the start', async () => {
  const root = freshFolder('watch');
  for (let n = 0; n < 50; n++) mkdirSync(join(root, `${n}`));
  const closed = createChokidarWatcher({ root });
  const started = closed.start(new Recorder());
  await Promise.all([expect(started).rejects.toMatchObject({ code: 'interrupted' }), closed.close()]);

  const controller = new AbortController();
  const reason = new TowlineError('interrupted', 'stopped');
  const aborted = createChokidarWatcher({ root }).start(new Recorder(), controller.signal);
  controller.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  await expect(createChokidarWatcher({ root }).start(new Recorder(), controller.signal)).rejects.toBe(reason);
});
