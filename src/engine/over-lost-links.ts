import { throwIfAborted } from '../core/abort.js';
import { hasCode } from '../core/errors.js';
import type { Link } from '../ports.js';
import { idleFailuresMax } from './carry-file.js';

/**
 * Begins work again after each loss of the link.
 * @throws what the work rejects with, `network` after a few losses; `interrupted`
 */
export async function overLostLinks<T>(
  link: Pick<Link, 'ready'>,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      throwIfAborted(signal);
      if (!hasCode(error, 'network') || failures >= idleFailuresMax) throw error;
      await link.ready(signal);
    }
  }
}
