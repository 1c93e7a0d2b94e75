import { expect, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import type { Storage } from '../../src/ports.js';
import { fresh } from './fresh.js';
import { codeOf, scanAll, tempOf, type MakeSide } from './side.js';

const badPaths = [
  '..',
  '../x',
  'a/../../x',
  'a/..',
  '.',
  './a',
  '/etc/x',
  'a//b',
  'a/',
  'nul\0x',
  'bad\ufffdname',
];
const entry: Entry = { kind: 'file', size: 1, mtimeMs: 0, mode: 0o644 };

const calls: Record<string, (storage: Storage, path: string) => Promise<unknown>> = {
  scan: (storage, path) => scanAll(storage, { under: path }),
  openSource: (storage, path) => storage.openSource(path),
  readText: (storage, path) => storage.readText(path),
  hash: (storage, path) => storage.hash(path),
  createTemp: (storage, path) => storage.createTemp(path, tempOf(1)),
  resumeTemp: (storage, path) => storage.resumeTemp(path, tempOf(1), tempOf(2), 0),
  makeDirectory: (storage, path) => storage.makeDirectory(path, 0o755),
  makeSymlink: (storage, path) => storage.makeSymlink(path, { target: 't', mtimeMs: 0 }, tempOf(1), null),
  setMetadata: (storage, path) => storage.setMetadata(path, entry, { mtimeMs: 0 }),
  remove: (storage, path) => storage.remove(path, entry),
  freeBytes: (storage, path) => storage.freeBytes(path),
};

const writing = ['createTemp', 'resumeTemp', 'makeDirectory', 'makeSymlink', 'setMetadata', 'remove'];

export function namePromises(make: MakeSide): void {
  test('a path that could lead out of the root, or cannot be carried, is refused before anything happens', async () => {
    const { storage, raw } = await fresh(make);
    await raw.write('a/x', 'x');
    for (const [name, call] of Object.entries(calls)) {
      for (const path of badPaths)
        expect([name, path, await codeOf(call(storage, path))]).toEqual([name, path, 'name']);
      if (writing.includes(name)) expect([name, await codeOf(call(storage, ''))]).toEqual([name, 'name']);
    }
    expect(await raw.names('')).toEqual(['a']);
    expect(await raw.names('a')).toEqual(['x']);
  });

  test('a temp name is one component', async () => {
    const { storage, raw } = await fresh(make);
    for (const name of ['../x', 'a/b', '..', '', 'nul\0']) {
      expect(await codeOf(storage.createTemp('file', name))).toBe('name');
      const link = { target: 't', mtimeMs: 0 };
      if (storage.capabilities.symlinks)
        expect(await codeOf(storage.makeSymlink('l', link, name, null))).toBe('name');
    }
    expect(await raw.names('')).toEqual([]);
  });

  test('paths that lead out are never removed as temps', async () => {
    const { storage } = await fresh(make);
    expect(await storage.removeTemps([`../${tempOf(1)}`, `/${tempOf(1)}`])).toEqual([]);
  });
}
