/** The connections to one server: kept open, bounded in number, and to nobody else. */
import * as http from 'node:http';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import { TowlineError } from '../../core/errors.js';
import type { WebdavTarget } from './target.js';

/** Connections at once, at most. */
const socketsMax = 24;

export interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
  /** Closes them all. */
  destroy(): void;
}

type Created = (error: Error | null, socket: Duplex) => void;

/**
 * Agents that connect to the target's host and port only: the HTTP client follows redirects, and neither a file nor a
 * password is for the server that another one names.
 * @param ca further certificate authorities, PEM
 */
export function createAgents({ host, port }: WebdavTarget, ca?: string): Agents {
  const check = (options: http.ClientRequestArgs) => {
    if (options.host === host && Number(options.port) === port) return;
    throw new TowlineError(
      'protocol',
      `${host} sends us on to ${options.host ?? 'another server'}:${String(options.port)}, which was not asked for`,
      { host, hint: 'If that is the right server, use its address' },
    );
  };
  class BoundHttp extends http.Agent {
    override createConnection(options: http.ClientRequestArgs, callback?: Created) {
      check(options);
      return super.createConnection(options, callback);
    }
  }
  class BoundHttps extends https.Agent {
    override createConnection(options: http.ClientRequestArgs, callback?: Created) {
      check(options);
      return super.createConnection(options, callback);
    }
  }
  const options = { keepAlive: true, maxSockets: socketsMax, scheduling: 'lifo' } as const;
  const agents = {
    http: new BoundHttp(options),
    https: new BoundHttps({ ...options, ...(ca === undefined ? undefined : { ca }) }),
  };
  return {
    ...agents,
    destroy: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
