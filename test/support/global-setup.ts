import { rm } from 'node:fs/promises';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives the whole run one folder for all it makes (servers, trees, state) and removes it at the end. */
export function setup(): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'towline-test-'));
  process.env.TOWLINE_TEST_FOLDER = folder;
  return () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
