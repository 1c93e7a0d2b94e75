/** The hash of a file on a side that can only be read. */
import { createHash } from 'node:crypto';
import { TowlineError } from '../core/errors.js';
import type { Source } from '../ports.js';
import { throwIfAborted } from './checked.js';

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
      const piece = await source.read(offset, pieceBytes);
      hash.update(piece);
      offset += piece.length;
      if (piece.length < pieceBytes) break;
    }
    const state = await source.check();
    if (state === 'same') return hash.digest('hex');
    const code = state === 'vanished' ? 'vanished' : 'changed';
    throw new TowlineError(code, `${path} changed while its hash was computed`, { path });
  } finally {
    await source.close();
  }
}
