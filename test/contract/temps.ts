import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { codeOf, completeTemp, entryAt, observed, tempOf, type MakeSide } from './side.js';
import { content } from './source.js';

export function tempPromises(make: MakeSide): void {
  test('a new file: pieces in any order, complete, published, no temp left', async () => {
    const { storage, raw } = await fresh(make);
    await raw.mkdir('a');
    const data = content(1_000_000);
    const temp = await storage.createTemp('a/new', tempOf(1));
    if (storage.capabilities.modes) expect((await raw.stat(`a/${tempOf(1)}`))?.mode).toBe(0o600);
    const piece = 90_000;
    const offsets = Array.from({ length: Math.ceil(data.length / piece) }, (_, i) => i * piece).reverse();
    await Promise.all(offsets.map((offset) => temp.write(data.subarray(offset, offset + piece), offset)));
    const { made, destination } = await temp.complete({
      size: data.length,
      sync: storage.capabilities.fsync,
    });
    expect(temp.acknowledged).toBe(data.length);
    expect(destination).toBeNull();
    expect(made).toMatchObject({ kind: 'file', size: data.length });
    expect(await observed(storage, 'a/new')).toBeNull();
    await temp.publish(null);
    expect((await raw.read('a/new')).equals(data)).toBe(true);
    expect(await raw.names('a')).toEqual(['new']);
  });

  test('writes that nobody waits for are counted in by `complete`', async () => {
    const { storage, raw } = await fresh(make);
    const data = content(300_000);
    const temp = await storage.createTemp('new', tempOf(1));
    const writes = [temp.write(data.subarray(100_000), 100_000), temp.write(data.subarray(0, 100_000), 0)];
    await temp.complete({ size: data.length, sync: false });
    expect(temp.acknowledged).toBe(data.length);
    await temp.publish(null);
    await Promise.all(writes);
    expect((await raw.read('new')).equals(data)).toBe(true);
  });

  test('an empty file', async () => {
    const { storage, raw } = await fresh(make);
    const { temp } = await completeTemp(storage, 'empty', '');
    await temp.publish(null);
    expect(await raw.stat('empty')).toMatchObject({ kind: 'file', size: 0 });
  });

  test('publishing a new file refuses whatever is there, and leaves it alone', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('taken', 'theirs');
    await raw.mkdir('folder');
    if (storage.capabilities.symlinks) await raw.symlink('nowhere', 'dangling');
    const taken = storage.capabilities.symlinks ? ['taken', 'folder', 'dangling'] : ['taken', 'folder'];
    for (const path of taken) {
      const { temp, destination } = await completeTemp(storage, path, 'ours');
      expect(destination).not.toBeNull();
      expect(await codeOf(temp.publish(null))).toBe('exists');
      expect(await temp.discard()).toBe(true);
    }
    expect((await raw.read('taken')).toString()).toBe('theirs');
    expect(await raw.names('')).toEqual([...taken].sort());
    expect((await raw.stat('folder'))?.kind).toBe('directory');
  });

  test('replacing a file puts the new one in its place and keeps no temp', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'old content');
    const expected = await entryAt(storage, 'file');
    const { temp, destination } = await completeTemp(storage, 'file', 'new');
    expect(destination).toMatchObject({ kind: 'file', size: 11, mtimeMs: expected.mtimeMs });
    expect((await raw.read('file')).toString()).toBe('old content');
    await temp.publish(expected);
    expect((await raw.read('file')).toString()).toBe('new');
    expect(await raw.names('')).toEqual(['file']);
  });

  test('a directory in the way of a replacement is `exists`', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'old');
    const expected = await entryAt(storage, 'file');
    const { temp } = await completeTemp(storage, 'file', 'new');
    await raw.remove('file');
    await raw.mkdir('file');
    expect(await codeOf(temp.publish(expected))).toBe('exists');
    expect(await temp.discard()).toBe(true);
    expect(await raw.stat('file')).toMatchObject({ kind: 'directory' });
  });

  test('a temp name is taken once, beside a parent that exists', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'x');
    const first = await storage.createTemp('a', tempOf(1));
    expect(await codeOf(storage.createTemp('b', tempOf(1)))).toBe('exists');
    expect(await codeOf(storage.createTemp('none/a', tempOf(2)))).toBe('not-found');
    expect(['changed', 'not-found']).toContain(await codeOf(storage.createTemp('file/a', tempOf(2))));
    expect(await first.discard()).toBe(true);
    expect(await raw.names('')).toEqual(['file']);
  });

  test('a temp that is given up is gone, at any stage, and discarding again is fine', async () => {
    const { storage, raw } = await fresh(make);
    const early = await storage.createTemp('a', tempOf(1));
    const written = await storage.createTemp('b', tempOf(2));
    await written.write(Buffer.from('x'), 0);
    const { temp: complete } = await completeTemp(storage, 'c', 'x', { name: tempOf(3) });
    for (const temp of [early, written, complete]) {
      expect(await temp.discard()).toBe(true);
      expect(await temp.discard()).toBe(true);
    }
    expect(await raw.names('')).toEqual([]);
  });

  test('a size that differs is noticed before anything is published', async () => {
    const { storage, raw } = await fresh(make);
    const temp = await storage.createTemp('a', tempOf(1));
    await temp.write(Buffer.from('four'), 0);
    expect(await codeOf(temp.complete({ size: 5, sync: false }))).toBe('protocol');
    expect(await temp.discard()).toBe(true);
    expect(await raw.names('')).toEqual([]);
  });

  test('many at once, of names 255 bytes long', async () => {
    const { storage, raw } = await fresh(make);
    const names = Array.from({ length: 20 }, (_, i) => String(i).padStart(255, 'n'));
    await Promise.all(
      names.map(async (name, i) => {
        const { temp } = await completeTemp(storage, name, content(1000 + i), { name: tempOf(i) });
        await temp.publish(null);
      }),
    );
    expect(await raw.names('')).toEqual([...names].sort());
    for (const [i, name] of names.entries())
      expect((await raw.read(name)).equals(content(1000 + i))).toBe(true);
  });

  test('temps are removed by path, whatever they hold; nothing else is', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write(tempOf(1), 'x');
    await raw.write(`a/${tempOf(2)}/inner/x`, 'x');
    await raw.write('precious', 'x');
    const gone = [tempOf(1), `a/${tempOf(2)}`, tempOf(3), `none/${tempOf(4)}`];
    expect((await storage.removeTemps([...gone, 'precious'])).sort()).toEqual([...gone].sort());
    expect(await raw.names('')).toEqual(['a', 'precious']);
    expect(await raw.names('a')).toEqual([]);
  });
}
