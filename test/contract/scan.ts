import { expect, test } from 'vitest';
import { comparePaths } from '../../src/core/path.js';
import type { ScanItem } from '../../src/core/stream.js';
import { fresh } from './fresh.js';
import { codeOf, cutTime, scanAll, tempOf, type MakeSide } from './side.js';

/** Names that are legal and break naive code; in no order. */
export const awkwardNames = [
  'with space',
  ' leading and trailing ',
  'new\nline',
  'tab\t',
  `qu'o"t\`e$(s)`,
  '-rf',
  '--',
  '*?[a]{b}',
  '#hash!',
  'back\\slash',
  '\u00fcml\u00e4ut',
  'e\u0301 decomposed',
  '\u{1f600} astral',
  '\uff21 fullwidth',
  '\u0001control',
  'x'.repeat(255),
  '\u00fc'.repeat(127),
];

const typesAndPaths = (items: readonly ScanItem[]) => items.map((item) => [item.type, item.path]);
const pathsOf = (items: readonly ScanItem[]) => items.map((item) => item.path);

export function scanPromises(make: MakeSide): void {
  test('a scan yields every entry once, in the total order, whatever the names', async () => {
    const { storage, raw, renamed } = await fresh(make);
    const names = awkwardNames.filter((name) => renamed?.test(name) !== true);
    const paths = [...names, 'a-b', 'a', 'a/b', 'a/b/c', 'a.', 'a0', ...names.map((name) => `a/${name}`)];
    for (const path of paths) {
      if (path === 'a' || path === 'a/b') await raw.mkdir(path);
      else await raw.write(path, 'x');
    }
    await raw.mkdir('empty');
    const items = await scanAll(storage);
    expect(items.filter((item) => item.type !== 'entry')).toEqual([]);
    expect(pathsOf(items)).toEqual([...paths, 'empty'].sort(comparePaths));
  });

  test('a flat scan yields the children alone', async () => {
    const { storage, raw } = await fresh(make);
    for (const path of ['a/b/c', 'a/d', 'e']) await raw.write(path, 'x');
    expect(pathsOf(await scanAll(storage, { flat: true }))).toEqual(['a', 'e']);
    expect(pathsOf(await scanAll(storage, { flat: true, under: 'a' }))).toEqual(['a/b', 'a/d']);
  });

  test('more entries than fit in a batch arrive, in order', async () => {
    const { storage, raw } = await fresh(make);
    const paths = Array.from({ length: 1200 }, (_, i) => `${String(i % 40)}/${String(i)}`);
    for (const path of paths) await raw.write(path, '');
    const directories = Array.from({ length: 40 }, (_, i) => String(i));
    expect(pathsOf(await scanAll(storage))).toEqual([...paths, ...directories].sort(comparePaths));
  });

  test('entries carry kind, size, mode and time', async () => {
    const { storage, raw } = await fresh(make);
    const mtimeMs = 1_600_000_000_250;
    await raw.write('file', 'hello', { mode: 0o640, mtimeMs });
    await raw.mkdir('directory', 0o750);
    const entries = (await scanAll(storage)).flatMap((item) => (item.type === 'entry' ? [item.entry] : []));
    expect(entries).toMatchObject([
      { kind: 'directory', size: 0 },
      { kind: 'file', size: 5 },
    ]);
    if (storage.capabilities.modes) expect(entries).toMatchObject([{ mode: 0o750 }, { mode: 0o640 }]);
    if (storage.capabilities.times) expect(entries[1]?.mtimeMs).toBe(cutTime(storage, mtimeMs));
  });

  test('a scan below a directory yields what is below it only; a missing one is an error', async () => {
    const { storage, raw } = await fresh(make);
    for (const path of ['a/b/c', 'a/d', 'a-b', 'e']) await raw.write(path, 'x');
    expect(pathsOf(await scanAll(storage, { under: 'a' }))).toEqual(['a/b', 'a/b/c', 'a/d']);
    expect(await codeOf(scanAll(storage, { under: 'a/none' }))).toBe('not-found');
  });

  test('excluded paths are neither yielded nor entered', async () => {
    const { storage, raw } = await fresh(make);
    for (const path of ['a/skip/x', 'a/keep/x', 'skip', 'b/skip/y/z']) await raw.write(path, 'x');
    const asked: string[] = [];
    const items = await scanAll(storage, {
      excludes: (path, kind) => {
        asked.push(`${path} ${kind}`);
        return path.split('/').includes('skip');
      },
    });
    expect(pathsOf(items)).toEqual(['a', 'a/keep', 'a/keep/x', 'b']);
    expect(asked.sort()).toEqual(
      [
        'a directory',
        'a/keep directory',
        'a/keep/x file',
        'a/skip directory',
        'b directory',
        'b/skip directory',
        'skip file',
      ].sort(),
    );
  });

  test('rule files are found before anything else of their directory is filtered', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('.rules', 'top');
    await raw.write('.towlineignore', 'own');
    await raw.write('a/.rules', 'inner \u00fc');
    await raw.write('!first', 'x');
    await raw.write('a/!first', 'x');
    await raw.mkdir('b/.rules');
    const found = new Map<string, string>();
    const early: string[] = [];
    const items = await scanAll(storage, {
      ruleFiles: {
        names: ['.rules', '.towlineignore'],
        found: (directory, name, text) => {
          expect(found.has(`${directory}|${name}`)).toBe(false);
          found.set(`${directory}|${name}`, text);
        },
      },
      excludes: (path) => {
        const directory = path.startsWith('a/') ? 'a' : '';
        if (!path.startsWith('b/') && !found.has(`${directory}|.rules`)) early.push(path);
        return path.endsWith('!first');
      },
    });
    expect(early).toEqual([]);
    expect(Object.fromEntries(found)).toEqual({
      '|.rules': 'top',
      '|.towlineignore': 'own',
      'a|.rules': 'inner \u00fc',
    });
    expect(pathsOf(items)).toEqual(['.rules', 'a', 'a/.rules', 'b', 'b/.rules']);
  });

  test('our own names are no entries: temps are told, all else is silent', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write(tempOf(1), 'x', { mtimeMs: 1_600_000_000_000 });
    await raw.write(`a/${tempOf(2)}`, 'x');
    await raw.write('.towline-trash/x', 'x');
    await raw.write('.towline-0123.lock', '');
    await raw.write('towline', 'mine');
    const items = await scanAll(storage);
    expect(typesAndPaths(items)).toEqual([
      ['temp', tempOf(1)],
      ['entry', 'a'],
      ['temp', `a/${tempOf(2)}`],
      ['entry', 'towline'],
    ]);
    if (storage.capabilities.times) expect(items[0]).toMatchObject({ mtimeMs: 1_600_000_000_000 });
  });

  test('what is no entry is skipped with a reason', async ({ skip }) => {
    const { storage, raw } = await fresh(make);
    if (raw.special === undefined) return skip('no special files here');
    await raw.special('fifo');
    await raw.special('ignored');
    const items = await scanAll(storage, { excludes: (path) => path === 'ignored' });
    expect(items).toMatchObject([
      { type: 'skipped', path: 'fifo', reason: 'special', error: { code: 'unsupported' } },
    ]);
  });

  test('a directory that cannot be listed is a failure behind its entry, and the rest is complete', async ({
    skip,
  }) => {
    const { storage, raw } = await fresh(make);
    if (raw.unlistable === undefined) return skip('everything can be listed here');
    for (const path of ['a/b/c', 'a-b', 'z/y']) await raw.write(path, 'x');
    await raw.unlistable('a/b');
    const items = await scanAll(storage);
    expect(typesAndPaths(items)).toEqual([
      ['entry', 'a'],
      ['entry', 'a/b'],
      ['failure', 'a/b'],
      ['entry', 'a-b'],
      ['entry', 'z'],
      ['entry', 'z/y'],
    ]);
    expect(items[2]).toMatchObject({ error: { code: 'permission' } });
    expect(await codeOf(scanAll(storage, { under: 'a/b' }))).toBe('permission');
  });

  test('a scan can be aborted', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/b', 'x');
    const controller = new AbortController();
    controller.abort();
    expect(await codeOf(scanAll(storage, { signal: controller.signal }))).toBe('interrupted');
  });
}
