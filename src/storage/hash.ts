/** The hash of a file on a side that can only be read. */
import { createHash } from 'node:crypto';
import { throwIfAborted } from '../core/abort.js';
import { hasCode, TowlineError } from '../core/errors.js';
import type { Source } from '../ports.js';

const pieceBytes = 1024 * 1024;

/**
 * SHA-256 of a source's content, hex; closes the source.
 * @throws `changed` or `vanished` when it did not hold still; `interrupted`; errors of reading
 */
export async function hashSource(source: Source, path: string, signal?: AbortSignal): Promise<string> {
  try {
    const hash = createHash('sha256');
    for (let offset = 0; ;) {
      throwIfAborted(signal);
      // One byte more than there should be, to see the end.
      const length = Math.min(pieceBytes, Math.max(source.entry.size - offset, 0) + 1);
      const piece = await source.read(offset, length);
      hash.update(piece);
      offset += piece.length;
      if (piece.length < length) break;
    }
    const state = await source.check();
    if (state === 'same') return hash.digest('hex');
    const code = state === 'vanished' ? 'vanished' : 'changed';
    throw new TowlineError(code, `${path} changed while its hash was computed`, { path });
  } finally {
    await source.close();
  }
}

/**
 * `Storage.hashInPlace` of a side whose contents are here: one file after the other is read.
 * @throws the signal's reason
 */
export async function hashEach(
  files: readonly { readonly path: string; readonly length?: number }[],
  open: (path: string) => Source | Promise<Source>,
  signal?: AbortSignal,
): Promise<(string | null)[]> {
  const hashes: (string | null)[] = [];
  for (const { path, length } of files) {
    throwIfAborted(signal);
    hashes.push(await hashPrefix(path, length, open, signal));
  }
  return hashes;
}

/** `null` when the file cannot be read, changes meanwhile or is shorter than `length`. */
async function hashPrefix(
  path: string,
  length: number | undefined,
  open: (path: string) => Source | Promise<Source>,
  signal?: AbortSignal,
): Promise<string | null> {
  try {
    const source = await open(path);
    if (length === undefined) return await hashSource(source, path, signal);
    try {
      const hash = createHash('sha256');
      for (let offset = 0; offset < length;) {
        throwIfAborted(signal);
        const piece = await source.read(offset, Math.min(pieceBytes, length - offset));
        if (piece.length === 0) return null;
        hash.update(piece);
        offset += piece.length;
      }
      return hash.digest('hex');
    } finally {
      await source.close();
    }
  } catch (error) {
    throwIfAborted(signal);
    if (hasCode(error, 'interrupted', 'internal')) throw error;
    return null;
  }
}
