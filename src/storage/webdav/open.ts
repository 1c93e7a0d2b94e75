/** From an address to a storage and its link: what whoever puts the parts together calls. */
import type { Clock, Link, Log, Storage } from '../../ports.js';
import { WebdavSession } from './session.js';
import { createWebdavStorage } from './storage.js';
import { parseWebdavTarget } from './target.js';

export interface OpenWebdavOptions {
  /** `http[s]://[USER@]HOST[:PORT]/PATH`. */
  readonly target: string;
  /** Asked for at most once, when the server wants one; `null`: there is none. */
  readonly password: () => Promise<string | null>;
  readonly clock: Clock;
  readonly log: Log;
  /** Failed attempts in a row after which the link is closed; default: never. */
  readonly giveUpAfter?: number;
  /** Further certificate authorities, PEM. */
  readonly ca?: string;
  /** Silence after which a request is given up, ms; default 60 s. */
  readonly silenceMs?: number;
}

export interface OpenedWebdav {
  readonly storage: Storage;
  /** Closing it closes all connections. */
  readonly link: Link;
  /** For people: `https://dev@box/app`. */
  readonly label: string;
}

/**
 * Begins to look for the server; the link says how that goes.
 * @throws `configuration` when the address cannot be read
 */
export function openWebdav({ target: text, ...rest }: OpenWebdavOptions): OpenedWebdav {
  const target = parseWebdavTarget(text);
  const session = new WebdavSession({ target, ...rest });
  const label = `${session.host}${target.path}`;
  const { link } = session;
  return {
    storage: createWebdavStorage(session, label),
    link: {
      get state() {
        return link.state;
      },
      ready: (signal) => link.ready(signal),
      onState: (listener) => link.onState(listener),
      close: () => session.close(),
    },
    label,
  };
}
