/** The control socket of a running agent: HTTP with JSON over a unix socket that only its owner can open. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { asTowlineError, TowlineError } from '../core/errors.js';
import type { Log } from '../ports.js';
import type { Controllable } from './controllable.js';
import { readJson } from './json-body.js';
import { routeOf } from './routes.js';
import { bindSocket } from './socket-place.js';

/** A request must be complete after this long; its answer may take as long as it takes. */
const requestMs = 10_000;
const connectionsMax = 64;
/** At the end, answers are waited for this long. */
const closeMs = 1_000;

export interface ControlServerOptions {
  /** The pair's state folder, whose lock the caller holds. */
  readonly folder: string;
  readonly control: Controllable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

export interface ControlServer {
  /** Ends waiting requests with an error, and removes the socket. Again does nothing. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Opens the control socket (`GET /status`, `POST /pause`, `/resume`, `/flush`, `/rescan`, `/limit`).
 * @throws `unsupported` when no place takes a socket, `state` when the state folder is open to others
 */
export async function serveControl(options: ControlServerOptions): Promise<ControlServer> {
  const { folder, control, env, log } = options;
  const closing = new AbortController();
  const server = createServer(
    { requestTimeout: requestMs, headersTimeout: requestMs, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      reply(request, response, control, closing.signal).catch((error: unknown) => {
        log.debug('a request on the control socket was cut short', { error: asTowlineError(error).message });
        response.destroy();
      });
    },
  );
  server.maxConnections = connectionsMax;
  const remove = await bindSocket(folder, env, (path) => listen(server, path));
  server.on('error', (error) => log.warn('the control socket failed', { error: error.message }));
  let closed: Promise<void> | null = null;
  const close = async () => {
    closing.abort(new TowlineError('interrupted', 'the agent is stopping'));
    await end(server);
    await remove();
  };
  return { close: () => (closed ??= close()) };
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  control: Controllable,
  closing: AbortSignal,
): Promise<void> {
  const gone = new Promise<void>((resolve) => response.once('close', () => resolve()));
  const answer = await Promise.race([answerTo(request, control), given(response, closing)]);
  // Whoever asked does not listen any more.
  if (answer === null) return;
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    connection: 'close',
    ...answer.headers,
  });
  response.end(text);
  await gone;
}

async function answerTo(request: IncomingMessage, control: Controllable): Promise<Answer> {
  const route = routeOf(request.method ?? '', (request.url ?? '').replace(/\?.*$/s, ''));
  if (typeof route !== 'function') {
    const { status, error, allow } = route;
    return { ...failure(error), status, ...(allow === undefined ? {} : { headers: { allow } }) };
  }
  try {
    await route(control, await readJson(request));
    return { status: 200, body: await control.status() };
  } catch (error) {
    return failure(asTowlineError(error));
  }
}

function failure({ code, message }: TowlineError): Answer {
  const status = code === 'configuration' ? 400 : code === 'interrupted' ? 503 : 500;
  return { status, body: { error: { code, message } } };
}

/** What ends the wait for an answer: the agent stops (an error), or whoever asked goes away (`null`). */
function given(response: ServerResponse, closing: AbortSignal): Promise<Answer | null> {
  return new Promise((resolve) => {
    const onClosing = () => resolve(failure(asTowlineError(closing.reason)));
    if (closing.aborted) onClosing();
    closing.addEventListener('abort', onClosing, { once: true });
    response.once('close', () => {
      closing.removeEventListener('abort', onClosing);
      resolve(null);
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function end(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), closeMs);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearTimeout(cut);
}
