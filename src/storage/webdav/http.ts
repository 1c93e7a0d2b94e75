/** Sends requests to one server, each with a deadline that runs from the last sign of life. */
import type { Readable } from 'node:stream';
import { AuthType, createClient, type Response, type WebDAVClient } from 'webdav';
import { throwIfAborted } from '../../core/abort.js';
import { TowlineError } from '../../core/errors.js';
import type { Clock } from '../../ports.js';
import type { Agents } from './agents.js';
import { Answer } from './answer.js';
import { systemCodeOf, transportFailure } from './failures.js';

export interface Request {
  readonly method: string;
  /** Absolute, and encoded already. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | Readable;
  readonly signal?: AbortSignal | undefined;
}

/** How the server wants to be told who we are. */
export interface Login {
  readonly scheme: 'basic' | 'digest';
  readonly user: string;
  readonly password: string;
}

export interface HttpOptions {
  /** For people. */
  readonly host: string;
  readonly origin: string;
  readonly agents: Agents;
  readonly clock: Clock;
  /** Silence after which a request is given up, ms. */
  readonly silenceMs: number;
  /** Hears when the server's clock was read: its time, and ours before and after. */
  readonly dated: (serverMs: number, beforeMs: number, afterMs: number) => void;
}

/** What can be sent twice without harm. */
const harmless: readonly string[] = ['PROPFIND', 'OPTIONS', 'GET', 'HEAD'];
/** The server closed a connection that was kept open, just as we used it again. */
const staleConnection: readonly (string | null)[] = ['ECONNRESET', 'EPIPE'];

/** The requests of one login. */
export class Http {
  readonly #options: HttpOptions;
  readonly #client: WebDAVClient;

  /** @param login `null`: without a name */
  constructor(options: HttpOptions, login: Login | null) {
    this.#options = options;
    const { agents, origin } = options;
    // Lengths and ranges are those of the file itself.
    const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
    // As UTF-8 (RFC 7617, section 2.1); the package knows Latin-1 only.
    if (login?.scheme === 'basic') {
      headers.Authorization = `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
    }
    const digest = login?.scheme === 'digest' ? { username: login.user, password: login.password } : null;
    this.#client = createClient(origin, {
      httpAgent: agents.http,
      httpsAgent: agents.https,
      headers,
      authType: digest === null ? AuthType.None : AuthType.Digest,
      ...digest,
    });
  }

  /**
   * Sends it, and resolves with the answer whatever its status.
   * @throws `network`, `host-key` (its certificate), `protocol` (it sends us to another server), `interrupted`
   */
  async send(request: Request): Promise<Answer> {
    try {
      return await this.#sendOnce(request);
    } catch (error) {
      const { cause } = error instanceof Error ? error : { cause: null };
      const again = harmless.includes(request.method) && staleConnection.includes(systemCodeOf(cause));
      if (!again) throw error;
      return this.#sendOnce(request);
    }
  }

  async #sendOnce(request: Request): Promise<Answer> {
    const { clock, dated, host } = this.#options;
    throwIfAborted(request.signal);
    const watch = new Watch(this.#options, request);
    const beforeMs = clock.now();
    try {
      const response = await this.#fetch(request, watch.signal);
      watch.sign();
      const serverMs = Date.parse(response.headers.get('date') ?? '');
      if (!Number.isNaN(serverMs)) dated(serverMs, beforeMs, clock.now());
      return new Answer(
        response,
        host,
        () => watch.sign(),
        () => watch.end(),
      );
    } catch (error) {
      watch.end();
      throwIfAborted(request.signal);
      throw watch.failure ?? transportFailure(host, error);
    }
  }

  async #fetch(request: Request, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#client.customRequest('/', {
        method: request.method,
        url: request.url,
        headers: { ...request.headers },
        signal,
        ...(request.body === undefined ? undefined : { data: request.body }),
      });
    } catch (error) {
      // The package throws an answer above 399.
      const response: unknown = error instanceof Error && 'response' in error ? error.response : null;
      if (isResponse(response)) return response;
      throw error;
    }
  }
}

function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value;
}

/** Gives a request up when nothing is heard of it, or when its caller does. */
class Watch {
  readonly #controller = new AbortController();
  readonly #options: HttpOptions;
  readonly #request: Request;
  readonly #giveUp = () => this.#controller.abort();
  readonly #sent = () => this.sign();
  #cancel: () => void = () => undefined;
  /** Why we gave it up, if it was us. */
  failure: TowlineError | null = null;

  constructor(options: HttpOptions, request: Request) {
    this.#options = options;
    this.#request = request;
    request.signal?.addEventListener('abort', this.#giveUp, { once: true });
    // Whatever is taken out of an upload's stream went on its way: a slow link is not a dead link.
    if (isStream(request.body)) request.body.on('data', this.#sent).pause();
    this.sign();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something was heard. */
  sign(): void {
    const { clock, silenceMs } = this.#options;
    this.#cancel();
    this.#cancel = clock.timer(silenceMs, () => this.#expire());
  }

  end(): void {
    this.#cancel();
    this.#request.signal?.removeEventListener('abort', this.#giveUp);
    if (isStream(this.#request.body)) this.#request.body.off('data', this.#sent);
  }

  #expire(): void {
    const { host, silenceMs } = this.#options;
    this.failure = new TowlineError(
      'network',
      `${host} did not answer for ${String(Math.round(silenceMs / 1000))} seconds`,
      { host },
    );
    this.#controller.abort();
  }
}

function isStream(body: Request['body']): body is Readable {
  return typeof body === 'object' && !Buffer.isBuffer(body);
}
