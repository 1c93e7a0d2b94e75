/** Whatever is done to a tree, pushes to a folding server converge: nothing fights, nothing is sent twice. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupsOf } from '../../src/core/fold.js';
import { sync as push } from '../../src/index.js';
import type { Faults } from '../../src/ssh/server/faults.js';
import { embeddedPair, pairOn, planned, treeOf } from '../support/embedded-pair.js';

const names = ['a', 'A', 'b', 'caf\u00e9', 'cafe\u0301', 'CAFÉ'];
const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));
type Edit =
  | { readonly type: 'write'; readonly path: string; readonly content: string }
  | { readonly type: 'remove'; readonly path: string }
  | { readonly type: 'rename'; readonly path: string; readonly to: string };
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('write' as const), path, content: fc.string() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), path }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('rename' as const), path, to: path }) },
);

function isDirectory(absolute: string): boolean {
  return statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** What cannot be done in this tree is not done. */
function apply(root: string, one: Edit): void {
  const at = join(root, one.path);
  if (one.type === 'remove') {
    rmSync(at, { recursive: true, force: true });
    return;
  }
  const to = one.type === 'rename' ? join(root, one.to) : at;
  for (let above = dirname(to); above !== root; above = dirname(above)) {
    if (existsSync(above) && !isDirectory(above)) return;
  }
  if (one.type === 'write') {
    if (isDirectory(to)) return;
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, one.content);
  } else if (existsSync(at) && !existsSync(to) && !`${to}/`.startsWith(`${at}/`)) {
    mkdirSync(dirname(to), { recursive: true });
    renameSync(at, to);
  }
}

const folding = { foldsCase: true, normalizes: true };

/** Leaves one of the names that are one. */
function settleCollisions(directory: string): void {
  for (const [, ...rest] of groupsOf(readdirSync(directory), folding).values()) {
    for (const name of rest) rmSync(join(directory, name), { recursive: true });
  }
  for (const name of readdirSync(directory)) {
    if (isDirectory(join(directory, name))) settleCollisions(join(directory, name));
  }
}

const natures: [string, Faults][] = [
  ['decomposes', { foldCase: true, normalize: 'NFD' }],
  ['keeps what it has', { foldCase: true, normalize: 'any', stickyCase: true }],
];

test.each(natures)(
  'random edits, pushed to a server that folds and %s',
  { timeout: 300_000 },
  async (_, faults) => {
    const { server } = await embeddedPair({ faults });
    const batches = fc.array(fc.array(edit, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(batches, async (all) => {
        const pair = pairOn(server, { delete: true, maxDelete: '100%' });
        // An emptied folder would be held.
        writeFileSync(join(pair.local, 'stays'), 'stays');
        for (const batch of all) {
          for (const one of batch) apply(pair.local, one);
          await push(pair.options);
          expect(await planned(pair)).toEqual([]);
        }
        settleCollisions(pair.local);
        expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
        // A Unicode form is the server's own affair.
        const form = (tree: Record<string, string | null>) =>
          Object.entries(tree)
            .map(([at, content]) => [at.normalize('NFC'), content])
            .sort();
        expect(form(treeOf(pair.remote))).toEqual(form(treeOf(pair.local)));
        expect(await planned(pair)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  },
);
