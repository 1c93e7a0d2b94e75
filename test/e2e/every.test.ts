import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { startSshd } from '../support/sshd.js';
import { freshPair, towlineFile } from '../support/towline.js';

test('--every goes on over a server that is away for a while, and ends when asked to', async () => {
  const sshd = await startSshd();
  const pair = freshPair(sshd);
  const child = spawn(
    process.execPath,
    [towlineFile, 'push', pair.local, pair.target, ...pair.flags, '--json', '--every', '1s'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const objects: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    objects.push(JSON.parse(line) as Record<string, unknown>);
  });
  const seen = (test: (object: Record<string, unknown>) => boolean) =>
    eventually(() => expect(objects.some(test)).toBe(true));
  await seen(({ transferred }) => transferred === 0);
  await sshd.stop();
  await seen(({ error }) => (error as { code?: string } | undefined)?.code === 'network');
  writeFileSync(join(pair.local, 'a'), '1');
  await sshd.restart();
  await seen(({ transferred }) => transferred === 1);
  expect(existsSync(join(pair.remote, 'a'))).toBe(true);
  child.kill('SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
  await sshd.stop();
});
