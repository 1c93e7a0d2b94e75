import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { codeOf, entryAt, type MakeSide } from './side.js';

export function removalPromises(make: MakeSide): void {
  test('files and empty directories that are as expected go; gone already is fine', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/file', 'x');
    const [file, folder] = [await entryAt(storage, 'a/file'), await entryAt(storage, 'a')];
    await storage.remove('a/file', file);
    await storage.remove('a/file', file);
    expect(await raw.names('a')).toEqual([]);
    await storage.remove('a', folder);
    await storage.remove('a', folder);
    await storage.remove('a/file', file);
    expect(await raw.names('')).toEqual([]);
  });

  test('a symlink goes, what it points to stays', async ({ skip }) => {
    const { storage, raw } = await fresh(make);
    if (!storage.capabilities.symlinks) return skip('no symlinks here');
    await raw.write('real/x', 'x');
    await raw.symlink('real', 'link');
    await storage.remove('link', await entryAt(storage, 'link'));
    expect(await raw.names('')).toEqual(['real']);
    expect(await raw.names('real')).toEqual(['x']);
  });

  test('a directory that holds something is `not-empty`', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/file', 'x');
    expect(await codeOf(storage.remove('a', await entryAt(storage, 'a')))).toBe('not-empty');
    expect(await raw.names('a')).toEqual(['file']);
  });

  test('what is no longer expected stays', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'x', { mtimeMs: 1_500_000_000_000 });
    await raw.mkdir('folder');
    const [file, folder] = [await entryAt(storage, 'file'), await entryAt(storage, 'folder')];
    await raw.write('file', 'y', { mtimeMs: 1_550_000_000_000 });
    expect(await codeOf(storage.remove('file', file))).toBe('changed');
    expect(await codeOf(storage.remove('folder', file))).toBe('changed');
    expect(await codeOf(storage.remove('file', folder))).toBe('changed');
    expect(await raw.names('')).toEqual(['file', 'folder']);
    expect((await raw.read('file')).toString()).toBe('y');
  });
}
