/** The write side: a new file under a temp name, from an empty PUT to MOVE. */
import type { Entry } from '../../core/entry.js';
import { TowlineError } from '../../core/errors.js';
import { join, parentOf } from '../../core/path.js';
import type { Temp, TempAttributes, TempHint } from '../../ports.js';
import { checkName } from '../checked.js';
import type { WebdavContext } from './context.js';
import { parentFailure } from './diagnosis.js';
import { refusal, statusFailure, type Attempt } from './failures.js';
import { InOrder } from './in-order.js';
import { tryOut } from './probe.js';
import { look } from './propfind.js';
import { publish } from './publish.js';
import { patchTime } from './times.js';
import { Upload } from './upload.js';

/** The path of the temp `name` beside `path`. Throws `name`. */
export function tempBeside(context: WebdavContext, path: string, name: string): string {
  context.urls.below(path);
  checkName(name);
  const temp = join(parentOf(path) ?? '', name);
  context.urls.below(temp);
  return temp;
}

/**
 * Creates the temp `name` beside `path`: see `Storage.createTemp`. Its name is taken by an empty file, which one PUT
 * then fills; where the server can replace only, it is looked first whether the name is free.
 */
export async function createTemp(
  context: WebdavContext,
  path: string,
  name: string,
  hint?: TempHint,
): Promise<Temp> {
  const temp = tempBeside(context, path, name);
  const attempt = context.attempt('create', temp);
  await tryOut(context);
  if (!context.abilities.exclusivePut && (await look(context, attempt, temp)) !== null) {
    throw refusal(attempt, 'exists');
  }
  const answer = await context.session.send({
    method: 'PUT',
    url: context.urls.below(temp),
    headers: { 'If-None-Match': '*', 'Content-Type': 'application/octet-stream' },
    body: '',
  });
  await answer.drain();
  if (answer.ok) return new WebdavTemp(context, path, temp, hint);
  if (answer.status === 412) throw refusal(attempt, 'exists');
  const failure = statusFailure(attempt, answer.status);
  context.session.noteFailure(failure);
  throw await parentFailure(context, attempt, temp, failure);
}

class WebdavTemp implements Temp {
  readonly #context: WebdavContext;
  readonly #path: string;
  readonly #temp: string;
  /** Failures name the destination: the temp's name means nothing to anybody. */
  readonly #attempt: Attempt;
  readonly #upload: Upload;
  readonly #pieces: InOrder;
  #acknowledged = 0;
  #open = true;

  constructor(context: WebdavContext, path: string, temp: string, hint: TempHint | undefined) {
    this.#context = context;
    this.#path = path;
    this.#temp = temp;
    this.#attempt = context.attempt('write', path);
    this.#upload = new Upload(context, this.#attempt, context.urls.below(temp), hint);
    this.#pieces = new InOrder((data) => this.#upload.write(data));
  }

  /** Nothing until all of it is: a server says nothing of a part. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  async write(data: Buffer, offset: number): Promise<void> {
    this.#requireOpen('write');
    await this.#pieces.add(data, offset);
  }

  async complete({ size, mtimeMs }: TempAttributes): Promise<{ made: Entry; destination: Entry | null }> {
    this.#requireOpen('complete');
    this.#open = false;
    await this.#pieces.settled();
    if (this.#pieces.hasGap || this.#pieces.bytes !== size) {
      throw this.#wrongSize(this.#pieces.bytes, size);
    }
    await this.#upload.end(mtimeMs);
    const { patch, put } = this.#context.abilities.times;
    if (mtimeMs !== undefined && patch !== null && !put) {
      await patchTime(this.#context, this.#attempt, this.#temp, mtimeMs);
    }
    const [made, destination] = await Promise.all([
      look(this.#context, this.#attempt, this.#temp),
      look(this.#context, this.#attempt, this.#path),
    ]);
    if (made?.kind !== 'file') throw refusal(this.#attempt, 'protocol', 'what was uploaded is not there');
    if (made.size !== size) throw this.#wrongSize(made.size, size);
    this.#acknowledged = size;
    return { made, destination };
  }

  async publish(expected: Entry | null): Promise<void> {
    if (this.#open) throw misuse('publish was called before complete');
    await publish(this.#context, { temp: this.#temp, path: this.#path, expected });
  }

  async discard(): Promise<boolean> {
    this.#open = false;
    await this.#upload.cancel();
    // What was cut off may still be put down by the server after we removed it.
    const { certain } = this.#upload;
    try {
      const attempt = this.#context.attempt('remove', this.#temp);
      const url = this.#context.urls.below(this.#temp);
      await this.#context.command(attempt, { method: 'DELETE', url }, [404, 410]);
      return certain;
    } catch (error) {
      this.#context.session.noteFailure(error);
      return false;
    }
  }

  async leave(): Promise<number> {
    this.#open = false;
    await this.#upload.cancel();
    return this.#acknowledged;
  }

  #requireOpen(call: string): void {
    if (!this.#open) throw misuse(`${call} was called on a temp that is closed`);
  }

  #wrongSize(bytes: number, size: number): TowlineError {
    return refusal(this.#attempt, 'protocol', `${String(bytes)} bytes arrived instead of ${String(size)}`);
  }
}

function misuse(what: string): TowlineError {
  return new TowlineError('internal', `a temp was used wrongly: ${what}`);
}
