/** The last flight on a temp's handle: attributes, a look at the result and at the destination, CLOSE. */
import type { Entry } from '../../core/entry.js';
import type { TempAttributes } from '../../ports.js';
import type { Attributes, Handle, SftpChannel } from '../../ssh/channel.js';
import { attributesFor, entryOf } from './attributes.js';
import { offers } from './capabilities.js';
import { writeFailure } from './diagnosis.js';
import { concernsLink, failureOf, refusal, type Attempt } from './failures.js';
import type { Lock } from './lock.js';
import { entryFrom } from './look.js';

/** What is to be finished. */
export interface Completion {
  readonly channel: SftpChannel;
  /** Open; closed in any case. */
  readonly handle: Handle;
  /** The temp's server path. */
  readonly temp: string;
  /** The words for failures; its path is the destination. */
  readonly attempt: Attempt;
  readonly attributes: TempAttributes;
  /** To be taken ahead of the look at the destination; it stays taken, whatever happens here. */
  readonly lock: Lock | null;
  /** Resolves when every write is acknowledged; rejects with what a failed one means. */
  readonly written: () => Promise<void>;
}

/**
 * Sends all right behind the writes, without waiting for their acknowledgements, and judges the answers afterwards.
 * Refused attributes are no failure: `made` tells what the server made of them.
 * @throws `no-space`, `permission`, `protocol` (also for a wrong size), `changed` (another agent has the lock), `network`
 */
export async function finish(completion: Completion): Promise<{ made: Entry; destination: Entry | null }> {
  const { channel, attempt, attributes } = completion;
  const change = attributesFor(attributes);
  const answers = await send(completion, change);
  await completion.written();
  const fatal = [answers.synced, answers.closed].find((answer) => answer.status === 'rejected');
  if (fatal !== undefined) throw await writeFailure(channel, attempt, fatal.reason, 1);
  if (answers.taken.status === 'rejected') throw answers.taken.reason;

  let made = answers.made.status === 'fulfilled' ? answers.made.value : null;
  const changed = change !== null && answers.changed.status === 'fulfilled';
  if (made?.size !== attributes.size || (changed && made.mtime !== (change.mtime ?? made.mtime))) {
    made = await secondLook(completion, changed ? change : null);
  }
  if (made.size !== attributes.size) {
    const sizes = `${String(made.size ?? 0)} of ${String(attributes.size)} bytes arrived`;
    throw refusal(attempt, 'protocol', sizes);
  }
  return { made: entryOf('file', made), destination: await destinationFrom(completion, answers.destination) };
}

type Answer<T> = PromiseSettledResult<T>;

interface Answers {
  readonly synced: Answer<unknown>;
  readonly changed: Answer<unknown>;
  readonly made: Answer<Attributes>;
  readonly taken: Answer<unknown>;
  readonly destination: Answer<Attributes | null>;
  readonly closed: Answer<unknown>;
}

/** One flight. The owner goes first, as changing it takes away set-id bits, and alone, as it is often refused. */
async function send(completion: Completion, change: Attributes | null): Promise<Answers> {
  const { channel, handle, attributes } = completion;
  const syncs = attributes.sync && offers(channel.extensions, 'fsync');
  const [synced, owned, changed, made, taken, destination, closed] = await Promise.allSettled([
    syncs ? channel.fsync(handle) : null,
    attributes.owner === undefined ? null : channel.fsetstat(handle, attributes.owner),
    change === null ? null : channel.fsetstat(handle, change),
    channel.fstat(handle),
    completion.lock?.take(),
    channel.lstatOrNull(completion.attempt.path),
    channel.closeHandle(handle),
  ]);
  const answers = [synced, owned, changed, made, taken, destination, closed];
  const lost = answers.find((answer) => answer.status === 'rejected' && concernsLink(answer.reason));
  if (lost?.status === 'rejected') throw failureOf(completion.attempt, lost.reason);
  return { synced, changed, made, taken, destination, closed };
}

/**
 * Servers that work out of order may have set the time, or measured the size, before the last write. The handle is
 * closed by now and all is written: set it by name, and look again.
 */
async function secondLook(completion: Completion, change: Attributes | null): Promise<Attributes> {
  const { channel, temp, attempt } = completion;
  const [, made] = await Promise.allSettled([
    change === null ? null : channel.setstat(temp, change),
    channel.lstat(temp),
  ]);
  if (made.status === 'rejected') throw failureOf(attempt, made.reason);
  return made.value;
}

async function destinationFrom(
  { channel, attempt }: Completion,
  answer: Answer<Attributes | null>,
): Promise<Entry | null> {
  if (answer.status === 'rejected') throw failureOf(attempt, answer.reason);
  return answer.value === null ? null : entryFrom(channel, attempt, answer.value);
}
