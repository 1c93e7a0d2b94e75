import { expect, test } from 'vitest';
import type { Temp } from '../../src/ports.js';
import { fresh } from './fresh.js';
import { codeOf, tempOf, type ContractSide, type MakeSide } from './side.js';
import { content } from './source.js';

const path = 'a/file';
const data = content(300_000);

type Skip = (note: string) => never;

/** A side on which an attempt wrote the first 200,000 bytes of `data` and ended. */
async function interrupted(make: MakeSide, skip: Skip): Promise<ContractSide & { first: Temp }> {
  const side = await fresh(make);
  if (!side.storage.capabilities.resume) skip('no temp is continued here');
  await side.raw.mkdir('a');
  const first = await side.storage.createTemp(path, tempOf(1));
  await first.write(data.subarray(0, 200_000), 0);
  expect(await first.leave()).toBe(200_000);
  return { ...side, first };
}

export function resumePromises(make: MakeSide): void {
  test('a side that cannot go on with a temp says so each time, and such temps can be removed', async ({
    skip,
  }) => {
    const { storage, raw } = await fresh(make);
    if (storage.capabilities.resume) return skip('temps are continued here');
    await raw.mkdir('a');
    const first = await storage.createTemp(path, tempOf(1));
    await first.write(data.subarray(0, 200_000), 0);
    await first.leave();
    expect(await storage.resumeTemp(path, tempOf(1), tempOf(2), 0)).toBeNull();
    expect(await codeOf(storage.resumeTemp(path, tempOf(1), 'x/y', 5))).toBe('name');
    const all = [`a/${tempOf(1)}`, `a/${tempOf(2)}`];
    expect((await storage.removeTemps(all)).sort()).toEqual(all);
    expect(await raw.names('a')).toEqual([]);
  });

  test('a temp that was left stays, and is continued under a new name', async ({ skip }) => {
    const { storage, raw } = await interrupted(make, skip);
    expect(await raw.names('a')).toEqual([tempOf(1)]);
    const temp = (await storage.resumeTemp(path, tempOf(1), tempOf(2), 150_000))!;
    expect(await raw.names('a')).toEqual([tempOf(2)]);
    expect(await raw.stat(`a/${tempOf(2)}`)).toMatchObject({ size: 150_000 });
    expect(temp.acknowledged).toBe(150_000);
    await temp.write(data.subarray(200_000), 200_000);
    expect(temp.acknowledged).toBe(150_000);
    await temp.write(data.subarray(150_000, 200_000), 150_000);
    const { made } = await temp.complete({ size: data.length, sync: false });
    expect(temp.acknowledged).toBe(data.length);
    expect(made.size).toBe(data.length);
    await temp.publish(null);
    expect((await raw.read(path)).equals(data)).toBe(true);
    expect(await raw.names('a')).toEqual(['file']);
  });

  test('what is longer than was acknowledged is cut', async ({ skip }) => {
    const { storage, raw } = await interrupted(make, skip);
    await raw.append(`a/${tempOf(1)}`, 'x'.repeat(500_000));
    const temp = (await storage.resumeTemp(path, tempOf(1), tempOf(2), 200_000))!;
    await temp.write(data.subarray(200_000), 200_000);
    await temp.complete({ size: data.length, sync: false });
    await temp.publish(null);
    expect((await raw.read(path)).equals(data)).toBe(true);
  });

  test('nothing is continued that is missing, shorter, or no file; all of it can be removed', async ({
    skip,
  }) => {
    const { storage, raw } = await interrupted(make, skip);
    expect(await storage.resumeTemp(path, tempOf(7), tempOf(8), 1)).toBeNull();
    expect(await storage.resumeTemp(path, tempOf(1), tempOf(2), 200_001)).toBeNull();
    await raw.mkdir(`a/${tempOf(3)}`);
    expect(await storage.resumeTemp(path, tempOf(3), tempOf(4), 0)).toBeNull();
    const links = storage.capabilities.symlinks ? [5, 6] : [];
    if (links.length > 0) {
      await raw.write('precious', data);
      await raw.symlink('../precious', `a/${tempOf(5)}`);
      expect(await storage.resumeTemp(path, tempOf(5), tempOf(6), 10)).toBeNull();
      expect((await raw.read('precious')).equals(data)).toBe(true);
    }
    const all = [1, 2, 3, 4, ...links].map((number) => `a/${tempOf(number)}`);
    expect((await storage.removeTemps(all)).sort()).toEqual([...all].sort());
    expect(await raw.names('a')).toEqual([]);
  });

  test('a name that is taken is not taken over', async ({ skip }) => {
    const { storage, raw } = await interrupted(make, skip);
    await raw.write(`a/${tempOf(2)}`, 'another');
    expect(await storage.resumeTemp(path, tempOf(1), tempOf(2), 5)).toBeNull();
    expect((await raw.read(`a/${tempOf(2)}`)).toString()).toBe('another');
    expect(await codeOf(storage.resumeTemp(path, tempOf(1), 'x/y', 5))).toBe('name');
    expect(await codeOf(storage.resumeTemp(path, '../x', tempOf(3), 5))).toBe('name');
  });

  test('an old hand on it does nothing under the name it knew', async ({ skip }) => {
    const { storage, raw, first } = await interrupted(make, skip);
    const temp = (await storage.resumeTemp(path, tempOf(1), tempOf(2), 200_000))!;
    expect(await codeOf(first.publish(null))).not.toBe('none');
    expect(await first.discard()).toBe(true);
    expect(await raw.names('a')).toEqual([tempOf(2)]);
    expect(await temp.discard()).toBe(true);
    expect(await raw.names('a')).toEqual([]);
  });

  test('a fingerprint stays while a file does, and changes with it', async () => {
    const { storage, raw } = await fresh(make);
    const fingerprint = async () => {
      const source = await storage.openSource('file');
      await source.close();
      return source.fingerprint;
    };
    await raw.write('file', 'abc', { mtimeMs: 1_600_000_000_000 });
    const before = await fingerprint();
    expect(await fingerprint()).toBe(before);
    await raw.write('file', 'abd', { mtimeMs: 1_600_000_005_000 });
    const edited = await fingerprint();
    expect(edited).not.toBe(before);
    await raw.write('file', 'abde', { mtimeMs: 1_600_000_005_000 });
    expect(await fingerprint()).not.toBe(edited);
  });
}
