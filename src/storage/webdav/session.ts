/** Who we are to a server, and whether it answers: the way from a target to requests that are let in. */
import { unlessAborted } from '../../core/abort.js';
import { TowlineError } from '../../core/errors.js';
import type { Clock, Log } from '../../ports.js';
import { createAgents, type Agents } from './agents.js';
import type { Answer } from './answer.js';
import { statusFailure } from './failures.js';
import { Http, type HttpOptions, type Login, type Request } from './http.js';
import { ProbingLink } from './link.js';
import type { WebdavTarget } from './target.js';
import { RootedUrls } from './urls.js';

export interface SessionOptions {
  readonly target: WebdavTarget;
  /** Asked when the server wants one, once; `null`: there is none. */
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

/** A server, and what is known of it. */
export class WebdavSession {
  /** `https://[user@]host[:port]`, for people. */
  readonly host: string;
  readonly urls: RootedUrls;
  readonly clock: Clock;
  readonly link: ProbingLink;
  readonly #options: SessionOptions;
  readonly #agents: Agents;
  readonly #http: HttpOptions;
  #let: Http | null = null;
  #password: Promise<string | null> | null = null;
  #offset: { readonly leastMs: number; readonly mostMs: number } | null = null;

  constructor(options: SessionOptions) {
    const { target, clock, log, ca, giveUpAfter } = options;
    this.#options = options;
    this.clock = clock;
    this.urls = new RootedUrls(target);
    this.host = hostLabel(target);
    this.#agents = createAgents(target, ca);
    this.#http = {
      host: this.host,
      origin: this.urls.aboveRoot(0),
      agents: this.#agents,
      clock,
      silenceMs: options.silenceMs ?? 60_000,
      // The Date header is cut to whole seconds.
      dated: (serverMs, beforeMs, afterMs) => {
        this.#offset = { leastMs: serverMs - afterMs, mostMs: serverMs + 1000 - beforeMs };
      },
    };
    this.link = new ProbingLink({
      label: this.host,
      probe: (signal) => this.#enter(signal),
      clock,
      log,
      ...(giveUpAfter === undefined ? {} : { giveUpAfter }),
    });
  }

  /** The server's clock minus ours by its last answer, ms; 0 when nothing says that they differ. */
  get clockOffsetMs(): number {
    if (this.#offset === null) return 0;
    const { leastMs, mostMs } = this.#offset;
    return leastMs <= 0 && mostMs >= 0 ? 0 : (leastMs + mostMs) / 2;
  }

  /**
   * Sends a request of the storage; resolves with the answer whatever its status, but 401: whether that is a nonce that
   * grew old in the middle of something or a password that is no longer right shows in the probe that follows.
   * @throws `network` (and the link is probed again), `host-key`, `protocol`, `interrupted`
   */
  async send(request: Request): Promise<Answer> {
    if (this.link.state.name !== 'ready' || this.#let === null) throw this.link.unavailable();
    try {
      const answer = await this.#let.send(request);
      if (answer.status !== 401) return answer;
      await answer.drain();
      throw new TowlineError('network', `${this.host} asked for the password anew`, { host: this.host });
    } catch (error) {
      this.noteFailure(error);
      throw error;
    }
  }

  /** What concerns the server as a whole makes the link look at it again. */
  noteFailure(error: unknown): void {
    if (error instanceof TowlineError && ['network', 'host-key'].includes(error.code)) {
      this.link.lost(error);
    }
  }

  async close(): Promise<void> {
    await this.link.close();
    this.#agents.destroy();
  }

  /** Finds out how to be let in, and whether the server speaks WebDAV there. */
  async #enter(signal: AbortSignal): Promise<void> {
    const plain = new Http(this.#http, null);
    const first = await this.#knock(plain, signal);
    let http = plain;
    let answer = first;
    if (first.status === 401) {
      http = new Http(this.#http, await this.#login(first.header('www-authenticate') ?? '', signal));
      answer = await this.#knock(http, signal);
    }
    const attempt = { action: 'look at', path: this.#options.target.path, host: this.host };
    // No folder there yet is an answer all the same.
    if (answer.status === 404 || answer.status === 409) this.#let = http;
    else if (answer.status === 207) this.#let = http;
    else if (answer.ok || answer.status === 405 || answer.status === 501) {
      throw new TowlineError('configuration', `${this.host}${attempt.path} does not speak WebDAV`, {
        host: this.host,
        hint: 'Check the address: many servers serve WebDAV below a path of its own',
      });
    } else throw statusFailure(attempt, answer.status);
  }

  async #knock(http: Http, signal: AbortSignal): Promise<Answer> {
    const answer = await http.send({
      method: 'PROPFIND',
      url: this.urls.directory(''),
      headers: { Depth: '0' },
      signal,
    });
    await answer.drain();
    return answer;
  }

  /** @param challenge the WWW-Authenticate header */
  async #login(challenge: string, signal: AbortSignal): Promise<Login> {
    const { target, password: ask } = this.#options;
    const refuse = (what: string, hint: string) =>
      new TowlineError('authentication', `${this.host} ${what}`, { host: this.host, hint });
    if (target.user === null) {
      throw refuse('wants to know who we are', 'Put the user into the address: https://USER@HOST/PATH');
    }
    this.#password ??= ask();
    // A command that is to print it may take minutes.
    const password = await unlessAborted(this.#password, signal);
    if (password === null) throw refuse('wants a password', 'Use --password-file or TOWLINE_PASSWORD');
    if (/(^|,\s*)digest\s/i.test(challenge)) return { scheme: 'digest', user: target.user, password };
    if (/(^|,\s*)basic\b/i.test(challenge)) return { scheme: 'basic', user: target.user, password };
    throw refuse('wants a way of logging in other than basic or digest', 'Ask its owner for an app password');
  }
}

function hostLabel({ scheme, user, host, port }: WebdavTarget): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  const usual = port === (scheme === 'https' ? 443 : 80);
  return `${scheme}://${user === null ? '' : `${user}@`}${shown}${usual ? '' : `:${String(port)}`}`;
}
