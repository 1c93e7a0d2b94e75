import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../src/session.js';
import type { FileProgress, Progress } from '../src/engine/progress.js';
import type { Bwlimit } from '../src/library/bwlimit.js';
import type { FileOptions, Session, SessionOptions } from '../src/session/contract.js';
import { codeOf } from './contract/side.js';
import { collect } from './support/collect.js';
import { freshFolder } from './support/folder.js';
import { proxiedPair } from './support/proxied-pair.js';
import type { TestProxy } from './support/proxy.js';
import { startSshd } from './support/sshd.js';
import { freshPair, type TestPair } from './support/towline.js';
import { startFront } from './support/webdav-front.js';
import { startApache } from './support/webdav-server.js';

const mib = 2 ** 20;
const content = randomBytes(24 * mib);
const longAgo = 1_600_000_000;

let pair: TestPair;
let proxy: TestProxy;
let near: string;
let far: string;
beforeEach(async () => {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  ({ pair, proxy } = await proxiedPair(sshd));
  onTestFinished(() => proxy.stop());
  near = join(pair.local, 'near');
  far = join(pair.remote, 'far');
});

async function session(): Promise<Session> {
  const opened = await connect(pair.target, { sshConfig: pair.flags[1]!, stateDir: pair.stateDir });
  onTestFinished(() => opened.close());
  return opened;
}

type Direction = 'write' | 'read';

/** The file to be carried, at its source. */
function prepare(direction: Direction): { source: string; destination: string; folder: string } {
  const [source, destination] = direction === 'write' ? [near, far] : [far, near];
  writeFileSync(source, content, { mode: 0o640 });
  utimesSync(source, longAgo, longAgo);
  return { source, destination, folder: direction === 'write' ? pair.remote : pair.local };
}

function carry(on: Session, direction: Direction, options: FileOptions = {}) {
  return direction === 'write' ? on.writeFile(near, 'far', options) : on.readFile('far', near, options);
}

/** The same, given up when half of it is over there: the code of its error. */
function cutShort(on: Session, direction: Direction, options: FileOptions = {}) {
  const stop = new AbortController();
  const progress = ({ bytes }: FileProgress) => {
    if (bytes >= 16 * mib) stop.abort();
  };
  return codeOf(carry(on, direction, { ...options, signal: stop.signal, progress }));
}

describe.each(['write', 'read'] as const)('%sFile', (direction) => {
  test('carries content, mode and time; a complete destination is left alone', async () => {
    const { destination, folder } = prepare(direction);
    const on = await session();
    expect(await carry(on, direction)).toEqual({
      bytes: content.length,
      size: content.length,
      complete: false,
    });
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(statSync(destination).mode & 0o777).toBe(0o640);
    expect(statSync(destination).mtimeMs).toBe(longAgo * 1000);
    const { ino } = statSync(destination);
    expect(await carry(on, direction)).toEqual({ bytes: 0, size: content.length, complete: true });
    utimesSync(destination, 1, 1);
    expect(await carry(on, direction)).toEqual({ bytes: 0, size: content.length, complete: true });
    expect(statSync(destination).ino).toBe(ino);
    writeFileSync(destination, Buffer.concat([content, content]));
    expect(await carry(on, direction)).toMatchObject({ bytes: content.length });
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('a call that was stopped is continued by the next session', async () => {
    const { destination, folder } = prepare(direction);
    const first = await session();
    expect(await cutShort(first, direction)).toBe('interrupted');
    expect(readdirSync(folder)).toHaveLength(1);
    await first.close();
    const done = await carry(await session(), direction);
    expect(done.bytes).toBeLessThanOrEqual(8 * mib);
    expect(done.size).toBe(content.length);
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('a link that drops twice is no reason to begin again', async () => {
    const { destination, folder } = prepare(direction);
    const on = await session();
    const before = proxy.bytesUp + proxy.bytesDown;
    let drops = 0;
    const progress = ({ bytes }: FileProgress) => {
      if (bytes < (drops + 1) * 8 * mib || drops === 2) return;
      drops++;
      proxy.dropAll();
    };
    await carry(on, direction, { progress });
    expect(drops).toBe(2);
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(proxy.bytesUp + proxy.bytesDown - before).toBeLessThan(content.length + drops * 6 * mib);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('in place: the destination keeps its inode; cut short it is left, and the call again makes it whole', async () => {
    const { destination, folder } = prepare(direction);
    writeFileSync(destination, 'old');
    const { ino } = statSync(destination);
    const on = await session();
    expect(await cutShort(on, direction, { atomic: false })).toBe('interrupted');
    const there = readFileSync(destination);
    expect(there.length).toBeGreaterThan(mib);
    expect(content.subarray(0, there.length).equals(there)).toBe(true);
    expect(await carry(on, direction, { atomic: false })).toMatchObject({ complete: false });
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(statSync(destination)).toMatchObject({ ino, mtimeMs: longAgo * 1000 });
    expect(await carry(on, direction, { atomic: false })).toMatchObject({ bytes: 0, complete: true });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('in place: a link that drops is no reason to begin again', async () => {
    const { destination } = prepare(direction);
    const on = await session();
    const before = proxy.bytesUp + proxy.bytesDown;
    let drops = 0;
    const progress = ({ bytes }: FileProgress) => {
      if (bytes < (drops + 1) * 8 * mib || drops === 2) return;
      drops++;
      proxy.dropAll();
    };
    await carry(on, direction, { atomic: false, progress });
    expect(drops).toBe(2);
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(proxy.bytesUp + proxy.bytesDown - before).toBeLessThan(content.length + drops * 10 * mib);
  });

  test('in place: something that is no file is left alone', async () => {
    const { destination } = prepare(direction);
    mkdirSync(destination);
    expect(await codeOf(carry(await session(), direction, { atomic: false }))).toBe('exists');
  });

  test('a source that grew since it was cut off: only the rest is carried, proved by the server', async () => {
    const { source, destination, folder } = prepare(direction);
    const on = await session();
    await cutShort(on, direction);
    const grown = Buffer.concat([content, randomBytes(mib)]);
    writeFileSync(source, grown);
    const done = await carry(on, direction);
    expect(done.bytes).toBeLessThanOrEqual(grown.length - 12 * mib);
    expect(readFileSync(destination).equals(grown)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('in place: a beginning that is there is continued, all of it and more is complete, when that is wished', async () => {
    const { destination } = prepare(direction);
    writeFileSync(destination, content.subarray(0, 20 * mib));
    const on = await session();
    const options = { atomic: false, resume: true };
    expect(await carry(on, direction, options)).toMatchObject({ bytes: 4 * mib, complete: false });
    expect(readFileSync(destination).equals(content)).toBe(true);
    appendFileSync(destination, 'more');
    expect(await carry(on, direction, options)).toMatchObject({ bytes: 0, complete: true });
    expect(statSync(destination).size).toBe(content.length + 4);
  });

  test('nothing of an earlier call is used when that is wished', async () => {
    const { destination, folder } = prepare(direction);
    const on = await session();
    await cutShort(on, direction);
    expect(await carry(on, direction, { resume: false })).toMatchObject({ bytes: content.length });
    expect(readFileSync(destination).equals(content)).toBe(true);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  test('a source that changed since is carried as it is now', async () => {
    const { source, destination } = prepare(direction);
    const on = await session();
    await cutShort(on, direction);
    const changed = Buffer.from(content).fill('x', 0, 1000);
    writeFileSync(source, changed);
    expect(await carry(on, direction)).toMatchObject({ bytes: content.length });
    expect(readFileSync(destination).equals(changed)).toBe(true);
  });
});

test('what cannot be done is told', async () => {
  const on = await session();
  expect(await codeOf(on.writeFile(near, 'far'))).toBe('vanished');
  expect(await codeOf(on.readFile('far', near))).toBe('vanished');
  writeFileSync(near, 'x');
  expect(await codeOf(on.writeFile(near, '../far'))).toBe('name');
  expect(await codeOf(on.writeFile(near, 'missing/far'))).toBe('not-found');
  expect(await codeOf(on.readFile('far', join(freshFolder('none'), 'missing', 'near')))).toBe('not-found');
  mkdirSync(far);
  expect(await codeOf(on.writeFile(near, 'far'))).toBe('exists');
  const signal = AbortSignal.abort();
  expect(await codeOf(on.writeFile(near, 'other', { signal }))).toBe('interrupted');
  expect(await codeOf(session())).toBe('locked');
  await on.close();
  expect(await codeOf(on.writeFile(near, 'other'))).toBe('interrupted');
});

const sha = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

/** A small tree below the folder that a session is connected to. */
function grow(folder: string): string[] {
  const paths = ['a', 'b/c/d', 'b/e', 'with space/ü'];
  for (const path of paths) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `this is ${path}`);
  }
  return paths;
}

interface Target {
  readonly target: string;
  /** Where it lies on this machine. */
  readonly folder: string;
}

const targets: [string, () => Promise<Target> | Target][] = [
  ['a server with a shell', () => ({ target: pair.target, folder: pair.remote })],
  [
    'a server that speaks SFTP alone',
    async () => {
      const plain = await startSshd({ forceInternalSftp: true });
      onTestFinished(() => plain.stop());
      const fresh = freshPair(plain);
      pair = fresh;
      return { target: fresh.target, folder: fresh.remote };
    },
  ],
  [
    'WebDAV',
    async () => {
      const server = await startApache();
      onTestFinished(() => server.stop());
      const folder = join(server.folder, 'app');
      mkdirSync(folder, { mode: 0o777 });
      chmodSync(folder, 0o777);
      return { target: `${server.url}/app`, folder };
    },
  ],
  [
    'a folder of this machine',
    () => {
      const folder = freshFolder('target');
      return { target: folder, folder };
    },
  ],
];

describe.each(targets)('on %s', (title, make) => {
  async function open(options: SessionOptions = {}): Promise<{ on: Session; folder: string }> {
    const { target, folder } = await make();
    const ssh = target.startsWith('box') ? { sshConfig: pair.flags[1]! } : {};
    const on = await connect(target, { ...ssh, stateDir: pair.stateDir, ...options });
    onTestFinished(() => on.close());
    return { on, folder };
  }

  test('what is no path and no option is refused before anything is touched', async () => {
    const on = await session();
    writeFileSync(near, 'near');
    const wrong = 5 as unknown as string;
    const calls: (() => Promise<unknown>)[] = [
      () => on.writeFile(wrong, 'far'),
      () => on.writeFile(near, wrong),
      () => on.writeFile(near, undefined as unknown as string),
      () => on.readFile(wrong, near),
      () => on.hash(wrong),
      () => collect(on.list(null as unknown as string)),
      () => on.writeFile(near, 'far', { signal: wrong as unknown as AbortSignal }),
      () => on.writeFile(near, 'far', { atomic: 'no' as unknown as boolean }),
      () => on.writeFile(near, 'far', { resum: true } as object),
      () => on.writeFile(near, 'far', null as unknown as object),
      () => on.hash('', { progress: wrong as unknown as () => void }),
      () => collect(on.list('', { recursve: true } as object)),
      () => connect(wrong),
      () => connect(pair.target, { signal: wrong as unknown as AbortSignal }),
    ];
    for (const call of calls) expect(await codeOf(Promise.resolve().then(call))).toBe('configuration');
    expect(existsSync(far)).toBe(false);
  });

  test('list: the children, or everything below, in order', async () => {
    const { on, folder } = await open();
    grow(folder);
    const children = await collect(on.list());
    expect(children.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'file a',
      'directory b',
      'directory with space',
    ]);
    const { size, mtimeMs } = statSync(join(folder, 'a'));
    expect(children[0]).toMatchObject({ size });
    expect(Math.floor(children[0]!.mtimeMs / 1000)).toBe(Math.floor(mtimeMs / 1000));
    expect(children[0]!.mode).toBe(title === 'WebDAV' ? null : 0o644);
    const below = await collect(on.list('b', { recursive: true }));
    expect(below.map(({ path }) => path)).toEqual(['b/c', 'b/c/d', 'b/e']);
    expect((await collect(on.list('b/e'))).map(({ path }) => path)).toEqual(['b/e']);
    expect(await codeOf(collect(on.list('nowhere')))).toBe('not-found');
    expect(await codeOf(collect(on.list('..')))).toBe('name');
    const signal = AbortSignal.abort();
    expect(await codeOf(collect(on.list('', { signal })))).toBe('interrupted');
  });

  test('hash: every file below, by its path', async () => {
    const { on, folder } = await open();
    const paths = grow(folder);
    const expected = new Map(paths.map((path) => [path, sha(readFileSync(join(folder, path)))]));
    expect(await on.hash()).toEqual(expected);
    expect([...(await on.hash('b'))]).toEqual([...expected].slice(1, 3));
    expect([...(await on.hash('b/e'))]).toEqual([['b/e', expected.get('b/e')]]);
    expect(await codeOf(on.hash('nowhere'))).toBe('not-found');
    expect(await codeOf(on.hash('', { signal: AbortSignal.abort() }))).toBe('interrupted');
  });

  test('progress of each file and of all; one after the other when that is wished; a limit that changes', async () => {
    const steps: Progress[] = [];
    // The limit is lifted by the first step; with it a piece would take minutes.
    const { on, folder } = await open({ concurrency: 1, bwlimit: 1, progress: (step) => steps.push(step) });
    writeFileSync(near, content.subarray(0, 3 * mib));
    const files: FileProgress[] = [];
    const first = on.writeFile(near, 'one', {
      progress: (file) => {
        files.push(file);
        on.setBwlimit(null);
      },
    });
    const second = on.writeFile(near, 'two');
    await Promise.all([first, second]);
    expect(
      readdirSync(folder)
        .filter((name) => name !== '.DAV')
        .sort(),
    ).toEqual(['one', 'two']);
    expect(files.at(-1)).toMatchObject({ path: 'one', action: 'upload', bytes: 3 * mib, size: 3 * mib });
    const order = steps.map(({ file }) => file.path);
    expect(order.lastIndexOf('one')).toBeLessThan(order.indexOf('two'));
    expect(steps.at(-1)!.total).toMatchObject({
      bytes: 3 * mib,
      bytesFound: 3 * mib,
      files: 1,
      filesFound: 1,
    });
    const back = join(freshFolder('back'), 'one');
    await on.readFile('one', back);
    expect(readFileSync(back).equals(content.subarray(0, 3 * mib))).toBe(true);
    expect(steps.at(-1)!.file).toMatchObject({ path: 'one', action: 'download', bytes: 3 * mib });
  });

  test('calls have their turns in the order they were made', async () => {
    const order: string[] = [];
    const { on } = await open({
      concurrency: 1,
      progress: ({ file }) => file.bytes === file.size && order.push(file.path),
    });
    writeFileSync(near, 'near');
    const names = Array.from({ length: 20 }, (_, index) => `file ${index}`);
    await Promise.all(names.map((name) => on.writeFile(near, name)));
    expect([...new Set(order)]).toEqual(names);
  });

  test('who gives up waiting for a turn need not wait for it', async () => {
    const { on } = await open({ concurrency: 1, bwlimit: 1 });
    writeFileSync(near, content.subarray(0, mib));
    const first = codeOf(on.writeFile(near, 'one'));
    const stop = new AbortController();
    const second = on.writeFile(near, 'two', { signal: stop.signal });
    stop.abort();
    expect(await codeOf(second)).toBe('interrupted');
    await on.close();
    expect(await first).toBe('interrupted');
  });
});

/** A session with a folder of a WebDAV server that keeps times, or does not. */
async function overWebdav(
  keepsTimes: boolean,
  options: SessionOptions = {},
): Promise<{ on: Session; folder: string }> {
  const server = await startApache();
  onTestFinished(() => server.stop());
  const front = await startFront(server, { keepsTimes });
  onTestFinished(() => front.stop());
  const folder = join(server.folder, 'app');
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777);
  const on = await connect(`${front.url}/app`, { stateDir: pair.stateDir, ...options });
  onTestFinished(() => on.close());
  return { on, folder };
}

test('a WebDAV server that keeps times gets them', async () => {
  const { on, folder } = await overWebdav(true);
  for (const [name, size] of [
    ['small', 10],
    ['large', 3 * mib],
  ] as const) {
    writeFileSync(near, content.subarray(0, size));
    utimesSync(near, longAgo, longAgo);
    await on.writeFile(near, name);
    expect(statSync(join(folder, name)).mtimeMs).toBe(longAgo * 1000);
    expect(await on.writeFile(near, name)).toMatchObject({ complete: true });
  }
  expect(readdirSync(folder).filter((name) => name.startsWith('.towline'))).toEqual([]);
});

test('where no times are kept, that of the upload is no reason to leave a file alone', async () => {
  const { on, folder } = await overWebdav(false);
  writeFileSync(near, 'one');
  await on.writeFile(near, 'file');
  writeFileSync(near, 'two');
  const { atime, mtime } = statSync(join(folder, 'file'));
  utimesSync(near, atime, mtime);
  expect(await on.writeFile(near, 'file')).toMatchObject({ bytes: 3, complete: false });
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('two');
  expect(await on.writeFile(near, 'file')).toMatchObject({ complete: true });
});

test.each(['write', 'read'] as const)(
  '%sFile: what is read to be compared counts for the limit',
  async (way) => {
    let taken = 0;
    const bwlimit: Bwlimit = {
      kibPerSecond: 1,
      set: () => undefined,
      take: (bytes) => {
        taken += bytes;
        return Promise.resolve(bytes);
      },
    };
    const { on, folder } = await overWebdav(false, { bwlimit });
    for (const file of [near, join(folder, 'far')]) writeFileSync(file, content.subarray(0, 3 * mib));
    utimesSync(near, longAgo, longAgo);
    expect(await carry(on, way)).toMatchObject({ complete: true });
    expect(taken).toBe(3 * mib);
  },
);

test.each([
  ['an option nobody knows', { prot: 22 }, 'Did you mean port?'],
  ['a wrong type', { port: '22' }, 'port: cannot be "22"'],
  ['a rate that is none', { bwlimit: -1 }, 'bwlimit cannot be'],
  ['no file at once', { concurrency: 0 }, 'concurrency cannot be'],
])('%s is refused, and nothing is made', async (_title, wrong, words) => {
  const stateDir = join(freshFolder(), 'state');
  await expect(connect(pair.target, { ...(wrong as object), stateDir })).rejects.toMatchObject({
    code: 'configuration',
    message: expect.stringContaining(words),
  });
  expect(existsSync(stateDir)).toBe(false);
});

test('a session is closed at the end of its block', async () => {
  let kept: Session;
  {
    await using on = await connect(pair.target, { sshConfig: pair.flags[1]!, stateDir: pair.stateDir });
    kept = on;
  }
  expect(await codeOf(kept.hash())).toBe('interrupted');
});
