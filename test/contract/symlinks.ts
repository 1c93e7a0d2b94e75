import { expect, test, type TestContext } from 'vitest';
import { fresh } from './fresh.js';
import {
  codeOf,
  completeTemp,
  cutTime,
  entryAt,
  scanAll,
  tempOf,
  type ContractSide,
  type MakeSide,
} from './side.js';

async function withSymlinks(make: MakeSide, skip: TestContext['skip']): Promise<ContractSide> {
  const side = await fresh(make);
  return side.storage.capabilities.symlinks ? side : skip('no symlinks here');
}

export function symlinkPromises(make: MakeSide): void {
  test('symlinks are entries with their target, and no scan follows one', async ({ skip }) => {
    const { storage, raw } = await withSymlinks(make, skip);
    await raw.write('real/x', 'x');
    const links = {
      'a link': 'real',
      dangling: '../none where',
      loop: '.',
      absolute: '/etc',
      '\u00fc': '\u{1f600}',
    };
    for (const [path, target] of Object.entries(links)) await raw.symlink(target, path);
    const entries = (await scanAll(storage)).flatMap((item) => (item.type === 'entry' ? [item] : []));
    const found = entries.filter((item) => item.entry.kind === 'symlink');
    expect(Object.fromEntries(found.map((item) => [item.path, item.entry.target]))).toEqual(links);
    expect(found.every((item) => item.entry.size === 0)).toBe(true);
    expect(entries.map((item) => item.path)).toHaveLength(Object.keys(links).length + 2);
  });

  test('a symlink is made as it is told, in place of nothing only', async ({ skip }) => {
    const { storage, raw } = await withSymlinks(make, skip);
    await raw.write('file', 'x');
    const mtimeMs = 1_500_000_000_500;
    const made = await storage.makeSymlink(
      'link',
      { target: '../some where/\u00fc', mtimeMs },
      tempOf(1),
      null,
    );
    expect(made).toMatchObject({ kind: 'symlink', target: '../some where/\u00fc', size: 0 });
    expect(await raw.stat('link')).toMatchObject({ kind: 'symlink', target: '../some where/\u00fc' });
    if (storage.capabilities.symlinkTimes) expect(made.mtimeMs).toBe(cutTime(storage, mtimeMs));
    const link = { target: 'other', mtimeMs };
    expect(await codeOf(storage.makeSymlink('link', link, tempOf(1), null))).toBe('exists');
    expect(await codeOf(storage.makeSymlink('file', link, tempOf(1), null))).toBe('exists');
    expect(await codeOf(storage.makeSymlink('none/link', link, tempOf(1), null))).toBe('not-found');
    expect(await raw.names('')).toEqual(['file', 'link']);
    expect(await raw.stat('link')).toMatchObject({ target: '../some where/\u00fc' });
  });

  test('a symlink replaces a file or another link; a directory in the way is `exists`', async ({ skip }) => {
    const { storage, raw } = await withSymlinks(make, skip);
    await raw.write('file', 'x');
    await raw.symlink('old', 'link');
    await raw.write('folder/x', 'x');
    const link = { target: 'new', mtimeMs: 1_500_000_000_000 };
    for (const path of ['file', 'link']) {
      await storage.makeSymlink(path, link, tempOf(1), await entryAt(storage, path));
      expect(await raw.stat(path)).toMatchObject({ kind: 'symlink', target: 'new' });
    }
    const expected = await entryAt(storage, 'file');
    expect(await codeOf(storage.makeSymlink('folder', link, tempOf(1), expected))).toBe('exists');
    expect(await raw.names('')).toEqual(['file', 'folder', 'link']);
  });

  test('a symlink replaces nothing but what was expected', async ({ skip }) => {
    const { storage, raw } = await withSymlinks(make, skip);
    await raw.write('file', 'x');
    await raw.symlink('old', 'link');
    await raw.write('gone', 'x');
    const link = { target: 'new', mtimeMs: 1_500_000_000_000 };
    const [file, old, gone] = await Promise.all(
      ['file', 'link', 'gone'].map((path) => entryAt(storage, path)),
    );
    await raw.write('file', 'somebody saved it meanwhile');
    await raw.remove('link');
    await raw.symlink('elsewhere', 'link');
    await raw.remove('gone');
    expect(await codeOf(storage.makeSymlink('file', link, tempOf(1), file!))).toBe('changed');
    expect(await codeOf(storage.makeSymlink('link', link, tempOf(1), old!))).toBe('changed');
    expect(await codeOf(storage.makeSymlink('gone', link, tempOf(1), gone!))).toBe('changed');
    expect((await raw.read('file')).toString()).toBe('somebody saved it meanwhile');
    expect(await raw.stat('link')).toMatchObject({ target: 'elsewhere' });
    expect(await raw.names('')).toEqual(['file', 'link']);
  });

  test('a file replaces a symlink, not what the link points to', async ({ skip }) => {
    const { storage, raw } = await withSymlinks(make, skip);
    await raw.write('real', 'theirs');
    await raw.symlink('real', 'link');
    const { temp, destination } = await completeTemp(storage, 'link', 'ours');
    expect(destination).toMatchObject({ kind: 'symlink', target: 'real' });
    await temp.publish(destination);
    expect((await raw.read('link')).toString()).toBe('ours');
    expect((await raw.read('real')).toString()).toBe('theirs');
    expect(await raw.stat('link')).toMatchObject({ kind: 'file' });
  });

  test('nothing is written through a symlink', async ({ skip }) => {
    const { storage, raw } = await withSymlinks(make, skip);
    await raw.write('real/x', 'x', { mode: 0o644, mtimeMs: 1_500_000_000_000 });
    await raw.symlink('real', 'link');
    await raw.symlink('real/x', 'file');
    const x = await entryAt(storage, 'real/x');
    const refused = ['changed', 'not-found'];
    expect(refused).toContain(await codeOf(storage.createTemp('link/new', tempOf(1))));
    expect(refused).toContain(await codeOf(storage.makeDirectory('link/new', 0o755)));
    const target = { target: 't', mtimeMs: 0 };
    expect(refused).toContain(await codeOf(storage.makeSymlink('link/new', target, tempOf(1), null)));
    const change = { mode: 0o600, mtimeMs: 1_600_000_000_000 };
    expect(refused).toContain(await codeOf(storage.setMetadata('link/x', x, change)));
    expect(await codeOf(storage.setMetadata('file', x, change))).toBe('changed');
    expect(['none', ...refused]).toContain(await codeOf(storage.remove('link/x', x)));
    expect(await codeOf(storage.remove('file', x))).toBe('changed');
    expect(await raw.names('real')).toEqual(['x']);
    expect(await raw.stat('real/x')).toMatchObject({ mtimeMs: 1_500_000_000_000 });
    if (storage.capabilities.modes) expect(await raw.stat('real/x')).toMatchObject({ mode: 0o644 });
    expect(await raw.names('')).toEqual(['file', 'link', 'real']);
  });
}
