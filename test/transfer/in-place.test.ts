import { beforeEach, describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { createMemoryStorage, type MemoryStorage } from '../../src/storage/memory/storage.js';
import { type FileTransferred, transferInPlace } from '../../src/transfer/file-lane.js';
import type { InPlaceCarriage, WrittenInPlace } from '../../src/transfer/in-place.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { entryAt } from '../contract/side.js';
import { content } from '../contract/source.js';
import { ManualClock } from '../support/manual-clock.js';

const mib = 2 ** 20;
const size = 12 * mib;
const data = content(size);
const hourMs = 60 * 60_000;

let from: MemoryStorage;
let to: MemoryStorage;
let fails: (operation: string) => void;
let written: WrittenInPlace;
let shell: boolean;
beforeEach(() => {
  from = createMemoryStorage({ now: () => Date.now() - hourMs });
  to = createMemoryStorage({ before: (operation) => fails(operation) });
  fails = () => undefined;
  written = { last: null };
  shell = true;
  from.edit.write('file', data);
});

async function carry(options: Partial<InPlaceCarriage> = {}): Promise<FileTransferred> {
  const there = to.edit.names('').includes('file');
  return transferInPlace({
    from,
    to: { ...to, hashInPlace: (...args) => (shell ? to.hashInPlace(...args) : Promise.resolve(null)) },
    path: 'file',
    expected: there ? await entryAt(to, 'file') : null,
    attributes: ({ mode, mtimeMs }) => ({ mode, mtimeMs }),
    sync: false,
    resume: true,
    written,
    now: Date.now,
    progress: () => undefined,
    throttle: createThrottle({ clock: new ManualClock(), kibPerSecond: null }),
    signal: new AbortController().signal,
    ...options,
  });
}

function expectWhole(): void {
  expect(to.edit.read('file').equals(data)).toBe(true);
  expect(to.edit.names('')).toEqual(['file']);
}

describe('a destination in place', () => {
  test('is made where nothing is', async () => {
    expect(await carry()).toMatchObject({ bytes: size });
    expectWhole();
  });

  test.each([
    ['a proved beginning is continued', data.subarray(0, 5 * mib), true, true, size - 5 * mib],
    ['all of it and more is cut', Buffer.concat([data, data]), true, true, 0],
    ['another content is written over', Buffer.alloc(5 * mib, 'x'), true, true, size],
    ['a beginning that cannot be proved is written over', data.subarray(0, 5 * mib), true, false, size],
    ['a beginning is written over when that is wished', data.subarray(0, 5 * mib), false, true, size],
  ])('%s', async (_, there, resume, can, bytes) => {
    to.edit.write('file', there);
    shell = can;
    expect(await carry({ resume })).toMatchObject({ bytes });
    expectWhole();
  });

  test('that was cut short is continued by the same call, without a hash', async () => {
    shell = false;
    let writes = 0;
    fails = (operation) => {
      if (operation === 'write' && ++writes === 10) throw new TowlineError('network', 'the link went');
    };
    await expect(carry()).rejects.toMatchObject({ code: 'network' });
    const { last } = written;
    expect(last?.bytes).toBeGreaterThanOrEqual(8 * mib);
    expect(await carry()).toMatchObject({ bytes: size - last!.bytes });
    expectWhole();
  });

  test('is sent again as a whole when the source changed meanwhile', async () => {
    const other = Buffer.from(data).fill('x', 0, 100);
    let writes = 0;
    fails = (operation) => {
      if (operation === 'write' && ++writes === 8) from.edit.write('file', other);
    };
    expect(await carry({ resume: false })).toMatchObject({ bytes: size });
    expect(to.edit.read('file').equals(other)).toBe(true);
  });

  test('that somebody replaces meanwhile is not said to be done', async () => {
    let writes = 0;
    fails = (operation) => {
      if (operation !== 'write' || ++writes !== 3) return;
      to.edit.remove('file');
      to.edit.write('file', 'from a stranger');
    };
    await expect(carry()).rejects.toMatchObject({ code: 'changed' });
    expect(to.edit.read('file').toString()).toBe('from a stranger');
  });

  test('that is no file is left alone', async () => {
    to.edit.mkdir('file');
    await expect(carry()).rejects.toMatchObject({ code: 'exists' });
  });
});
