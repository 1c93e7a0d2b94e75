/**
 * Somebody with hands on the tree puts a symlink in the place of a directory while it is written to: nothing is read,
 * made, changed or removed where the link leads. Another thread swaps in a loop; what the storage says to it is its own
 * affair.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { asideOf } from '../../src/core/tempname.js';
import type { Storage } from '../../src/ports.js';
import { canHoldPlaces } from '../../src/storage/local/place.js';
import { createLocalStorage } from '../../src/storage/local/storage.js';
import { codeOf, tempOf } from '../contract/side.js';
import { treeOf } from '../support/embedded-pair.js';
import { freshFolder } from '../support/folder.js';

/** Puts a link to `outside` in the place of `directory` and takes it away again, without a pause. */
const swapper = `
  const { parentPort, workerData: { directory, outside, stop } } = require('node:worker_threads');
  const fs = require('node:fs');
  const flag = new Int32Array(stop);
  const away = directory + '.away';
  parentPort.postMessage('swapping');
  while (Atomics.load(flag, 0) === 0) {
    fs.renameSync(directory, away);
    fs.symlinkSync(outside, directory);
    fs.unlinkSync(directory);
    fs.renameSync(away, directory);
    Atomics.add(flag, 1, 1);
  }
`;

interface Swapping {
  /** How often it was done until now. */
  readonly swaps: () => number;
  stop(): Promise<unknown>;
}

async function swapping(directory: string, outside: string): Promise<Swapping> {
  const stop = new SharedArrayBuffer(8);
  const worker = new Worker(swapper, { eval: true, workerData: { directory, outside, stop } });
  onTestFinished(async () => {
    await worker.terminate();
  });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const flags = new Int32Array(stop);
  // Whether it was told to stop, or found nothing to swap any more.
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  return {
    swaps: () => Atomics.load(flags, 1),
    stop: () => {
      Atomics.store(flags, 0, 1);
      return ended;
    },
  };
}

/** All that can be told of a tree: a byte, a mode or a time that changes shows in it. */
function pictureOf(folder: string): unknown[] {
  return [
    treeOf(folder),
    ['', ...Object.keys(treeOf(folder))].map((path) => {
      const { mode, mtimeMs, ctimeMs, ino } = fs.lstatSync(join(folder, path));
      return [path, mode, mtimeMs, ctimeMs, ino];
    }),
  ];
}

const file: Entry = { kind: 'file', size: 3, mtimeMs: 1_000_000_000_000, mode: 0o600 };
const directory: Entry = { kind: 'directory', size: 0, mtimeMs: 0, mode: 0o700 };

/** Everything that changes something, at a path below the directory that is swapped. */
const attempts: Record<string, (storage: Storage, below: string, turn: number) => Promise<unknown>> = {
  'writes a new file': async (storage, below, turn) => {
    const temp = await storage.createTemp(`${below}/new`, tempOf(turn));
    await temp.write(Buffer.from('ours'), 0);
    try {
      await temp.complete({ size: 4, mode: 0o777, mtimeMs: 0, sync: false });
      await temp.publish(null);
    } finally {
      await temp.discard();
    }
    const [seen] = await storage.observe([`${below}/new`]);
    if (seen && !(seen instanceof TowlineError)) await storage.remove(`${below}/new`, seen);
  },
  'replaces a file': async (storage, below, turn) => {
    const temp = await storage.createTemp(`${below}/file`, tempOf(turn));
    await temp.write(Buffer.from('new'), 0);
    try {
      await temp.complete({ size: 3, mtimeMs: 1_000_000_000_000, sync: false });
      await temp.publish(file);
    } finally {
      await temp.discard();
    }
  },
  'makes a directory': async (storage, below) => {
    const made = await storage.makeDirectory(`${below}/made`, 0o777);
    await storage.remove(`${below}/made`, made);
  },
  'makes a link': async (storage, below, turn) => {
    const link = { target: 'nowhere', mtimeMs: 0 };
    const made = await storage.makeSymlink(`${below}/link`, link, tempOf(turn), null);
    await storage.remove(`${below}/link`, made);
  },
  'sets mode and time of a file': (storage, below) =>
    storage.setMetadata(`${below}/file`, file, { mode: 0o777, mtimeMs: 1_000_000_000_000 }),
  'sets the mode of a directory': (storage, below) =>
    storage.setMetadata(`${below}/inner`, directory, { mode: 0o777 }),
  'removes a file': (storage, below) => storage.remove(`${below}/file`, file),
  'removes a directory': (storage, below) => storage.remove(`${below}/inner`, directory),
  'removes temps': (storage, below) => storage.removeTemps([`${below}/${tempOf(0)}`]),
  'goes on with a temp': async (storage, below, turn) => {
    const temp = await storage.resumeTemp(`${below}/file`, tempOf(0), tempOf(turn), 0);
    await temp?.discard();
  },
  'spells a name anew': (storage, below, turn) => storage.respell!(`${below}/FILE`, 'file', tempOf(turn)),
};

/** What lies behind the link: all that is asked for is there, too. */
function victim(): string {
  const outside = freshFolder('outside');
  fs.mkdirSync(join(outside, 'inner'), { mode: 0o700 });
  for (const name of ['file', tempOf(0)]) {
    fs.writeFileSync(join(outside, name), 'old', { mode: 0o600 });
    fs.utimesSync(join(outside, name), 1_000_000_000, 1_000_000_000);
  }
  fs.mkdirSync(join(outside, asideOf(tempOf(0))));
  fs.writeFileSync(join(outside, asideOf(tempOf(0)), 'kept'), 'kept');
  return outside;
}

/** Both have had their turns when it was tried and swapped this often: the two may share one processor. */
const turns = 150;
const swapsMin = 30;

describe.skipIf(!canHoldPlaces)('a directory that becomes a link while the storage', () => {
  describe.each([
    ['the directory itself', 'a/b/c', 'a/b/c'],
    ['one above it', 'a/b', 'a/b/c'],
    ['the first one', 'a', 'a/b/c'],
  ])('(%s)', (_, swapped, below) => {
    test.each(Object.entries(attempts))('%s', async (_name, attempt) => {
      const root = freshFolder('local');
      fs.mkdirSync(join(root, below, 'inner'), { recursive: true });
      // The link leads to where the same path, from there on, is the victim.
      const outside = victim();
      const rest = below.slice(swapped.length);
      const behind = rest === '' ? outside : freshFolder('behind');
      if (rest !== '') {
        fs.mkdirSync(join(behind, rest, '..'), { recursive: true });
        fs.renameSync(outside, join(behind, rest));
      }
      const before = pictureOf(behind);
      const other = await swapping(join(root, swapped), behind);
      const storage = createLocalStorage({ root, writable: true });
      for (let turn = 1; turn <= turns || other.swaps() < swapsMin; turn++) {
        // Whatever it says to it: the storage's errors are ours, and others fail the test.
        await codeOf(attempt(storage, below, turn));
      }
      await other.stop();
      expect(pictureOf(behind)).toEqual(before);
    });
  });

  test('removes a temp that is a directory: nothing in what the link leads to goes', async () => {
    const root = freshFolder('local');
    const outside = victim();
    const temp = join(root, tempOf(1));
    fs.mkdirSync(join(temp, 'inner'), { recursive: true });
    const before = pictureOf(outside);
    const storage = createLocalStorage({ root, writable: true });
    // Another directory each time, since the first one goes.
    for (let turn = 0; turn < 20; turn++) {
      fs.mkdirSync(join(temp, 'inner'), { recursive: true });
      for (let i = 0; i < 20; i++) fs.writeFileSync(join(temp, 'inner', `file ${String(i)}`), '');
      const other = await swapping(join(temp, 'inner'), outside);
      await storage.removeTemps([tempOf(1)]);
      await other.stop();
      fs.rmSync(temp, { recursive: true, force: true });
    }
    expect(pictureOf(outside)).toEqual(before);
  });

  test('reads: what is behind the link is never sent', async () => {
    const root = freshFolder('local');
    fs.mkdirSync(join(root, 'a'));
    fs.writeFileSync(join(root, 'a/file'), 'ours');
    const outside = freshFolder('outside');
    fs.writeFileSync(join(outside, 'file'), 'secret');
    const other = await swapping(join(root, 'a'), outside);
    const storage = createLocalStorage({ root });
    const seen = new Set<string>();
    for (let turn = 0; turn < 2000 || other.swaps() < swapsMin; turn++) {
      const code = await codeOf(
        storage.openSource('a/file').then(async (source) => {
          seen.add((await source.read(0, 100)).toString());
          await source.close();
        }),
      );
      expect(['none', 'changed', 'vanished']).toContain(code);
    }
    await other.stop();
    expect([...seen]).toEqual(['ours']);
  });
});

test('a temp that has been put in place, but for the removal of its own name, is not gone on with', async () => {
  const root = freshFolder('local');
  fs.writeFileSync(join(root, 'file'), 'published');
  fs.linkSync(join(root, 'file'), join(root, tempOf(1)));
  const storage = createLocalStorage({ root, writable: true });
  expect(await storage.resumeTemp('file', tempOf(1), tempOf(2), 3)).toBeNull();
  expect(fs.readFileSync(join(root, 'file'), 'utf8')).toBe('published');
  expect((await storage.removeTemps([tempOf(1), tempOf(2)])).sort()).toEqual([tempOf(1), tempOf(2)]);
  expect(treeOf(root)).toEqual({ file: 'published' });
});
