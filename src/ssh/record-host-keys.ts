import type { Link, Log } from '../ports.js';
import type { Identity } from './identity.js';

/**
 * Writes a host key that was accepted down once the connection is ready.
 * @returns ends that; resolves when what was begun is written
 */
export function recordHostKeys(link: Link, identity: Identity, log: Log): () => Promise<void> {
  let recording: Promise<void> = Promise.resolve();
  const record = async () => {
    try {
      await identity.accepted();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.warn('the host key could not be written to known_hosts', { error: text });
    }
  };
  const forget = link.onState((state) => {
    if (state.name === 'ready') recording = recording.then(record);
  });
  return async () => {
    forget();
    await recording;
  };
}
