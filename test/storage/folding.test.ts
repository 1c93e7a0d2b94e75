/** Pushes to servers that take several names for one: the embedded server folds as real ones do. */
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sync as push, watch } from '../../src/index.js';
import type { Faults } from '../../src/ssh/server/faults.js';
import { type EmbeddedPair, embeddedPair, planned, treeOf } from '../support/embedded-pair.js';
import { eventually } from '../support/eventually.js';

const composed = 'caf\u00e9';
const decomposed = 'cafe\u0301';

const natures: [string, Faults][] = [
  ['folds case', { foldCase: true }],
  ['folds case and keeps a spelling whatever it is renamed to', { foldCase: true, stickyCase: true }],
  ['keeps names decomposed', { normalize: 'NFD' }],
  ['folds case and keeps names decomposed', { foldCase: true, normalize: 'NFD' }],
  ['folds case and finds names in any form', { foldCase: true, normalize: 'any' }],
];
const casefolding = natures.filter(([, faults]) => faults.foldCase === true);
const decomposing = natures.filter(([, faults]) => faults.normalize === 'NFD');

function write(folder: string, tree: Record<string, string>): void {
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
    // Long ago, so that nothing has to be read again.
    utimesSync(join(folder, path), 1_600_000_000, 1_600_000_000);
  }
}

/** What a server of this nature is to hold for a local tree. */
function asKept(tree: Record<string, string | null>, { normalize }: Faults): Record<string, string | null> {
  const form = (path: string) => (normalize === 'NFD' ? path.normalize('NFD') : path);
  return Object.fromEntries(Object.entries(tree).map(([path, content]) => [form(path), content]));
}

/** The tree without an order. */
function sorted(tree: Record<string, unknown>): [string, unknown][] {
  return Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1));
}

function expectEqual(pair: EmbeddedPair, faults: Faults): void {
  expect(sorted(treeOf(pair.remote))).toEqual(sorted(asKept(treeOf(pair.local), faults)));
}

/** Nothing is planned and nothing is sent: the sides agree, and the agent knows it. */
async function expectQuiet(pair: EmbeddedPair): Promise<void> {
  expect(await planned(pair)).toEqual([]);
  expect(await push(pair.options)).toMatchObject({ transferred: 0, deleted: 0, failed: 0, bytesSent: 0 });
}

const someTree = {
  'README.md': 'read',
  'src/Main.ts': 'main',
  'src/lib/Über.ts': 'lib',
  [`${composed}/menu`]: 'coffee',
  'ΑΣ/straße': 'greek and german',
};

describe.each(natures)('a server that %s', (_, faults) => {
  test('is pushed to once; a second push is quiet', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, someTree);
    symlinkSync(composed, join(pair.local, 'Link'));
    expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });

  test('loses what was deleted, and nothing else', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, someTree);
    await push(pair.options);
    rmSync(join(pair.local, composed), { recursive: true });
    rmSync(join(pair.local, 'src/lib/Über.ts'));
    expect(await push(pair.options)).toMatchObject({ failed: 0, transferred: 0 });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });

  test('without the extension posix-rename does all that, too', async () => {
    const pair = await embeddedPair({ faults, extensions: [] }, { delete: true });
    write(pair.local, someTree);
    await push(pair.options);
    write(pair.local, { [`${composed}/menu`]: 'tea', 'src/Main.ts': 'another' });
    expect(await push(pair.options)).toMatchObject({ failed: 0, transferred: 2 });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });
});

describe.each(casefolding)('a server that %s', (_, faults) => {
  test('gets a file that was there in another spelling, and its spelling', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, { 'README.md': 'new', 'Src/a': 'same' });
    write(pair.remote, { 'readme.md': 'an older one', 'src/A': 'same', 'src/more': 'only there' });
    expect(await push(pair.options)).toMatchObject({ failed: 0, deleted: 1 });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });

  test.each([
    ['a file', 'a', 'A', false],
    ['a file and its content', 'a', 'A', true],
    ['a directory', 'folder', 'FOLDER', false],
    ['a directory and something in it', 'folder', 'FOLDER', true],
    ['a file below', 'folder/inner/x', 'folder/inner/X', false],
    ['a link', 'link', 'LINK', false],
    ['a directory with an accent', composed, composed.toUpperCase(), false],
  ])('renames %s that is only spelled anew', async (_what, from, to, edits) => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, { a: 'content', 'folder/inner/x': 'inner', 'folder/y': 'y' });
    write(pair.local, { [`${composed}/menu`]: 'coffee' });
    symlinkSync('a', join(pair.local, 'link'));
    await push(pair.options);
    renameSync(join(pair.local, from), join(pair.local, to));
    if (edits) write(pair.local, { [to === 'A' ? 'A' : `${to}/y`]: 'edited' });
    const done = await push(pair.options);
    expect(done).toMatchObject({ failed: 0, problems: [], transferred: edits ? 1 : 0 });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });

  test('keeps what it has while two names stand for one file, and gets the one that is left', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, { 'notes.txt': 'first', 'dir/x': 'x', other: 'other' });
    await push(pair.options);
    write(pair.local, { 'NOTES.txt': 'second', 'Dir/y': 'y', Fresh: '1', fresh: '2', other: 'edited' });
    const { problems, deleted, transferred } = await push(pair.options);
    expect(problems.map(({ path, code }) => `${path} ${code}`).sort()).toEqual(
      ['Dir', 'Fresh', 'NOTES.txt', 'dir', 'fresh', 'notes.txt'].map((path) => `${path} name`),
    );
    expect(problems[0]?.message).toMatch(/one name on the other side\. Rename all but one/);
    expect([deleted, transferred]).toEqual([0, 1]);
    expect(treeOf(pair.remote)).toEqual({ 'notes.txt': 'first', dir: null, 'dir/x': 'x', other: 'edited' });

    for (const path of ['notes.txt', 'dir', 'fresh']) {
      rmSync(join(pair.local, path), { recursive: true });
    }
    expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });

  test('never loses what an excluded name stands for', async () => {
    const pair = await embeddedPair(
      { faults },
      { delete: true, rules: [{ type: 'exclude', pattern: 'Build', source: 'test' }] },
    );
    write(pair.local, { 'Build/x': 'made here', a: 'a' });
    write(pair.remote, { 'build/y': 'made there' });
    expect(await push(pair.options)).toMatchObject({ failed: 0, deleted: 0 });
    expect(treeOf(pair.remote)).toEqual({ build: null, 'build/y': 'made there', a: 'a' });
  });

  test('a plan tells nothing of names that are spelled alike but for the case, once a push has found that out', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    await push(pair.options);
    write(pair.local, { 'README.md': 'same', 'Src/a': 'same' });
    write(pair.remote, { 'readme.md': 'same', 'src/a': 'same' });
    expect((await planned(pair)).sort()).toEqual(['set-metadata README.md', 'set-metadata Src']);
    expect(treeOf(pair.remote)).toEqual({ 'readme.md': 'same', src: null, 'src/a': 'same' });
  });

  test('is watched for: renames to another spelling arrive at once, collisions are told', async () => {
    const pair = await embeddedPair({ faults }, { delete: true, settleMs: 20 });
    write(pair.local, { a: 'content', 'folder/x': 'x', 'folder/sub/y': 'y' });
    const problems: string[] = [];
    const agent = await watch(pair.options, {
      onEvent: (event) => {
        if (event.type === 'problem') problems.push(event.problem.path);
      },
    });
    onTestFinished(() => agent.stop());
    const shows = (tree: Record<string, string | null>) =>
      eventually(() => {
        expect(sorted(treeOf(pair.remote))).toEqual(sorted(tree));
      });
    const below = { 'FOLDER/sub': null, 'FOLDER/sub/y': 'y', 'FOLDER/x': 'x' };
    await shows({ a: 'content', folder: null, 'folder/sub': null, 'folder/sub/y': 'y', 'folder/x': 'x' });
    renameSync(join(pair.local, 'a'), join(pair.local, 'A'));
    renameSync(join(pair.local, 'folder'), join(pair.local, 'FOLDER'));
    await shows({ A: 'content', FOLDER: null, ...below });
    writeFileSync(join(pair.local, 'A'), 'edited');
    await shows({ A: 'edited', FOLDER: null, ...below });
    writeFileSync(join(pair.local, 'a'), 'a second one');
    await eventually(() => {
      expect(problems).toContain('a');
    });
    rmSync(join(pair.local, 'A'));
    // A change is looked at sooner than a problem.
    writeFileSync(join(pair.local, 'a'), 'a third one');
    await shows({ a: 'a third one', FOLDER: null, ...below });
    rmSync(join(pair.local, 'FOLDER'), { recursive: true });
    await shows({ a: 'a third one' });
  });
});

describe.each(decomposing)('a server that %s', (_, faults) => {
  test('is not asked to keep them composed', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, { [composed]: 'x', [`${composed}s/${composed}`]: 'y' });
    await push(pair.options);
    expect(readdirSync(pair.remote)).toEqual([decomposed, `${decomposed}s`]);
    write(pair.local, { [composed]: 'edited' });
    expect(await push(pair.options)).toMatchObject({ transferred: 1, deleted: 0, failed: 0 });
    expectEqual(pair, faults);
    await expectQuiet(pair);
  });

  test('gets neither of two forms of one name', async () => {
    const pair = await embeddedPair({ faults }, { delete: true });
    write(pair.local, { [composed]: 'one', [decomposed]: 'two' });
    const { problems } = await push(pair.options);
    expect(problems.map(({ code }) => code)).toEqual(['name', 'name']);
    expect(treeOf(pair.remote)).toEqual({});
  });
});

test('a server that keeps names apart is asked once, and keeps them', async () => {
  const made: string[] = [];
  const refuse: Faults['refuse'] = ({ kind, path }) => {
    if (kind === 'OPEN' && path.includes('é')) made.push(path);
    return undefined;
  };
  const pair = await embeddedPair({ faults: { refuse } }, { delete: true });
  write(pair.local, { a: '1', A: '2', [composed]: '3', [decomposed]: '4' });
  await push(pair.options);
  expectEqual(pair, {});
  await expectQuiet(pair);
  expect(made).toHaveLength(1);
});

test('a server on which nothing may be made beside the files is taken for one that keeps names apart', async () => {
  const refuse: Faults['refuse'] = ({ kind, path }) =>
    kind === 'OPEN' && path.includes('é.tmp') ? 3 : undefined;
  const pair = await embeddedPair({ faults: { refuse } });
  write(pair.local, { a: '1', A: '2' });
  expect(await push(pair.options)).toMatchObject({ transferred: 2, failed: 0 });
});

describe.each(casefolding)('two-way with a server that %s', (_, faults) => {
  test('agrees on one spelling, carries changes of both sides, and then is quiet', async () => {
    const pair = await embeddedPair({ faults }, { mode: 'two-way' });
    write(pair.local, { 'README.md': 'same', 'Src/a': 'a', mine: 'mine' });
    write(pair.remote, { 'readme.md': 'same', 'src/b': 'b', theirs: 'theirs' });
    expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
    expectEqual(pair, faults);
    expect(Object.keys(treeOf(pair.local))).toContain('Src/b');
    await expectQuiet(pair);

    renameSync(join(pair.local, 'README.md'), join(pair.local, 'ReadMe.md'));
    renameSync(join(pair.local, 'Src'), join(pair.local, 'SRC'));
    rmSync(join(pair.remote, 'theirs'));
    rmSync(join(pair.local, 'mine'));
    write(pair.remote, { 'Src/b': 'b, edited there' });
    expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
    expectEqual(pair, faults);
    expect(treeOf(pair.local)).toMatchObject({ 'SRC/b': 'b, edited there', 'ReadMe.md': 'same' });
    await expectQuiet(pair);
  });
});

test('pull from a server that folds takes its names as they are', async () => {
  const faults: Faults = { foldCase: true, normalize: 'NFD' };
  const pair = await embeddedPair({ faults }, { mode: 'pull', delete: true });
  write(pair.remote, { 'README.md': 'read', [`${decomposed}/x`]: 'x' });
  expect(await push(pair.options)).toMatchObject({ failed: 0, transferred: 2 });
  expect(sorted(treeOf(pair.local))).toEqual(sorted(treeOf(pair.remote)));
  expect(await planned(pair)).toEqual([]);
});
