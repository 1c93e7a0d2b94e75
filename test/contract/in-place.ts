import { expect, test } from 'vitest';
import type { InPlaceStorage } from '../../src/ports-in-place.js';
import { fresh } from './fresh.js';
import { codeOf, entryAt, type MakeSide } from './side.js';

export function inPlacePromises(make: MakeSide<InPlaceStorage>): void {
  test('a file is written where it is: continued from an offset, and cut there', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/file', 'old content that is longer', { mode: 0o640 });
    const expected = await entryAt(storage, 'a/file');
    const open = await storage.openInPlace('a/file', expected, 4);
    expect(open.acknowledged).toBe(4);
    expect((await raw.read('a/file')).toString()).toBe('old ');
    await open.write(Buffer.from('and new'), 4);
    const { made, destination } = await open.complete({ size: 11, mode: 0o600, sync: false });
    expect(made).toMatchObject({ size: 11 });
    expect(destination).toMatchObject({ size: 11 });
    await open.publish(expected);
    expect((await raw.read('a/file')).toString()).toBe('old and new');
    expect(await raw.names('a')).toEqual(['file']);
  });

  test('a new one is made, where nothing is', async () => {
    const { storage, raw } = await fresh(make);
    const open = await storage.openInPlace('file', null, 0);
    await open.write(Buffer.from('new'), 0);
    await open.complete({ size: 3, mode: 0o644, sync: false });
    await open.publish(null);
    expect((await raw.read('file')).toString()).toBe('new');
    expect(await codeOf(storage.openInPlace('file', null, 0))).toBe('exists');
  });

  test('what was written is left, however it ends', async () => {
    const { storage, raw } = await fresh(make);
    for (const end of ['discard', 'leave'] as const) {
      const open = await storage.openInPlace(end, null, 0);
      await open.write(Buffer.from('half'), 0);
      expect(await open[end]()).toBe(end === 'discard' ? true : 4);
      expect((await raw.read(end)).toString()).toBe('half');
    }
  });

  test('what is no longer what was expected is left alone', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'one', { mtimeMs: 1_600_000_000_000 });
    const expected = await entryAt(storage, 'file');
    await raw.write('file', 'three', { mtimeMs: 1_600_000_009_000 });
    expect(await codeOf(storage.openInPlace('file', expected, 0))).toBe('changed');
    expect((await raw.read('file')).toString()).toBe('three');
    if (storage.capabilities.symlinks) {
      await raw.write('precious', 'p', { mtimeMs: 1_600_000_000_000 });
      const precious = await entryAt(storage, 'precious');
      await raw.remove('file');
      await raw.symlink('precious', 'file');
      expect(['changed', 'exists']).toContain(await codeOf(storage.openInPlace('file', precious, 0)));
      expect((await raw.read('precious')).toString()).toBe('p');
    }
    await raw.remove('file');
    expect(await codeOf(storage.openInPlace('file', expected, 0))).toBe('not-found');
    expect(await codeOf(storage.openInPlace('../file', null, 0))).toBe('name');
  });
}
