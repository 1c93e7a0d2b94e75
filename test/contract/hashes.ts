import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { fresh } from './fresh.js';
import { awkwardNames } from './scan.js';
import { codeOf, completeTemp, tempOf, type MakeSide } from './side.js';
import { content } from './source.js';

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');

export function hashPromises(make: MakeSide): void {
  test('many files are hashed where they lie, in the order asked for, whatever their names', async ({
    skip,
  }) => {
    const { storage, raw } = await fresh(make);
    if ((await storage.hashInPlace([])) === null) return skip('this side cannot hash by itself');
    const contents = new Map(
      [...awkwardNames, ...awkwardNames.map((name) => `d/${name}`), 'empty', 'large'].map((path) => [
        path,
        path,
      ]),
    );
    contents.set('empty', '').set('large', 'x'.repeat(1_500_000));
    for (const [path, text] of contents) await raw.write(path, text);
    const paths = [...contents.keys()];
    const hashes = await storage.hashInPlace(paths.map((path) => ({ path })));
    expect(hashes).toEqual(paths.map((path) => sha256(contents.get(path)!)));
  });

  test('a beginning is hashed as far as it was asked for; a file that is shorter has none', async ({
    skip,
  }) => {
    const { storage, raw } = await fresh(make);
    if ((await storage.hashInPlace([])) === null) return skip('this side cannot hash by itself');
    const data = content(200_000);
    await raw.write("a/it's\n-b", data);
    await completeTemp(storage, 'a/temp', data);
    const path = "a/it's\n-b";
    const temp = `a/${tempOf(1)}`;
    expect(
      await storage.hashInPlace([
        { path, length: 0 },
        { path, length: 1 },
        { path },
        { path: temp, length: 150_000 },
        { path, length: 150_000 },
        { path, length: 200_000 },
        { path, length: 200_001 },
        { path: 'none', length: 0 },
      ]),
    ).toEqual([
      sha256(''),
      sha256(data.subarray(0, 1)),
      sha256(data),
      sha256(data.subarray(0, 150_000)),
      sha256(data.subarray(0, 150_000)),
      sha256(data),
      null,
      null,
    ]);
  });

  test('what is no regular file of the tree has no hash, and the others have theirs', async ({ skip }) => {
    const { storage, raw } = await fresh(make);
    if ((await storage.hashInPlace([])) === null) return skip('this side cannot hash by itself');
    await raw.write('real/x', 'x');
    const paths = ['none', 'real', 'none/below', '../real/x', '/etc/passwd', 'nul\0', '\ufffd', ''];
    if (storage.capabilities.symlinks) {
      await raw.symlink('real/x', 'link');
      await raw.symlink('real', 'folder');
      paths.push('link', 'folder/x');
    }
    if (raw.special !== undefined) {
      await raw.special('fifo');
      paths.push('fifo');
    }
    const hashes = await storage.hashInPlace([...paths, 'real/x', 'real/x'].map((path) => ({ path })));
    expect(hashes).toEqual([...paths.map(() => null), sha256('x'), sha256('x')]);
    expect(await storage.hashInPlace(paths.map((path) => ({ path, length: 0 })))).toEqual(
      paths.map(() => null),
    );
  });

  test('more files than one command takes are hashed', async ({ skip }) => {
    const { storage, raw } = await fresh(make);
    if ((await storage.hashInPlace([])) === null) return skip('this side cannot hash by itself');
    const paths = Array.from(
      { length: 2_500 },
      (_, i) => `${String(i % 7)}/${'n'.repeat(i % 90)}${String(i)}`,
    );
    for (const path of paths) await raw.write(path, path);
    expect(await storage.hashInPlace(paths.map((path) => ({ path })))).toEqual(paths.map(sha256));
  });

  test('hashing can be aborted', async ({ skip }) => {
    const { storage, raw } = await fresh(make);
    if ((await storage.hashInPlace([])) === null) return skip('this side cannot hash by itself');
    await raw.write('a', 'x');
    const signal = AbortSignal.abort();
    expect(await codeOf(storage.hashInPlace([{ path: 'a' }], signal))).toBe('interrupted');
  });
}
