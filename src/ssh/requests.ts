import { asTowlineError, type TowlineError } from '../core/errors.js';
import type { ReplyDeadline } from './reply-deadline.js';
import { statusError, statusOf } from './status.js';

/** How ssh2 answers: an error (with the SFTP status as its `code`), or what was asked for. */
export type Done<T> = (error: Error | null | undefined, value: T) => void;

/** What a request is about, for messages: `cannot <operation> <path>`. */
export interface Subject {
  readonly operation: string;
  readonly path: string | undefined;
  /** The server may take long over it. */
  readonly slow?: boolean;
}

/** A request about a path. */
export function about(operation: string, path: string): Subject {
  return { operation, path };
}

interface Pending {
  readonly slow: boolean;
  readonly reject: (error: TowlineError) => void;
}

/**
 * The requests of one channel that are not answered yet. ssh2 forgets those that were under way when a channel or a
 * connection dies, and drops those sent afterwards, without a word: so they are kept here, and rejected from here.
 */
export class Requests {
  readonly #host: string;
  readonly #deadline: ReplyDeadline;
  readonly #lost: () => void;
  readonly #pending = new Set<Pending>();
  #failure: TowlineError | null = null;

  /** @param lost called when ssh2 reports a request unanswered: the channel is gone, or its stream makes no sense */
  constructor(host: string, deadline: ReplyDeadline, lost: () => void) {
    this.#host = host;
    this.#deadline = deadline;
    this.#lost = lost;
  }

  /** Why all requests are refused, or `null`. */
  get failure(): TowlineError | null {
    return this.#failure;
  }

  /** Sends a request through `start` before it returns, and settles with its answer. */
  send<T>(subject: Subject, start: (done: Done<T>) => void): Promise<T> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      const pending: Pending = { slow: subject.slow === true, reject };
      this.#pending.add(pending);
      this.#deadline.sent(pending.slow);
      try {
        start((error, value) => {
          if (error) this.#refused(pending, error, subject);
          else if (this.#take(pending)) resolve(value);
        });
      } catch (error) {
        // ssh2 checks arguments before it sends.
        if (this.#take(pending)) reject(asTowlineError(error));
      }
    });
  }

  /** Rejects all that is under way and all that comes. Only the first call counts. */
  fail(error: TowlineError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#deadline.stop();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const one of pending) one.reject(error);
  }

  #refused(pending: Pending, error: Error, subject: Subject): void {
    const status = statusOf(error);
    if (status === null) {
      this.#lost();
    } else if (this.#take(pending)) {
      pending.reject(statusError(status, error.message, subject.operation, subject.path, this.#host));
    }
  }

  /** False when it was settled before. */
  #take(pending: Pending): boolean {
    if (!this.#pending.delete(pending)) return false;
    this.#deadline.replied(pending.slow);
    return true;
  }
}
