import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireRsync } from '../../src/rsync/installed.js';
import { freshFolder } from '../support/folder.js';

/** A PATH with nothing but an `rsync` that runs this script. */
function pathWith(script: string | null): { PATH: string } {
  const folder = freshFolder('path');
  if (script !== null) {
    writeFileSync(join(folder, 'rsync'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'rsync'), 0o755);
  }
  return { PATH: folder };
}

test('the one of this machine will do', async () => {
  await requireRsync('pull', process.env);
});

test.each([
  ['rsync  version 3.2.7  protocol version 31', 'pull'],
  ['rsync  version v3.2.5  protocol version 31', 'pull'],
  ['rsync  version 4.0.0  protocol version 40', 'pull'],
  ['rsync  version 3.1.0  protocol version 31', 'push'],
] as const)('%s will do for a %s', async (version, way) => {
  await requireRsync(way, pathWith(`echo '${version}'`));
});

test.each([
  [
    'rsync  version 3.2.4  protocol version 31',
    'pull',
    /Install rsync 3\.2\.5 or newer.*outside of the folder/,
  ],
  ['rsync  version 3.0.9  protocol version 30', 'push', /Install rsync 3\.1\.0 or newer/],
  [
    'openrsync: protocol version 29\nrsync version 2.6.9 compatible',
    'push',
    /it says 'rsync version 2\.6\.9/,
  ],
  ['hello', 'push', /it says 'hello'/],
] as const)('%s will not do for a %s', async (version, way, message) => {
  const refused = requireRsync(way, pathWith(`echo '${version}'`));
  await expect(refused).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(message),
  });
});

test('none at all, and one that does not run', async () => {
  await expect(requireRsync('push', pathWith(null))).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('apt install rsync'),
  });
  await expect(requireRsync('push', pathWith('exit 3'))).rejects.toMatchObject({ code: 'unsupported' });
});
