import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, push } from '../support/towline.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

test('--bwlimit holds for all files together, large and small', async () => {
  const pair = freshPair(sshd);
  const large = randomBytes(2 ** 20);
  writeFileSync(join(pair.local, 'large'), large);
  for (let index = 0; index < 64; index++) {
    writeFileSync(join(pair.local, `small-${String(index)}`), randomBytes(2 ** 14));
  }
  const startedMs = performance.now();
  expect(await push(pair, ['--bwlimit', '512'])).toMatchObject({
    code: 0,
    transferred: 65,
    bytesSent: 2 ** 21,
  });
  // Two MiB at half a MiB per second, less what may be ahead.
  expect(performance.now() - startedMs).toBeGreaterThan(3500);
  const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex');
  expect(hash(readFileSync(join(pair.remote, 'large')))).toBe(hash(large));
});
