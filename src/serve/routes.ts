/** What each request on the control socket means. Every answer is the agent's status afterwards. */
import { TowlineError } from '../core/errors.js';
import type { Controllable } from './controllable.js';

/** What is done for a request whose body was read. */
type Operation = (control: Controllable, body: Readonly<Record<string, unknown>>) => Promise<void> | void;

interface Route {
  readonly method: 'GET' | 'POST';
  readonly operation: Operation;
}

const routes: Readonly<Record<string, Route>> = {
  '/status': { method: 'GET', operation: () => undefined },
  '/pause': { method: 'POST', operation: (control) => control.pause() },
  '/resume': {
    method: 'POST',
    operation: (control, { allowDeletes = false, ...more }) => {
      refuseUnknown(more);
      if (typeof allowDeletes !== 'boolean') throw wrong("'allowDeletes' must be true or false");
      return control.resume({ allowDeletes });
    },
  },
  '/flush': { method: 'POST', operation: (control) => control.flush() },
  '/rescan': { method: 'POST', operation: (control) => control.rescan() },
  '/resolve': {
    method: 'POST',
    operation: (control, { path, keep, ...more }) => {
      refuseUnknown(more);
      if (typeof path !== 'string' || path === '') throw wrong("'path' must be a path below the root");
      if (keep !== 'local' && keep !== 'remote' && keep !== 'both')
        throw wrong("'keep' must be local, remote or both");
      return control.resolve(path, keep);
    },
  },
  '/limit': {
    method: 'POST',
    operation: (control, { bwlimit, ...more }) => {
      refuseUnknown(more);
      if (bwlimit !== null && !(typeof bwlimit === 'number' && bwlimit > 0)) {
        throw wrong("'bwlimit' must be a number of KiB/s above 0, or null for no limit");
      }
      control.limit(bwlimit);
    },
  },
};

/** A request that cannot be answered, with the status of HTTP that says so. */
export interface Refusal {
  readonly status: 404 | 405;
  readonly error: TowlineError;
  /** The method that is allowed, for 405. */
  readonly allow?: string;
}

/** The operation a request asks for, or why there is none. */
export function routeOf(method: string, path: string): Operation | Refusal {
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) {
    const known = Object.keys(routes).join(', ');
    return {
      status: 404,
      error: new TowlineError('not-found', `there is no '${path}'; there is ${known}`, { path }),
    };
  }
  if (route.method === method) return route.operation;
  const error = new TowlineError('unsupported', `${path} is asked for with ${route.method}`, { path });
  return { status: 405, error, allow: route.method };
}

function refuseUnknown(more: Readonly<Record<string, unknown>>): void {
  const [name] = Object.keys(more);
  if (name !== undefined) throw wrong(`'${name}' is not known`);
}

function wrong(message: string): TowlineError {
  return new TowlineError('configuration', message);
}
