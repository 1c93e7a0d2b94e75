/** The write side: a new file under a temp name, from OPEN to RENAME, in three flights for a small file. */
import type { Entry } from '../../core/entry.js';
import { hasCode, TowlineError } from '../../core/errors.js';
import { join, nameOf, parentOf } from '../../core/path.js';
import type { Temp, TempAttributes } from '../../ports.js';
import type { Handle, SftpChannel } from '../../ssh/channel.js';
import { checkName } from '../checked.js';
import { Acknowledgements } from './acknowledgements.js';
import { finish } from './completion.js';
import type { SftpContext } from './context.js';
import { creationFailure, writeFailure } from './diagnosis.js';
import type { Attempt } from './failures.js';
import { Lock } from './lock.js';
import { look } from './look.js';
import { Outstanding } from './outstanding.js';
import { longestNameBytes, shortNameBytesMax } from './paths.js';
import { publish } from './publish.js';

/** The server path of the temp `name` beside `path`. Throws `name`. */
export function tempPathBeside(context: SftpContext, path: string, name: string): string {
  checkName(name);
  return context.paths.below(join(parentOf(path) ?? '', name));
}

/** Creates the temp `name` beside `path`: see `Storage.createTemp`. */
export async function createTemp(context: SftpContext, path: string, name: string): Promise<Temp> {
  const destination = context.paths.below(path);
  const temp = tempPathBeside(context, path, name);
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  // Before its content is sent, and not when the temp, whose name is short, is to get it.
  if (longestNameBytes(nameOf(path)) > shortNameBytesMax)
    await look(channel, context.attempt('create', destination));
  const attempt = context.attempt('create', temp);
  const handle = await channel.createExclusive(temp, 0o600).catch(async (error: unknown) => {
    throw await creationFailure(channel, attempt, error);
  });
  return new SftpTemp(context, channel, handle, temp, context.attempt('write', destination), 0);
}

/**
 * Acknowledgements are noted for so much at once, one request where the server takes large ones: over a link that drops
 * every few hundred KB larger parts would never get through.
 */
const notedBytes = 261_120;

/** Lives and dies with the channel that opened it. */
export class SftpTemp implements Temp {
  readonly #context: SftpContext;
  readonly #channel: SftpChannel;
  readonly #temp: string;
  /** Failures name the destination: the temp's name means nothing to anybody. */
  readonly #attempt: Attempt;
  readonly #acknowledgements: Acknowledgements;
  #handle: Handle | null;
  #lock: Lock | null = null;
  /** Writes that wait for room in the window, in whole or in part. */
  readonly #waiting = new Outstanding();

  /** @param start bytes that are there already */
  constructor(
    context: SftpContext,
    channel: SftpChannel,
    handle: Handle,
    temp: string,
    attempt: Attempt,
    start: number,
  ) {
    this.#context = context;
    this.#channel = channel;
    this.#handle = handle;
    this.#temp = temp;
    this.#attempt = attempt;
    this.#acknowledgements = new Acknowledgements(start);
  }

  get acknowledged(): number {
    return this.#acknowledgements.contiguous;
  }

  async write(data: Buffer, offset: number): Promise<void> {
    const { failure } = this.#acknowledgements;
    if (failure !== null) throw await this.#failureOf(failure.error);
    const handle = this.#openHandle('write');
    for (let at = 0; at < data.length; at += notedBytes) {
      await this.#writePart(handle, data.subarray(at, at + notedBytes), offset + at);
    }
  }

  async #writePart(handle: Handle, data: Buffer, offset: number): Promise<void> {
    this.#waiting.begin();
    try {
      const { acknowledged } = await this.#channel.write(handle, data, offset);
      this.#acknowledgements.add(offset, data.length, acknowledged);
    } catch (error) {
      this.#acknowledgements.failed(offset, data.length, error);
      throw await this.#failureOf(error);
    } finally {
      this.#waiting.end();
    }
  }

  async complete(attributes: TempAttributes): Promise<{ made: Entry; destination: Entry | null }> {
    const handle = this.#openHandle('complete');
    // No further write, and no second CLOSE: that goes out with the rest.
    this.#handle = null;
    await this.#waiting.none();
    const { lock } = attributes;
    if (lock !== undefined) this.#lock = new Lock(this.#context, this.#channel, this.#attempt, lock);
    await this.#lock?.prepare();
    return finish({
      channel: this.#channel,
      handle,
      temp: this.#temp,
      attempt: this.#attempt,
      attributes,
      lock: this.#lock,
      written: async () => {
        await this.#acknowledgements.settled();
        const { failure } = this.#acknowledgements;
        if (failure !== null) throw await this.#failureOf(failure.error);
      },
    });
  }

  async publish(expected: Entry | null): Promise<void> {
    if (this.#handle !== null) throw misuse('publish was called before complete');
    this.#lock?.requireFresh();
    const attempt = { ...this.#attempt, action: 'put a new version in place of' };
    const published = publish(this.#channel, attempt, this.#temp, expected);
    // Its REMOVE goes out right behind the rename.
    const [result] = await Promise.allSettled([published, this.#lock?.release()]);
    if (result.status === 'rejected') throw result.reason;
  }

  async discard(): Promise<boolean> {
    const handle = this.#handle;
    this.#handle = null;
    await this.#waiting.none();
    const closed = handle === null ? null : this.#channel.closeHandle(handle);
    const [removed] = await Promise.allSettled([
      this.#channel.removeFile(this.#temp),
      closed,
      this.#lock?.release(),
    ]);
    return removed.status === 'fulfilled' || hasCode(removed.reason, 'not-found');
  }

  async leave(): Promise<number> {
    const handle = this.#handle;
    this.#handle = null;
    await this.#waiting.none();
    await this.#acknowledgements.settled();
    if (handle !== null) await Promise.allSettled([this.#channel.closeHandle(handle)]);
    await this.#lock?.release();
    return this.acknowledged;
  }

  #openHandle(call: string): Handle {
    if (this.#handle === null) throw misuse(`${call} was called on a temp that is closed`);
    return this.#handle;
  }

  #failureOf(error: unknown): Promise<TowlineError> {
    const bytes = Math.max(this.#acknowledgements.missing, 1);
    return writeFailure(this.#channel, this.#attempt, error, bytes);
  }
}

function misuse(what: string): TowlineError {
  return new TowlineError('internal', `a temp was used wrongly: ${what}`);
}
