/** The hash of a file that has to be read for it, over a link that others use too. */
import { throwIfAborted } from '../core/abort.js';
import { TowlineError } from '../core/errors.js';
import type { Storage } from '../ports.js';
import { ContentHash } from './content-hash.js';
import { Pieces } from './pieces.js';
import type { Throttle } from './throttle.js';

/** Where it lies, and the limit for what comes from there. */
export interface ReadSide {
  readonly storage: Pick<Storage, 'openSource'>;
  readonly throttle: Throttle;
}

/**
 * SHA-256, hex, of a file's content, read no faster than the throttle allows.
 * @throws `changed`, `vanished`, errors of reading, the signal's reason
 */
export async function readHash(
  { storage, throttle }: ReadSide,
  path: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  throwIfAborted(signal);
  const source = await storage.openSource(path);
  try {
    const hash = new ContentHash(null);
    const pieces = new Pieces({ path, throttle, signal }, source, 0);
    try {
      for (let piece = await pieces.next(); piece.length > 0; piece = await pieces.next()) {
        signal.throwIfAborted();
        hash.update(piece.data);
        if (piece.data.length < piece.length) break;
      }
    } finally {
      await pieces.end();
    }
    const state = await source.check();
    if (state === 'same') return hash.digest().digest;
    throw new TowlineError(
      state === 'vanished' ? 'vanished' : 'changed',
      `'${path}' changed while it was read`,
      {
        path,
        hint: 'Ask again when it holds still',
      },
    );
  } finally {
    await source.close();
  }
}
