/** The link to a folder of this machine: always there. */
import { LinkStates } from '../../core/link-states.js';
import type { Link } from '../../ports.js';

/** Ready from the start until it is closed. */
export function createLocalLink(label: string): Link {
  const states = new LinkStates(label, { name: 'ready', epoch: 1 });
  return {
    get state() {
      return states.now;
    },
    ready: (signal) => states.ready(signal),
    onState: (listener) => states.onState(listener),
    close: async () => {
      states.close();
      return Promise.resolve();
    },
  };
}
