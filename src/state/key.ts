/**
 * Paths as database keys: the UTF-8 bytes with `/` taken as NUL. SQLite compares BLOBs by bytes, so that `ORDER BY key`
 * is exactly `comparePaths`, and all that lies below a directory is one range.
 */

/** The key of a path. */
export function keyOf(path: string): Buffer {
  return Buffer.from(path.replaceAll('/', '\0'));
}

/** The path of a key. */
export function pathOf(key: Buffer): string {
  return key.toString('utf8').replaceAll('\0', '/');
}

/**
 * The keys below a directory (`''`: all but the root itself): those greater than `after` and less than `before`.
 */
export function rangeBelow(directory: string): { after: Buffer; before: Buffer } {
  // No byte of UTF-8 is 0xff.
  if (directory === '') return { after: Buffer.alloc(0), before: Buffer.from([0xff]) };
  const key = keyOf(directory);
  return { after: Buffer.concat([key, Buffer.from([0])]), before: Buffer.concat([key, Buffer.from([1])]) };
}
