import { beforeEach, describe, expect, test } from 'vitest';
import { hasCode, TowlineError } from '../../src/core/errors.js';
import { createMemoryStorage, type MemoryStorage } from '../../src/storage/memory/storage.js';
import { type FileTransfer, transferFile } from '../../src/transfer/file-lane.js';
import type { LeftTemp } from '../../src/transfer/target.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { content } from '../contract/source.js';
import { tempOf } from '../contract/side.js';
import { ManualClock } from '../support/manual-clock.js';

const mib = 2 ** 20;
const size = 12 * mib;
const data = content(size);
const hourMs = 60 * 60_000;
const gone = new TowlineError('network', 'the link went');

let from: MemoryStorage;
let to: MemoryStorage;
/** Throws in place of an answer of the destination. */
let fails: (operation: string) => void;
let records: [name: string, bytes: number][];
let leftovers: LeftTemp[];
let names: number;
let removed: string[];
let stop: AbortController;
beforeEach(() => {
  from = createMemoryStorage({ now: () => Date.now() - hourMs });
  to = createMemoryStorage({ before: (operation) => fails(operation) });
  fails = () => undefined;
  records = [];
  leftovers = [];
  names = 0;
  removed = [];
  stop = new AbortController();
  from.edit.write('file', data);
});

function job(): FileTransfer {
  return {
    from,
    to,
    path: 'file',
    expected: null,
    attributes: () => ({}),
    sync: false,
    now: Date.now,
    temps: {
      fresh: () => Promise.resolve(tempOf(++names)),
      resumable: () => Promise.resolve(leftovers.shift() ?? null),
      resumed: async (left, goesOn) => {
        if (goesOn) removed.push(left.from);
        else removed.push(...(await to.removeTemps([left.from, left.to])));
      },
      progress: (name, _, bytes) => {
        records.push([name, bytes]);
        return Promise.resolve();
      },
      gone: (name) => removed.push(name),
    },
    progress: () => undefined,
    throttle: createThrottle({ clock: new ManualClock(), kibPerSecond: null }),
    signal: stop.signal,
  };
}

/** Fails `operation` the `nth` time, and from then on. */
function failFrom(operation: string, nth: number, error: TowlineError): void {
  let times = 0;
  fails = (one) => {
    if (one === operation && ++times >= nth) throw error;
  };
}

describe('an attempt that ends early', () => {
  test('leaves what was acknowledged, and says how much that is', async () => {
    failFrom('write', 11, gone);
    await expect(transferFile(job())).rejects.toBe(gone);
    expect(records).toEqual([
      [tempOf(1), 8 * mib],
      [tempOf(1), 10 * mib],
    ]);
    expect(to.edit.names('')).toEqual([tempOf(1)]);
    expect(removed).toEqual([]);
  });

  test('with its rename unanswered leaves all of it', async () => {
    failFrom('publish', 1, gone);
    await expect(transferFile(job())).rejects.toBe(gone);
    expect(records.at(-1)).toEqual([tempOf(1), size]);
    expect(to.edit.names('')).toEqual([tempOf(1)]);
  });

  test('because we stop leaves it too', async () => {
    let writes = 0;
    fails = (operation) => {
      if (operation === 'write' && ++writes === 5) stop.abort(new TowlineError('interrupted', 'stopped'));
    };
    await expect(transferFile(job())).rejects.toMatchObject({ code: 'interrupted' });
    expect(records.at(-1)).toEqual([tempOf(1), 5 * mib]);
    expect(to.edit.names('')).toEqual([tempOf(1)]);
  });

  test.each([
    ['failed for a reason of its own', 8, 'permission', size, hourMs],
    ['came to nothing that was acknowledged', 1, 'network', size, hourMs],
    ['was of a small file', 1, 'network', mib - 1, hourMs],
    // In the future by this machine's clock, however slow it is.
    ['was of a file that had changed a moment before', 8, 'network', size, -hourMs],
  ] as const)('and %s leaves nothing', async (_, nth, code, bytes, ageMs) => {
    from = createMemoryStorage({ now: () => Date.now() - ageMs });
    from.edit.write('file', data.subarray(0, bytes));
    failFrom('write', nth, new TowlineError(code, 'no'));
    await expect(transferFile(job())).rejects.toMatchObject({ code });
    expect(to.edit.names('')).toEqual([]);
    expect(removed).toEqual([tempOf(1)]);
  });
});

describe('what was left', () => {
  const left = { from: tempOf(7), to: tempOf(8), offset: 9 * mib, sure: true };

  test('is continued: only the rest is sent, and the hash is that of the whole', async () => {
    to.edit.write(left.from, data.subarray(0, 10 * mib));
    leftovers = [left];
    const done = await transferFile(job());
    expect(done.bytes).toBe(3 * mib);
    expect(done.source.hash).toBe(await from.hash('file'));
    expect(to.edit.read('file').equals(data)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
    expect(removed).toEqual([left.from, left.to]);
  });

  test('all of it, needs nothing but its name', async () => {
    to.edit.write(left.from, data);
    leftovers = [{ ...left, offset: size }];
    expect(await transferFile(job())).toMatchObject({ bytes: 0 });
    expect(to.edit.read('file').equals(data)).toBe(true);
  });

  test('too short is removed, and the next is tried', async () => {
    to.edit.write(left.from, data.subarray(0, 9 * mib - 1));
    to.edit.write(tempOf(5), data.subarray(0, 8 * mib));
    leftovers = [left, { from: tempOf(5), to: tempOf(6), offset: 8 * mib, sure: true }];
    expect(await transferFile(job())).toMatchObject({ bytes: 4 * mib });
    expect(to.edit.read('file').equals(data)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
  });

  test('and does not do is no reason to send less than all', async () => {
    to.edit.write(left.from, 'short');
    leftovers = [left];
    expect(await transferFile(job())).toMatchObject({ bytes: size });
    expect(to.edit.read('file').equals(data)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
  });

  test('counts as space that is needed no more; without enough of it, it goes', async () => {
    to.edit.write(left.from, data.subarray(0, 9 * mib));
    to.capacity(size);
    leftovers = [left];
    expect(await transferFile(job())).toMatchObject({ bytes: 3 * mib });

    to.capacity(size + 10 * mib);
    to.edit.write(left.from, data.subarray(0, 9 * mib));
    leftovers = [left];
    await expect(transferFile(job())).rejects.toSatisfy((error) => hasCode(error, 'no-space'));
    expect(to.edit.names('')).toEqual(['file']);
  });

  test('is interrupted again: it goes on from there', async () => {
    to.edit.write(left.from, data.subarray(0, 9 * mib));
    leftovers = [left];
    failFrom('write', 2, gone);
    await expect(transferFile(job())).rejects.toBe(gone);
    expect(records).toEqual([[left.to, 10 * mib]]);
    expect(to.edit.names('')).toEqual([left.to]);
  });

  test('of a source that changes while the rest is sent is given up', async () => {
    to.edit.write(left.from, data.subarray(0, 9 * mib));
    leftovers = [left];
    const other = Buffer.from(data).fill('x', 0, 100);
    let writes = 0;
    fails = (operation) => {
      if (operation === 'write' && ++writes === 2) from.edit.write('file', other);
    };
    expect(await transferFile(job())).toMatchObject({ bytes: size });
    expect(to.edit.read('file').equals(other)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
  });
});

describe('what was left of another state of the source', () => {
  const left = { from: tempOf(7), to: tempOf(8), offset: 9 * mib, sure: false };
  const grown = Buffer.concat([data, Buffer.alloc(mib, 'more')]);
  /** Whether the destination can hash where things lie. */
  let shell: boolean;
  beforeEach(() => {
    shell = true;
    to.edit.write(left.from, data.subarray(0, 10 * mib));
    leftovers = [left];
  });

  function proving(): FileTransfer {
    const hashInPlace: typeof to.hashInPlace = (files, signal) =>
      shell ? to.hashInPlace(files, signal) : Promise.resolve(null);
    return { ...job(), to: { ...to, hashInPlace } };
  }

  test('is continued when a hash proves that the source still begins so', async () => {
    from.edit.write('file', grown);
    expect(await transferFile(proving())).toMatchObject({ bytes: 4 * mib });
    expect(to.edit.read('file').equals(grown)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
  });

  test('is not written to where it is: an old session may still have its hand on it', async () => {
    from.edit.write('file', grown);
    let at: string[] = [];
    fails = (operation) => {
      if (operation === 'write') at = to.edit.names('');
    };
    const resumed: (boolean | undefined)[] = [];
    const whole = proving();
    await transferFile({
      ...whole,
      to: {
        ...whole.to,
        resumeTemp: (path, before, after, offset, apart) => {
          resumed.push(apart);
          return to.resumeTemp(path, before, after, offset, apart);
        },
      },
    });
    expect(resumed).toEqual([true]);
    expect(at).toEqual([left.to]);
  });

  test.each([
    ['the source changed in its beginning', true, Buffer.concat([Buffer.from('x'), grown.subarray(1)])],
    ['there is no shell to prove it with', false, grown],
  ])('goes when %s: all is sent', async (_, can, content) => {
    shell = can;
    from.edit.write('file', content);
    expect(await transferFile(proving())).toMatchObject({ bytes: content.length });
    expect(to.edit.read('file').equals(content)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
    expect(removed).toContain(left.from);
  });

  test('needs room for the copy: without it, it goes', async () => {
    from.edit.write('file', grown);
    to.capacity(10 * mib + grown.length - 1);
    await expect(transferFile(proving())).rejects.toMatchObject({ code: 'no-space' });
    expect(to.edit.names('')).toEqual([]);
  });

  test('is kept when the link goes while it is proved', async () => {
    from.edit.write('file', grown);
    failFrom('hashInPlace', 1, gone);
    await expect(transferFile(proving())).rejects.toBe(gone);
    expect(to.edit.names('')).toEqual([left.from]);
  });
});

describe('a source of which only size and time are known', () => {
  const left = { from: tempOf(7), to: tempOf(8), offset: 9 * mib, sure: true };
  const hour = () => Date.now() - hourMs;
  beforeEach(() => {
    from = createMemoryStorage({ now: hour, identity: false, timeGranularityMs: 1000 });
    from.edit.write('file', data);
    leftovers = [left];
  });

  test('is continued, and compared as a whole before the rename', async () => {
    to.edit.write(left.from, data.subarray(0, 9 * mib));
    const hashed: string[] = [];
    fails = (operation) => {
      if (operation === 'hashInPlace') hashed.push(...to.edit.names(''));
    };
    expect(await transferFile(job())).toMatchObject({ bytes: 3 * mib });
    expect(hashed).toEqual([left.to]);
    expect(to.edit.read('file').equals(data)).toBe(true);
  });

  test('and of which something else was left is sent as a whole', async () => {
    to.edit.write(left.from, Buffer.alloc(9 * mib, 'what a power cut made of it'));
    expect(await transferFile(job())).toMatchObject({ bytes: size });
    expect(to.edit.read('file').equals(data)).toBe(true);
    expect(to.edit.names('')).toEqual(['file']);
  });

  test('is looked at once more on the other side after the comparison', async () => {
    to.edit.write(left.from, data.subarray(0, 9 * mib));
    fails = (operation) => {
      if (operation === 'hashInPlace') to.edit.write('file', 'from a stranger');
    };
    await expect(transferFile(job())).rejects.toMatchObject({ code: 'changed' });
    expect(to.edit.read('file').toString()).toBe('from a stranger');
  });
});
