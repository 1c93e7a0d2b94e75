import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { codeOf, completeTemp, cutTime, entryAt, type MakeSide } from './side.js';

export function attributePromises(make: MakeSide): void {
  test('a published file has the mode and time asked for, cut to what the side can keep', async () => {
    const { storage, raw } = await fresh(make);
    const mtimeMs = 1_600_000_000_250;
    const { temp, made } = await completeTemp(storage, 'file', 'x', { mode: 0o666, mtimeMs });
    await temp.publish(null);
    const now = await entryAt(storage, 'file');
    expect(made).toMatchObject({ kind: 'file', size: 1, mode: now.mode, mtimeMs: now.mtimeMs });
    if (storage.capabilities.modes) expect((await raw.stat('file'))?.mode).toBe(0o666);
    if (storage.capabilities.times) {
      expect(now.mtimeMs).toBe(cutTime(storage, mtimeMs));
      expect((await raw.stat('file'))?.mtimeMs).toBe(cutTime(storage, mtimeMs));
    }
  });

  test('a directory is made with its mode, whatever the umask; anything there is `exists`', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'x');
    const made = await storage.makeDirectory('open', 0o777);
    expect(made.kind).toBe('directory');
    await storage.makeDirectory('open/private', 0o700);
    if (storage.capabilities.modes) {
      expect((await raw.stat('open'))?.mode).toBe(0o777);
      expect((await raw.stat('open/private'))?.mode).toBe(0o700);
      expect(made.mode).toBe(0o777);
    }
    expect(await codeOf(storage.makeDirectory('open', 0o700))).toBe('exists');
    expect(await codeOf(storage.makeDirectory('file', 0o700))).toBe('exists');
    expect(await codeOf(storage.makeDirectory('none/below', 0o700))).toBe('not-found');
    expect(await raw.names('')).toEqual(['file', 'open']);
  });

  test('mode and time are set without touching content', async () => {
    const { storage, raw } = await fresh(make);
    const { capabilities } = storage;
    await raw.write('file', 'hello', { mode: 0o644, mtimeMs: 1_500_000_000_000 });
    await raw.mkdir('folder', 0o755);
    if (capabilities.modes) {
      const changed = await storage.setMetadata('file', await entryAt(storage, 'file'), { mode: 0o600 });
      expect(changed).toMatchObject({ kind: 'file', size: 5, mode: 0o600 });
      expect(await raw.stat('file')).toMatchObject({ mode: 0o600, mtimeMs: 1_500_000_000_000 });
      await storage.setMetadata('folder', await entryAt(storage, 'folder'), { mode: 0o711 });
      expect(await raw.stat('folder')).toMatchObject({ mode: 0o711 });
    }
    if (capabilities.times) {
      const mtimeMs = cutTime(storage, 1_600_000_000_250);
      const changed = await storage.setMetadata('file', await entryAt(storage, 'file'), {
        mtimeMs: 1_600_000_000_250,
      });
      expect(changed.mtimeMs).toBe(mtimeMs);
      await storage.setMetadata('folder', await entryAt(storage, 'folder'), { mtimeMs: 1_600_000_000_250 });
      expect(await raw.stat('file')).toMatchObject({ mtimeMs });
      expect(await raw.stat('folder')).toMatchObject({ mtimeMs });
    }
    expect((await raw.read('file')).toString()).toBe('hello');
  });

  test('metadata of what is no longer expected stays as it is', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('file', 'hello', { mode: 0o644, mtimeMs: 1_500_000_000_000 });
    const expected = await entryAt(storage, 'file');
    await raw.write('file', 'edited by someone', { mtimeMs: 1_550_000_000_000 });
    const change = { mode: 0o600, mtimeMs: 1_600_000_000_000 };
    expect(await codeOf(storage.setMetadata('file', expected, change))).toBe('changed');
    expect(await raw.stat('file')).toMatchObject({ mtimeMs: 1_550_000_000_000 });
    if (storage.capabilities.modes) expect(await raw.stat('file')).toMatchObject({ mode: 0o644 });
    await raw.remove('file');
    expect(['changed', 'not-found']).toContain(await codeOf(storage.setMetadata('file', expected, change)));
  });
}
