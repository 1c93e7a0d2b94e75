import { beforeEach, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { createMemoryStorage, type MemoryStorage } from '../../src/storage/memory/storage.js';
import type { FileTransfer } from '../../src/transfer/file-lane.js';
import { hashesOf } from '../../src/transfer/gathered-hashes.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { Verifier } from '../../src/transfer/verify.js';
import { tempOf } from '../contract/side.js';
import { ManualClock } from '../support/manual-clock.js';

let local: MemoryStorage;
let remote: MemoryStorage;
let after: (operation: string, path: string) => void;
let asked: string[][];
let shell: boolean;
let names: number;
const { signal } = new AbortController();
beforeEach(() => {
  local = createMemoryStorage();
  remote = createMemoryStorage({ after: (operation, path) => after(operation, path) });
  after = () => undefined;
  asked = [];
  shell = true;
  names = 0;
});

function verifier(): Verifier {
  const hashInPlace: typeof remote.hashInPlace = (files, until) => {
    asked.push(files.map(({ path }) => path));
    return shell ? remote.hashInPlace(files, until) : Promise.resolve(null);
  };
  const sides = { local, remote: { ...remote, hashInPlace } };
  return new Verifier(sides, hashesOf(sides), signal);
}

function upload(path: string): FileTransfer {
  return {
    from: local,
    to: remote,
    path,
    expected: null,
    attributes: () => ({}),
    sync: false,
    now: Date.now,
    temps: {
      fresh: () => Promise.resolve(tempOf(++names)),
      resumable: () => Promise.resolve(null),
      resumed: () => Promise.resolve(),
      progress: () => Promise.resolve(),
      gone: () => undefined,
    },
    progress: () => undefined,
    throttle: createThrottle({ clock: new ManualClock(), kibPerSecond: null }),
    signal,
  };
}

/** After the rename some bits are others, so often, and nothing else shows it. */
function rots(times: number): void {
  let left = times;
  after = (operation, path) => {
    if (operation !== 'publish' || left-- <= 0) return;
    const { mtimeMs } = remote.edit.stat(path)!;
    remote.edit.write(path, 'x'.repeat(remote.edit.read(path).length), { mtimeMs });
  };
}

describe.each([
  ['where there is a shell', true],
  ['by reading back', false],
])('what was written is compared, %s', (_, can) => {
  beforeEach(() => {
    shell = can;
    local.edit.write('file', 'content');
  });

  test('and is what was sent', async () => {
    const done = await verifier().transfer(upload('file'), 'remote');
    expect(done).toMatchObject({ bytes: 7, dirty: false });
    expect(done.source.hash).toBe(await local.hash('file'));
  });

  test('and sent once more when it is not', async () => {
    rots(1);
    expect(await verifier().transfer(upload('file'), 'remote')).toMatchObject({ bytes: 14, dirty: false });
    expect(remote.edit.read('file').toString()).toBe('content');
    expect(remote.edit.names('')).toEqual(['file']);
  });

  test('and is a problem when it is not for the second time', async () => {
    rots(2);
    await expect(verifier().transfer(upload('file'), 'remote')).rejects.toMatchObject({ code: 'damaged' });
  });

  test('unless somebody else has written to it by then', async () => {
    after = (operation) => {
      if (operation === 'publish') remote.edit.write('file', 'from a stranger');
    };
    expect(await verifier().transfer(upload('file'), 'remote')).toMatchObject({ dirty: true });
    expect(remote.edit.read('file').toString()).toBe('from a stranger');
  });

  test('or has removed it', async () => {
    after = (operation) => {
      if (operation === 'publish') remote.edit.remove('file');
    };
    expect(await verifier().transfer(upload('file'), 'remote')).toMatchObject({ dirty: true });
  });
});

test('many files are hashed in one go, none is left out', async () => {
  const paths = Array.from({ length: 600 }, (_, index) => `f${String(index)}`);
  for (const path of paths) local.edit.write(path, path);
  const one = verifier();
  await Promise.all(paths.map((path) => one.transfer(upload(path), 'remote')));
  expect(asked.flat().sort()).toEqual([...paths].sort());
  expect(asked.length).toBeLessThan(60);
  for (const batch of asked) expect(batch.length).toBeLessThanOrEqual(256);
});

test('a lost link is no verdict', async () => {
  local.edit.write('file', 'content');
  after = (operation) => {
    if (operation === 'hashInPlace') throw new TowlineError('network', 'gone');
  };
  await expect(verifier().transfer(upload('file'), 'remote')).rejects.toMatchObject({ code: 'network' });
});
