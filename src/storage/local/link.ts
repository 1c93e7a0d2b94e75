/** The link to a folder of this machine: always there. */
import { TowlineError } from '../../core/errors.js';
import type { Link, LinkState } from '../../ports.js';

/** Ready from the start until it is closed. */
export function createLocalLink(label: string): Link {
  const listeners = new Set<(state: LinkState) => void>();
  let state: LinkState = { name: 'ready', epoch: 1 };
  return {
    get state() {
      return state;
    },
    ready: async (signal) => {
      if (signal?.aborted === true)
        throw new TowlineError('interrupted', 'stopped', { cause: signal.reason });
      if (state.name !== 'ready')
        throw new TowlineError('network', `${label} was closed by us`, { host: label });
      return Promise.resolve();
    },
    onState: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      if (state.name !== 'ready') return;
      state = { name: 'closed' };
      for (const listener of [...listeners]) listener(state);
      return Promise.resolve();
    },
  };
}
