/** A hostile server: whatever it lists and tells, nothing comes out of the storage that could lead anywhere. */
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import type { Entry } from '../../src/core/entry.js';
import { TowlineError } from '../../src/core/errors.js';
import { comparePaths, nameProblem } from '../../src/core/path.js';
import { silence } from '../../src/core/silence.js';
import type { Storage } from '../../src/ports.js';
import { systemClock } from '../../src/system-clock.js';
import type { Attributes } from '../../src/ssh/channel.js';
import { type Connection, createConnection } from '../../src/ssh/connection.js';
import type { FakeItem } from '../../src/ssh/server/faults.js';
import { type SftpServer, startSftpServer } from '../../src/ssh/server/server.js';
import { createLocalStorage } from '../../src/storage/local/storage.js';
import { codeOf, scanAll, tempOf } from '../contract/side.js';
import { treeOf } from '../support/embedded-pair.js';
import { freshFolder } from '../support/folder.js';
import { storageAt } from './sftp-side.js';

let server: SftpServer;
let connection: Connection;
let storage: Storage;
beforeAll(async () => {
  const root = freshFolder('served');
  mkdirSync(join(root, 'real'));
  writeFileSync(join(root, 'real/file'), 'x');
  server = await startSftpServer({ root });
  connection = createConnection({
    label: 'box',
    connect: () =>
      Promise.resolve({
        host: server.host,
        port: server.port,
        hostVerifier: () => true,
        ssh: { username: 'someone', privateKey: server.clientKey },
      }),
    clock: systemClock,
    log: silence,
  });
  await connection.ready();
  storage = storageAt(connection, '/');
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

const badNames = [
  '',
  '.',
  '..',
  '/',
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a//b',
  'nul\0',
  '\ufffd',
  'x\ufffd',
];
const oddNames = [
  'a\\b',
  'C:\\x',
  'line\nbreak',
  '\x1b[31m',
  'x'.repeat(255),
  'x'.repeat(4000),
  ' ',
  '-rf',
  '~',
];
const unusual = fc.constantFrom(
  'real',
  'd',
  'd-',
  'd.',
  '.towline-a-b.tmp',
  '.towline-a-b.old',
  'é',
  '😀',
  '｡',
);
const name: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.constantFrom(...badNames),
  fc.constantFrom(...oddNames),
  { weight: 3, arbitrary: unusual },
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
);
const uint32 = fc.oneof(fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1), fc.nat());
const mode = fc.oneof(
  fc.constantFrom(
    0o100644,
    0o040755,
    0o120777,
    0o020600,
    0o060600,
    0o010644,
    0o140777,
    0,
    0o644,
    2 ** 32 - 1,
  ),
  fc.nat({ max: 2 ** 32 - 1 }),
);
const attributes: fc.Arbitrary<Attributes> = fc.record(
  {
    // As a client reads it: what a server means as -1 is 2^64 - 1.
    size: fc.oneof(fc.constantFrom(-1, 2 ** 53, Number.MAX_VALUE), fc.nat()).map((size) => Math.trunc(size)),
    mode,
    uid: uint32,
    gid: uint32,
    atime: uint32,
    mtime: uint32,
  },
  { requiredKeys: [] },
);
const item: fc.Arbitrary<FakeItem> = fc.record({ name, attributes });
const linkText = fc.oneof(
  fc
    .constantFrom('', '/etc/passwd', '../../..', 'nul\0', '\ufffd', 'x'.repeat(5000))
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
);

function expectUsable(path: string): void {
  for (const component of path.split('/'))
    expect([component, nameProblem(component)]).toEqual([component, null]);
  expect(path.isWellFormed()).toBe(true);
}

function expectSound(entry: Entry): void {
  expect(Number.isSafeInteger(entry.size) && entry.size >= 0).toBe(true);
  expect(Number.isSafeInteger(entry.mtimeMs)).toBe(true);
  expect(entry.mode & ~0o7777).toBe(0);
  if (entry.kind === 'symlink') expect(entry.target).toMatch(/^[^\0\ufffd]+$/u);
}

describe('whatever a hostile server says', () => {
  test(
    'a scan yields usable paths in order, sound entries, and says what it left out',
    { timeout: 120_000 },
    async () => {
      const world = fc.record({
        root: fc.array(item, { maxLength: 12 }),
        below: fc.array(item, { maxLength: 6 }),
        link: linkText,
      });
      const runs = { fulfilled: 0, rejected: 0 };
      await fc.assert(
        fc.asyncProperty(world, attributes, async ({ root, below, link }, told) => {
          server.setFaults({
            // A directory that was listed and is none, and such that hold themselves, end somewhere.
            addToListing: (directory) =>
              directory === '/' ? root : directory.split('/').length < 4 ? below : [],
            tellLink: () => link,
            tellAttributes: (path) => (path === '/' || path === '/real' ? undefined : told),
          });
          const [outcome] = await Promise.allSettled([scanAll(storage)]);
          runs[outcome.status]++;
          if (outcome.status === 'rejected') {
            expect(outcome.reason).toBeInstanceOf(TowlineError);
            return;
          }
          let last: string | null = null;
          for (const one of outcome.value) {
            if (one.type === 'failure') {
              expect(one.path).toBe(last);
              continue;
            }
            // What cannot be used is told by its name, and by nothing else.
            if (one.type !== 'skipped') expectUsable(one.path);
            if (one.type === 'entry') expectSound(one.entry);
            const order = last === null || one.type === 'skipped' ? 1 : comparePaths(one.path, last);
            expect(order).toBeGreaterThan(0);
            if (one.type !== 'skipped') last = one.path;
          }
          const found = await storage.observe(outcome.value.map(({ path }) => path));
          for (const seen of found) if (seen !== null && !(seen instanceof TowlineError)) expectSound(seen);
        }),
        { numRuns: 300 },
      );
      // A root that cannot be listed at all is no scan.
      expect(runs.fulfilled).toBeGreaterThan(runs.rejected);
    },
  );

  test('a storage that is told to write such a path refuses, and touches nothing', async () => {
    const folder = freshFolder('asked');
    const root = join(folder, 'root');
    mkdirSync(join(root, 'a'), { recursive: true });
    writeFileSync(join(folder, 'x'), 'outside');
    server.setFaults({});
    const before = { here: treeOf(folder), there: treeOf(server.root), mtimeMs: lstatSync(folder).mtimeMs };
    const local = createLocalStorage({ root, writable: true });
    const entry: Entry = { kind: 'file', size: 7, mtimeMs: 0, mode: 0o644 };
    const part = fc.constantFrom('..', '.', '', 'a', 'nul\0', '\ufffd', 'b');
    const path = fc
      .array(part, { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('/'))
      .filter((text) => text.split('/').some((one) => nameProblem(one) !== null));
    await fc.assert(
      fc.asyncProperty(path, async (bad) => {
        for (const side of [local, storage]) {
          const link = { target: 't', mtimeMs: 0 };
          const codes = await Promise.all([
            codeOf(side.createTemp(bad, tempOf(1))),
            codeOf(side.resumeTemp(bad, tempOf(1), tempOf(2), 0)),
            codeOf(side.makeDirectory(bad, 0o755)),
            codeOf(side.makeSymlink(bad, link, tempOf(1), null)),
            codeOf(side.setMetadata(bad, entry, { mode: 0o777 })),
            codeOf(side.remove(bad, entry)),
            codeOf(side.respell!(bad, 'b', tempOf(1))),
            codeOf(side.respell!('b', bad, tempOf(1))),
            codeOf(side.openSource(bad)),
          ]);
          expect(new Set(codes)).toEqual(new Set(['name']));
          expect(await side.removeTemps([bad])).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
    expect({ here: treeOf(folder), there: treeOf(server.root), mtimeMs: lstatSync(folder).mtimeMs }).toEqual(
      before,
    );
  });
});
