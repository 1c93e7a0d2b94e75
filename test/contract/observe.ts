import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { fresh } from './fresh.js';
import { awkwardNames } from './scan.js';
import { codeOf, cutTime, scanAll, type MakeSide } from './side.js';

export function observePromises(make: MakeSide): void {
  test('observing tells what is at each path, in the order asked', async () => {
    const { storage, raw } = await fresh(make);
    const mtimeMs = 1_600_000_000_750;
    await raw.write('file', 'hello', { mode: 0o604, mtimeMs });
    await raw.mkdir('directory/inner');
    const seen = await storage.observe([
      'none',
      'file',
      'none/below/that',
      'directory/inner',
      'file/below',
      'directory/x',
      'directory',
    ]);
    expect(seen.map((entry) => (entry instanceof TowlineError ? entry.code : (entry?.kind ?? null)))).toEqual(
      [null, 'file', null, 'directory', null, null, 'directory'],
    );
    expect(seen[1]).toMatchObject({ size: 5 });
    expect(seen[3]).toMatchObject({ size: 0 });
    if (storage.capabilities.modes) expect(seen[1]).toMatchObject({ mode: 0o604 });
    if (storage.capabilities.times) expect(seen[1]).toMatchObject({ mtimeMs: cutTime(storage, mtimeMs) });
  });

  test('observing many awkward paths agrees with the scan', async () => {
    const { storage, raw } = await fresh(make);
    for (const name of awkwardNames) await raw.write(`d/${name}`, name);
    const scanned = (await scanAll(storage)).flatMap((item) => (item.type === 'entry' ? [item] : []));
    const paths = scanned.map((item) => item.path);
    expect(await storage.observe(paths)).toEqual(scanned.map((item) => item.entry));
    const missing = Array.from({ length: 2000 }, (_, i) => `d/missing ${String(i)}`);
    expect(new Set(await storage.observe(missing))).toEqual(new Set([null]));
    expect(await storage.observe([])).toEqual([]);
  });

  test('symlinks are seen as such, and nothing is below one', async ({ skip }) => {
    const { storage, raw } = await fresh(make);
    if (!storage.capabilities.symlinks) return skip('no symlinks here');
    await raw.write('real/x', 'x');
    await raw.symlink('real', 'link');
    await raw.symlink('nowhere', 'dangling');
    await raw.symlink('loop', 'loop');
    const seen = await storage.observe(['link', 'dangling', 'loop', 'link/x']);
    expect(seen).toMatchObject([
      { kind: 'symlink', target: 'real', size: 0 },
      { kind: 'symlink', target: 'nowhere' },
      { kind: 'symlink', target: 'loop' },
      null,
    ]);
  });

  test('what is no entry, and a name that cannot be one, are errors of their path only', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'x');
    const seen = await storage.observe(['../file', 'file', 'a\0b', 'a\ufffdb']);
    expect(seen).toMatchObject([{ code: 'name' }, { kind: 'file' }, { code: 'name' }, { code: 'name' }]);
    if (raw.special === undefined) return;
    await raw.special('fifo');
    expect(await storage.observe(['fifo'])).toMatchObject([{ code: 'unsupported' }]);
  });

  test('observing can be aborted', async () => {
    const { storage } = await fresh(make);
    const controller = new AbortController();
    controller.abort();
    expect(await codeOf(storage.observe(['a'], controller.signal))).toBe('interrupted');
  });
}
