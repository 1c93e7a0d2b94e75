/** The content of one new file on its way: one PUT, which begins when there is more than fits into memory for it. */
import { PassThrough } from 'node:stream';
import { TowlineError } from '../../core/errors.js';
import type { TempHint } from '../../ports.js';
import type { WebdavContext } from './context.js';
import { refusal, statusFailure, type Attempt } from './failures.js';

/** Content up to this is kept and sent in one go, its length told ahead. */
const keptBytesMax = 2 ** 20;
/** Bytes between us and the socket, at most. */
const windowBytes = 2 ** 20;

/** One PUT. */
export class Upload {
  readonly #context: WebdavContext;
  readonly #attempt: Attempt;
  readonly #url: string;
  readonly #hint: TempHint | undefined;
  readonly #abort = new AbortController();
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;
  #stream: PassThrough | null = null;
  #put: Promise<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #answered = false;

  constructor(context: WebdavContext, attempt: Attempt, url: string, hint: TempHint | undefined) {
    this.#context = context;
    this.#attempt = attempt;
    this.#url = url;
    this.#hint = hint;
  }

  /** Whether nothing of it can still come to pass: it was answered, or never sent. */
  get certain(): boolean {
    return this.#put === null || this.#answered;
  }

  /** Takes the next bytes; resolves when there is room for more. */
  async write(data: Buffer): Promise<void> {
    if (this.#failure !== null) throw this.#failure.error;
    this.#bytes += data.length;
    // More than was announced would be taken for the next request.
    if (this.#hint !== undefined && this.#bytes > this.#hint.size) throw this.#notAsAnnounced();
    if (this.#stream === null) {
      this.#kept.push(data);
      this.#keptBytes += data.length;
      if (this.#keptBytes <= keptBytesMax) return;
      await this.#begin();
      return;
    }
    await this.#push(this.#stream, data);
  }

  /**
   * Sends what is left and waits for the answer.
   * @param mtimeMs the time to be set with it, where nothing was said before and the server can
   * @throws what the server refused it with
   */
  async end(mtimeMs: number | undefined): Promise<void> {
    if (this.#stream !== null && this.#hint !== undefined && this.#bytes !== this.#hint.size) {
      throw this.#notAsAnnounced();
    }
    if (this.#stream === null) {
      const body = Buffer.concat(this.#kept, this.#keptBytes);
      this.#kept = [];
      this.#put = this.#send(body, { ...this.#timeHeader(mtimeMs) });
    } else this.#stream.end();
    await this.#put;
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Gives it up; resolves when nothing of ours is under way any more. */
  async cancel(): Promise<void> {
    this.#abort.abort(new TowlineError('interrupted', 'the upload was given up'));
    this.#stream?.destroy();
    await this.#put;
  }

  async #begin(): Promise<void> {
    const stream = new PassThrough({ highWaterMark: windowBytes });
    // It ends with the request, whose failure says more.
    stream.on('error', () => undefined);
    this.#stream = stream;
    const length = this.#hint === undefined ? {} : { 'Content-Length': String(this.#hint.size) };
    this.#put = this.#send(stream, { ...length, ...this.#timeHeader(this.#hint?.mtimeMs) });
    for (const data of this.#kept.splice(0)) await this.#push(stream, data);
  }

  async #push(stream: PassThrough, data: Buffer): Promise<void> {
    if (stream.write(data) || this.#put === null) return;
    const drained = Promise.withResolvers<undefined>();
    const go = () => drained.resolve(undefined);
    stream.once('drain', go).once('close', go);
    await Promise.race([drained.promise, this.#put]);
    stream.off('drain', go).off('close', go);
    if (this.#failure !== null) throw this.#failure.error;
  }

  #timeHeader(mtimeMs: number | undefined): Record<string, string> {
    if (mtimeMs === undefined || !this.#context.abilities.times.put) return {};
    return { 'X-OC-Mtime': String(Math.floor(mtimeMs / 1000)) };
  }

  /** Never rejects: the failure is kept for whoever asks. */
  async #send(body: Buffer | PassThrough, headers: Record<string, string>): Promise<void> {
    try {
      const answer = await this.#context.session.send({
        method: 'PUT',
        url: this.#url,
        headers: { 'Content-Type': 'application/octet-stream', ...headers },
        body,
        signal: this.#abort.signal,
      });
      this.#answered = true;
      await answer.drain();
      if (!answer.ok) throw statusFailure(this.#attempt, answer.status);
    } catch (error) {
      this.#context.session.noteFailure(error);
      this.#failure ??= { error };
    } finally {
      if (!Buffer.isBuffer(body)) body.destroy();
    }
  }

  #notAsAnnounced(): TowlineError {
    return refusal(this.#attempt, 'protocol', 'its content is not as long as was announced');
  }
}
