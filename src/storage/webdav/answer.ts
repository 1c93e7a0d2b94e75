/** What a server answered: status and headers, and a body that is read within a bound. */
import { Readable } from 'node:stream';
import type { Response } from 'webdav';
import { TowlineError } from '../../core/errors.js';
import { transportFailure } from './failures.js';

/** An answer whose body is still to be read: one of `bytes`, `text` and `drain` has to be called. */
export class Answer {
  readonly status: number;
  readonly #response: Response;
  readonly #host: string;
  readonly #read: () => void;
  readonly #ended: () => void;

  /**
   * @param read called whenever some of the body came
   * @param ended called once when nothing more is to come
   */
  constructor(response: Response, host: string, read: () => void, ended: () => void) {
    this.status = response.status;
    this.#response = response;
    this.#host = host;
    this.#read = read;
    this.#ended = ended;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  header(name: string): string | null {
    return this.#response.headers.get(name);
  }

  /**
   * The body from `skip` on, `length` bytes at most; what comes behind is not waited for.
   * @throws `network` when it ends before the server said it would
   */
  async bytes(length: number, skip = 0): Promise<Buffer> {
    const parts: Buffer[] = [];
    let passed = 0;
    let kept = 0;
    await this.#each((part) => {
      const wanted = part.subarray(Math.max(0, skip - passed)).subarray(0, length - kept);
      passed += part.length;
      kept += wanted.length;
      if (wanted.length > 0) parts.push(wanted);
      // Up to the end where nothing more is to come: only then can the connection be used again.
      return passed <= skip + length;
    });
    return Buffer.concat(parts, kept);
  }

  /**
   * The whole body as UTF-8.
   * @throws `protocol` when it is longer than `bytesMax`; `network`
   */
  async text(bytesMax: number): Promise<string> {
    const bytes = await this.bytes(bytesMax + 1);
    if (bytes.length <= bytesMax) return bytes.toString('utf8');
    throw new TowlineError('protocol', `${this.#host} answered with more than ${String(bytesMax)} bytes`, {
      host: this.#host,
    });
  }

  /** Reads a short body to its end, so that the connection can be used again; gives a long one up. */
  async drain(): Promise<void> {
    let left = 64 * 1024;
    await this.#each((part) => (left -= part.length) > 0);
  }

  /** Hands on each part of the body until `take` says no. */
  async #each(take: (part: Buffer) => boolean): Promise<void> {
    try {
      const body: unknown = 'body' in this.#response ? this.#response.body : null;
      if (!(body instanceof Readable)) return;
      for await (const part of body as AsyncIterable<Buffer>) {
        this.#read();
        if (!take(part)) return;
      }
    } catch (error) {
      throw transportFailure(this.#host, error);
    } finally {
      this.#ended();
    }
  }
}
