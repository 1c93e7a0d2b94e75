/** What agents that died left on the server, and nobody has on record any more. */
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSshd } from '../support/sshd.js';
import { freshPair, push } from '../support/towline.js';

test('temps and locks of other agents go when they are old, wherever they lie; younger ones stay', async () => {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  const pair = freshPair(sshd);
  for (const root of [pair.local, pair.remote]) mkdirSync(join(root, 'sub'));
  const put = (name: string, days: number) => {
    const at = Date.now() / 1000 - days * 24 * 60 * 60;
    for (const folder of ['', 'sub']) {
      const file = join(pair.remote, folder, name);
      writeFileSync(file, 'left');
      utimesSync(file, at, at);
    }
  };
  put('.towline-another-1abc.tmp', 8);
  put('.towline-0123456789abcdef.lock', 8);
  put('.towline-another-2abc.tmp', 6);
  put('.towline-fedcba9876543210.lock', 6);
  put('.towline-of-a-user', 8);

  expect(await push(pair)).toMatchObject({ code: 0, deleted: 0 });
  const left = ['.towline-another-2abc.tmp', '.towline-fedcba9876543210.lock', '.towline-of-a-user'];
  expect(readdirSync(pair.remote).sort()).toEqual([...left, 'sub'].sort());
  expect(readdirSync(join(pair.remote, 'sub')).sort()).toEqual(left.sort());
});
