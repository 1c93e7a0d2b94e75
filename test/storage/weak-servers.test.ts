/** What servers lack, one thing at a time and all together: a push gets there all the same, and a second one is quiet. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sync as push } from '../../src/index.js';
import type { SftpServerOptions } from '../../src/ssh/server/server.js';
import { type EmbeddedPair, embeddedPair, planned, treeOf } from '../support/embedded-pair.js';

function fill(folder: string): void {
  mkdirSync(join(folder, 'dir/inner'), { recursive: true });
  writeFileSync(join(folder, 'dir/inner/file'), 'some text');
  writeFileSync(join(folder, 'script'), '#!/bin/sh\n');
  // More than one packet, and more than what is written at once by servers that take 32 KiB.
  writeFileSync(join(folder, 'large'), 'x'.repeat(700_000));
  symlinkSync('dir/inner', join(folder, 'link'));
  for (const [path, mode] of [
    ['script', 0o775],
    ['dir', 0o775],
    ['dir/inner', 0o700],
    ['dir/inner/file', 0o640],
  ] as const) {
    chmodSync(join(folder, path), mode);
  }
  for (const path of ['script', 'large', 'dir/inner/file'])
    utimesSync(join(folder, path), 1_600_000_000, 1_600_000_000);
}

async function expectQuiet(pair: EmbeddedPair): Promise<void> {
  expect(await planned(pair)).toEqual([]);
  expect(await push(pair.options)).toMatchObject({ transferred: 0, failed: 0, bytesSent: 0, problems: [] });
}

const servers: [string, Partial<SftpServerOptions>][] = [
  [
    'without posix-rename',
    { extensions: ['fsync@openssh.com', 'statvfs@openssh.com', 'lsetstat@openssh.com'] },
  ],
  ['without fsync', { extensions: ['posix-rename@openssh.com'] }],
  ['without any extension', { extensions: [] }],
  ['that refuses SETSTAT', { faults: { noSetstat: true } }],
  ['that refuses SETSTAT and has a umask', { faults: { noSetstat: true, umask: 0o077 } }],
  ['with a umask', { faults: { umask: 0o077 } }],
  ['that keeps no bits of the group and others', { faults: { modeMask: 0o700 } }],
  ['that writes in sequence and 32 KiB at most', { faults: { sequentialWritesOnly: true }, extensions: [] }],
  ['that opens nothing for reading and writing', { faults: { refuseReadWriteOpens: true } }],
  ['that works out of order', { faults: { outOfOrder: true } }],
  [
    'with nothing of all that',
    {
      extensions: [],
      faults: {
        noSetstat: true,
        sequentialWritesOnly: true,
        refuseReadWriteOpens: true,
        umask: 0o027,
        foldCase: true,
        normalize: 'NFD',
      },
    },
  ],
];

describe.each(servers)('a server %s', (_, options) => {
  test('is pushed to, and a second push is quiet', async () => {
    const pair = await embeddedPair(options, { delete: true, fsync: true });
    fill(pair.local);
    expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [], transferred: 4 });
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
    await expectQuiet(pair);

    writeFileSync(join(pair.local, 'large'), 'y'.repeat(300_000));
    writeFileSync(join(pair.local, 'dir/inner/file'), 'other text');
    // Fresh, so that they are read once more, and of another second than what the server makes of it.
    const secondAgo = Date.now() / 1000 - 1;
    for (const path of ['large', 'dir/inner/file']) utimesSync(join(pair.local, path), secondAgo, secondAgo);
    renameSync(join(pair.local, 'script'), join(pair.local, 'dir/script'));
    rmSync(join(pair.local, 'link'));
    mkdirSync(join(pair.local, 'link'));
    expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
    await expectQuiet(pair);
  });
});

describe('modes', () => {
  const modesOf = (folder: string) =>
    Object.keys(treeOf(folder))
      .filter((path) => path !== 'link')
      .map((path) => [path, (lstatSync(join(folder, path)).mode & 0o7777).toString(8)]);

  test('are those of the source, whatever the umask of the server is', async () => {
    const pair = await embeddedPair({ faults: { umask: 0o077 } });
    fill(pair.local);
    await push(pair.options);
    expect(modesOf(pair.remote)).toEqual(modesOf(pair.local));
  });

  test('that the server makes something else of are set again when the source changes, and only then', async () => {
    const pair = await embeddedPair({ faults: { modeMask: 0o700 } });
    fill(pair.local);
    await push(pair.options);
    expect(Object.fromEntries(modesOf(pair.remote))).toMatchObject({
      script: '700',
      'dir/inner/file': '600',
    });
    chmodSync(join(pair.local, 'script'), 0o644);
    expect(await planned(pair)).toEqual(['set-metadata script']);
    expect(await push(pair.options)).toMatchObject({ transferred: 0, failed: 0 });
    expect(Object.fromEntries(modesOf(pair.remote))).toMatchObject({ script: '600' });
    await expectQuiet(pair);
  });
});
