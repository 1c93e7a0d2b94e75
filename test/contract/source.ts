import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { codeOf, cutTime, type MakeSide } from './side.js';

/** Bytes without a pattern that a mixed-up offset could hide in. */
export function content(bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let i = 0, x = 12345; i < bytes; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    data[i] = x >> 16;
  }
  return data;
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

export function sourcePromises(make: MakeSide): void {
  test.each([0, 5, 70_000, 1_300_000])(
    'a file of %i bytes is read as it is, in pieces at once',
    async (bytes) => {
      const { storage, raw } = await fresh(make);
      const data = content(bytes);
      await raw.write('a/file', data, { mode: 0o640, mtimeMs: 1_600_000_000_500 });
      const source = await storage.openSource('a/file');
      expect(source.entry).toMatchObject({ kind: 'file', size: bytes });
      if (storage.capabilities.times) expect(source.entry.mtimeMs).toBe(cutTime(storage, 1_600_000_000_500));
      const length = 60_000;
      const offsets = Array.from({ length: Math.ceil(bytes / length) + 1 }, (_, i) => i * length);
      const pieces = await Promise.all(offsets.map((offset) => source.read(offset, length)));
      for (const piece of pieces.slice(0, -2)) expect(piece).toHaveLength(length);
      expect(Buffer.concat(pieces).equals(data)).toBe(true);
      expect(await source.read(bytes + 10, 10)).toHaveLength(0);
      expect(await source.check()).toBe('same');
      await source.close();
      expect(await storage.hash('a/file')).toBe(sha256(data));
    },
  );

  test.each([5, 600_000])('a source of %i bytes that changes is noticed', async (bytes) => {
    const { storage, raw } = await fresh(make);
    const mtimeMs = 1_600_000_000_000;
    const open = async (path: string) => {
      await raw.write(path, content(bytes), { mtimeMs });
      return storage.openSource(path);
    };
    const edited = await open('edited');
    await raw.write('edited', Buffer.alloc(bytes), { mtimeMs: mtimeMs + 5000 });
    expect(await edited.check()).toBe('changed');

    const cut = await open('cut');
    await raw.write('cut', '', { mtimeMs });
    expect(await cut.check()).toBe('changed');

    const grown = await open('grown');
    await raw.append('grown', 'more');
    expect(await grown.check()).toBe('grown');

    const replaced = await open('replaced');
    await raw.write('other', 'new', { mtimeMs: mtimeMs + 5000 });
    await raw.rename('other', 'replaced');
    expect(await replaced.check()).toBe('changed');

    const deleted = await open('deleted');
    await raw.remove('deleted');
    expect(await deleted.check()).toBe('vanished');

    for (const source of [edited, cut, grown, replaced, deleted]) await source.close();
  });

  test('only regular files are opened, and never through a symlink', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('real/x', 'x');
    expect(await codeOf(storage.openSource('none'))).toBe('vanished');
    expect(await codeOf(storage.openSource('none/below'))).toBe('vanished');
    expect(await codeOf(storage.openSource('real'))).toBe('changed');
    expect(await codeOf(storage.hash('real'))).toBe('changed');
    if (raw.special !== undefined) {
      await raw.special('fifo');
      expect(await codeOf(storage.openSource('fifo'))).toBe('changed');
    }
    if (!storage.capabilities.symlinks) return;
    await raw.symlink('real/x', 'link');
    await raw.symlink('real', 'folder');
    expect(await codeOf(storage.openSource('link'))).toBe('changed');
    expect(['changed', 'vanished']).toContain(await codeOf(storage.openSource('folder/x')));
    expect(await codeOf(storage.hash('link'))).toBe('changed');
  });

  test('small texts are read whole; none is null; a huge one is refused', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/.rules', '*.o\n\u00fc\u{1f600}\n');
    await raw.write('empty', '');
    await raw.write('huge', Buffer.alloc(1024 * 1024 + 1, 'x'));
    expect(await storage.readText('a/.rules')).toBe('*.o\n\u00fc\u{1f600}\n');
    expect(await storage.readText('empty')).toBe('');
    expect(await storage.readText('none')).toBeNull();
    expect(await storage.readText('none/below')).toBeNull();
    expect(await storage.readText('a')).toBeNull();
    expect(await codeOf(storage.readText('huge'))).toBe('unsupported');
  });
}
