import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { codeOf, entryAt, observed, scanAll, type MakeSide } from './side.js';

/** The root itself, and what is asked of the side as a whole. */
export function rootPromises(make: MakeSide): void {
  test('a root that is there is left alone', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('kept', 'x');
    await storage.ensureRoot({ parents: false });
    await storage.ensureRoot({ parents: true });
    expect(await raw.names('')).toEqual(['kept']);
    expect((await entryAt(storage, '')).kind).toBe('directory');
  });

  test('a missing root is no empty root: it is made when asked for', async () => {
    const { storage, raw } = await fresh(make, 'missing');
    expect(await codeOf(scanAll(storage))).toBe('not-found');
    expect(await observed(storage, '')).toBeNull();
    await storage.ensureRoot({ parents: false });
    expect(await raw.names('')).toEqual([]);
    expect(await scanAll(storage)).toEqual([]);
  });

  test('missing parents of the root are made with `parents` only', async () => {
    const { storage, raw } = await fresh(make, 'far');
    expect(await codeOf(storage.ensureRoot({ parents: false }))).toBe('not-found');
    await storage.ensureRoot({ parents: true });
    expect(await raw.names('')).toEqual([]);
  });

  test('free space and the clock can be asked for', async () => {
    const { storage } = await fresh(make);
    const free = await storage.freeBytes('a/b');
    if (storage.capabilities.space) expect(free).toBeGreaterThan(0);
    else expect(free).toBeNull();
    expect(Number.isFinite(await storage.clockOffsetMs())).toBe(true);
    expect(storage.label).not.toBe('');
  });
}
