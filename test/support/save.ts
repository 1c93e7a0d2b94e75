import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

let saves = 0;

/**
 * Writes a file, and makes the directories above it that are missing.
 * @param seconds its time, since 1970. Default: another one for each save, so that it shows at once; all of them long ago
 */
export function save(
  root: string,
  path: string,
  data: string | Buffer,
  seconds = 1_700_000_000 + ++saves * 10,
): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, data);
  utimesSync(file, seconds, seconds);
}
