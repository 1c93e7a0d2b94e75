import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { type HashedSide, type HashOptions, hashTree } from '../../src/engine/hash-tree.js';
import { Lanes } from '../../src/engine/lanes.js';
import { type ListOptions, listTree } from '../../src/engine/list-tree.js';
import { createMemoryStorage, type MemoryOptions } from '../../src/storage/memory/storage.js';
import { createThrottle } from '../../src/transfer/throttle.js';
import { codeOf } from '../contract/side.js';
import { collect } from '../support/collect.js';
import { ManualClock } from '../support/manual-clock.js';

const lost = () => new TowlineError('network', 'the link went');
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

/** A side in memory with a small tree; its link is always there again. */
function side(options: MemoryOptions = {}, shell = true) {
  const storage = createMemoryStorage(options);
  for (const path of ['b/c/d', 'b/e', 'a', 'b-x']) storage.edit.write(path, path);
  storage.edit.symlink('a', 'link');
  storage.edit.mkdir('empty');
  const hashed: HashedSide = {
    storage: shell ? storage : { ...storage, hashInPlace: () => Promise.resolve(null) },
    link: { ready: () => Promise.resolve() },
    throttle: createThrottle({ clock: new ManualClock() }),
    lanes: new Lanes(2),
  };
  return { edit: storage.edit, hashed };
}

async function paths(on: HashedSide, path: string, options: ListOptions = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of listTree(on, path, options)) found.push(entry.path);
  return found;
}

describe('a list', () => {
  test('of the children alone, or of all, in order', async () => {
    const { hashed } = side();
    expect(await paths(hashed, '')).toEqual(['a', 'b', 'b-x', 'empty', 'link']);
    expect(await paths(hashed, '', { recursive: true })).toEqual([
      'a',
      'b',
      'b/c',
      'b/c/d',
      'b/e',
      'b-x',
      'empty',
      'link',
    ]);
    expect(await paths(hashed, 'b')).toEqual(['b/c', 'b/e']);
    expect(await paths(hashed, 'empty')).toEqual([]);
  });

  test('tells what is known of each entry; of a file it tells itself', async () => {
    const { hashed } = side({ now: () => 5_000 });
    const [file] = await collect(listTree(hashed, 'b/e'));
    expect(file).toEqual({ path: 'b/e', kind: 'file', size: 3, mtimeMs: 5_000, mode: 0o644 });
    const [link] = await collect(listTree(hashed, 'link'));
    expect(link).toMatchObject({ kind: 'symlink', size: 0, target: 'a' });
    const plain = side({ capabilities: { modes: false } });
    expect(await collect(listTree(plain.hashed, 'a'))).toMatchObject([{ mode: null }]);
  });

  test.each([
    ['nothing there', 'nowhere', 'not-found'],
    ['a way out', '../a', 'name'],
  ])('%s', async (_title, path, code) => {
    expect(await codeOf(paths(side().hashed, path))).toBe(code);
    expect(await codeOf(hashTree(side().hashed, path))).toBe(code);
  });

  test('a directory that cannot be listed is no empty one', async () => {
    const { edit, hashed } = side();
    edit.chmod('b/c', 0);
    expect(await codeOf(paths(hashed, '', { recursive: true }))).toBe('permission');
    const problems: TowlineError[] = [];
    const onProblem = (error: TowlineError) => problems.push(error);
    expect(await paths(hashed, '', { recursive: true, onProblem })).toEqual([
      'a',
      'b',
      'b/c',
      'b/e',
      'b-x',
      'empty',
      'link',
    ]);
    expect(problems.map(({ code }) => code)).toEqual(['permission']);
  });

  test('what is no entry is passed over, or told to who wants to know', async () => {
    const { edit, hashed } = side();
    edit.special('pipe');
    expect(await paths(hashed, '')).not.toContain('pipe');
    const problems: string[] = [];
    await paths(hashed, '', { onProblem: ({ code }) => problems.push(code) });
    expect(problems).toEqual(['unsupported']);
  });

  test('goes on where the link was lost, telling everything once', async () => {
    let listings = 0;
    const before = (step: string) => {
      if (step === 'list' && [2, 4, 9].includes(++listings)) throw lost();
    };
    const { hashed } = side({ before });
    expect(await paths(hashed, '', { recursive: true })).toEqual(
      await paths(side().hashed, '', { recursive: true }),
    );
    expect(listings).toBeGreaterThan(4);
  });

  test('a link that is lost again and again is an error', async () => {
    const before = (step: string) => {
      if (step === 'list') throw lost();
    };
    expect(await codeOf(paths(side({ before }).hashed, ''))).toBe('network');
  });

  test('ends when it is asked to', async () => {
    const stop = new AbortController();
    const listing = listTree(side().hashed, '', { recursive: true, signal: stop.signal });
    const work = async () => {
      for await (const { path } of listing) if (path !== '') stop.abort();
    };
    // What was listed already may still be told.
    expect(['interrupted', 'none']).toContain(await codeOf(work()));
    expect(await codeOf(paths(side().hashed, '', { signal: stop.signal }))).toBe('interrupted');
  });
});

describe.each([
  ['in place', true],
  ['by reading', false],
])('hashes %s', (_title, shell) => {
  const hash = (options: MemoryOptions = {}, path = '', hashOptions: HashOptions = {}) =>
    hashTree(side(options, shell).hashed, path, hashOptions);

  test('of all regular files, or of one', async () => {
    const all = ['a', 'b/c/d', 'b/e', 'b-x'].map((path) => [path, sha(path)]);
    expect([...(await hash())]).toEqual(all);
    expect([...(await hash({}, 'b'))]).toEqual(all.slice(1, 3));
    expect([...(await hash({}, 'b/e'))]).toEqual(all.slice(2, 3));
    const counts: number[] = [];
    await hash({}, '', { progress: (files) => counts.push(files) });
    expect(counts).toEqual([4]);
  });

  test('over a lost link', async () => {
    let steps = 0;
    const before = (step: string) => {
      if (step !== 'list' && ++steps % 7 === 2) throw lost();
    };
    expect((await hash({ before })).size).toBe(4);
  });

  test('ends when it is asked to', async () => {
    const stop = new AbortController();
    const before = (step: string) => {
      if (step === 'read' || step === 'hashInPlace') stop.abort();
    };
    expect(await codeOf(hash({ before }, '', { signal: stop.signal }))).toBe('interrupted');
  });
});

test('a file that cannot be read ends it, or is told; one that went away is left out', async () => {
  const { edit, hashed } = side({}, false);
  edit.chmod('b/e', 0);
  expect(await codeOf(hashTree(hashed, ''))).toBe('permission');
  const problems: (string | undefined)[] = [];
  const found = await hashTree(hashed, '', { onProblem: ({ path }) => problems.push(path) });
  expect([...found.keys()]).toEqual(['a', 'b/c/d', 'b-x']);
  expect(problems).toEqual(['b/e']);

  let gone = false;
  const before = (step: string, path: string) => {
    if (step !== 'openSource' || path !== 'a' || gone) return;
    gone = true;
    late.edit.remove('a');
  };
  const late = side({ before }, false);
  expect([...(await hashTree(late.hashed, '')).keys()]).toEqual(['b/c/d', 'b/e', 'b-x']);
  expect(gone).toBe(true);
});
