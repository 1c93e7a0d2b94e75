import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { ScanRequest } from '../../src/ports.js';
import { MemoryPair } from './memory-pair.js';

/** More than one portion of work. */
const files = 600;

test('what a scan did before the link went is counted too', async () => {
  const pair = new MemoryPair();
  for (let i = 0; i < files; i++) pair.local.edit.write(`f${String(i)}`, 'content');
  // The last of all paths: what is before it is compared before more of this side is asked for.
  pair.remote.edit.write('z', 'only there');
  const scan = pair.remote.scan.bind(pair.remote);
  let scans = 0;
  Object.assign(pair.remote, {
    async *scan(request: ScanRequest) {
      yield* scan(request);
      if (++scans === 1) throw new TowlineError('network', 'the link went');
    },
  });
  const { result } = await pair.run({ mode: 'push', delete: false });
  expect(scans).toBe(2);
  expect(result).toMatchObject({ transferred: files, failed: 0, bytesSent: files * 'content'.length });
});
