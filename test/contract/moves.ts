import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { codeOf, entryAt, type MakeSide } from './side.js';

export function movePromises(make: MakeSide): void {
  test('a file is renamed as it is, and a directory goes with all that is in it', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/file', 'hello', { mode: 0o640, mtimeMs: 1_500_000_000_000 });
    await raw.mkdir('b c');
    const moved = await storage.move('a/file', 'b c/ö', await entryAt(storage, 'a/file'));
    expect(moved).toMatchObject({ kind: 'file', size: 5, mtimeMs: 1_500_000_000_000 });
    expect((await raw.read('b c/ö')).toString()).toBe('hello');
    expect(await raw.names('a')).toEqual([]);
    expect((await storage.move('b c', 'a/d', await entryAt(storage, 'b c'))).kind).toBe('directory');
    expect((await raw.read('a/d/ö')).toString()).toBe('hello');
    expect(await raw.names('')).toEqual(['a']);
  });

  test('nothing is moved that is not as expected, or onto something, or to where there is no directory', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'x', { mtimeMs: 1_500_000_000_000 });
    await raw.write('taken', 'theirs');
    await raw.mkdir('folder');
    const file = await entryAt(storage, 'file');
    expect(await codeOf(storage.move('file', 'taken', file))).toBe('exists');
    expect(await codeOf(storage.move('file', 'folder', file))).toBe('exists');
    expect(await codeOf(storage.move('file', 'none/file', file))).toBe('not-found');
    expect(await codeOf(storage.move('none', 'new', file))).toBe('changed');
    expect(await codeOf(storage.move('folder', 'new', file))).toBe('changed');
    await raw.write('file', 'edited', { mtimeMs: 1_550_000_000_000 });
    expect(await codeOf(storage.move('file', 'new', file))).toBe('changed');
    expect(await raw.names('')).toEqual(['file', 'folder', 'taken']);
    expect((await raw.read('taken')).toString()).toBe('theirs');
  });
}
