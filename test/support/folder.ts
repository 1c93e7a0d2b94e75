import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh empty folder (real path), removed with everything else at the end of the run. */
export function freshFolder(name = 'case'): string {
  return realpathSync(mkdtempSync(join(process.env.TOWLINE_TEST_FOLDER ?? tmpdir(), `${name}-`)));
}
