import { createRequire } from 'node:module';

/**
 * Whether ssh2's native crypto works in this process. Without it ssh2 goes on in plain JavaScript at a fraction of the
 * speed, and says nothing. True only for a binding built for the Node that runs.
 */
export function nativeCryptoActive(): boolean {
  const internals: unknown = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js');
  return (
    typeof internals === 'object' &&
    internals !== null &&
    'bindingAvailable' in internals &&
    internals.bindingAvailable === true
  );
}
