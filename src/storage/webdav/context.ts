/** What all parts of the storage share. */
import type { Capabilities } from '../../ports.js';
import type { Answer } from './answer.js';
import { type Attempt, statusFailure } from './failures.js';
import type { Request } from './http.js';
import type { WebdavSession } from './session.js';
import type { RootedUrls } from './urls.js';

/** How modification times can be set; `null`: not at all. */
export interface TimeSetters {
  /** By the header `X-OC-Mtime` of PUT. */
  readonly put: boolean;
  /** The property that PROPPATCH sets. */
  readonly patch: 'getlastmodified' | 'lastmodified' | null;
}

/** What a server turned out to do beyond what every server does. */
export interface Abilities {
  readonly times: TimeSetters;
  /** PUT with `If-None-Match: *` refuses to replace. */
  readonly exclusivePut: boolean;
  /** It tells how much space is left. */
  readonly space: boolean;
}

/** What is safe to assume of a server that was not tried. */
export const leastAbilities: Abilities = {
  times: { put: false, patch: null },
  exclusivePut: false,
  space: false,
};

/** One storage's session and memory. */
export class WebdavContext {
  readonly session: WebdavSession;
  abilities: Abilities = leastAbilities;
  /** Under way, or over; `null`: nobody tried yet, or it failed with the link. */
  tried: Promise<void> | null = null;
  /** The server mixes what it does not know into its answers: it is asked for all it has instead. */
  asksForAll = false;

  constructor(session: WebdavSession) {
    this.session = session;
  }

  get urls(): RootedUrls {
    return this.session.urls;
  }

  get host(): string {
    return this.session.host;
  }

  get capabilities(): Capabilities {
    const { put, patch } = this.abilities.times;
    return {
      // RFC 4918 lets MOVE delete what it replaces first, and servers do: the gap is theirs, and short.
      atomicReplace: false,
      symlinks: false,
      symlinkTimes: false,
      modes: false,
      times: put || patch !== null,
      fsync: false,
      space: this.abilities.space,
      resume: false,
      locks: false,
      timeGranularityMs: 1000,
    };
  }

  /** The words for a failure of `action` at this path of the tree. */
  attempt(action: string, path: string): Attempt {
    return {
      action,
      path: `/${[...this.urls.root, ...(path === '' ? [] : [path])].join('/')}`,
      host: this.host,
    };
  }

  /**
   * Sends a request whose answer's body does not matter, and resolves with its status when that is below 300 or in
   * `accepted`.
   * @throws what any other status means; what `WebdavSession.send` throws
   */
  async command(attempt: Attempt, request: Request, accepted: readonly number[] = []): Promise<number> {
    const answer = await this.session.send(request);
    await answer.drain();
    if (answer.ok || accepted.includes(answer.status)) return answer.status;
    throw this.refused(attempt, answer);
  }

  /** The failure this answer is. */
  refused(attempt: Attempt, answer: Answer): Error {
    const error = statusFailure(attempt, answer.status);
    this.session.noteFailure(error);
    return error;
  }
}
