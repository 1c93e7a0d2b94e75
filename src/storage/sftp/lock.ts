/** The lock of a path on the server, as a file that only one agent can create: DESIGN.md, section 7. */
import type { Entry } from '../../core/entry.js';
import { hasCode } from '../../core/errors.js';
import { lockExpiryMs, lockHeldMaxMs, type PathLock } from '../../core/lock.js';
import type { Handle, SftpChannel } from '../../ssh/channel.js';
import { checkName } from '../checked.js';
import type { SftpContext } from './context.js';
import { creationFailure } from './diagnosis.js';
import { concernsLink, refusal, type Attempt } from './failures.js';

/**
 * Costs no round trip: its OPEN goes out ahead of the look at the path, in the same flight, and its REMOVE right behind
 * the request that changes the path. The server answers in the order it was asked.
 */
export class Lock {
  readonly #context: SftpContext;
  readonly #channel: SftpChannel;
  /** Of the path it is for. */
  readonly #attempt: Attempt;
  readonly #lock: PathLock;
  readonly #serverPath: string;
  #held: { readonly handle: Handle; readonly sinceMs: number } | null = null;

  /** @param attempt the words for its failures, with the server path of what it is for */
  constructor(context: SftpContext, channel: SftpChannel, attempt: Attempt, lock: PathLock) {
    checkName(lock.name);
    this.#context = context;
    this.#channel = channel;
    this.#attempt = attempt;
    this.#lock = lock;
    this.#serverPath = attempt.path.slice(0, attempt.path.lastIndexOf('/') + 1) + lock.name;
  }

  /** To be awaited before the flight that takes it. */
  prepare(): Promise<void> {
    return this.#lock.opens();
  }

  /**
   * Sends OPEN before it returns. Where no lock can be made at all (no space, no permission) there is none, and what
   * follows tells.
   * @throws `changed` when somebody else has it; `network`
   */
  async take(): Promise<void> {
    try {
      const handle = await this.#channel.createExclusive(this.#serverPath, 0o600);
      this.#held = { handle, sinceMs: this.#context.clock.now() };
    } catch (error) {
      if (concernsLink(error)) throw error;
      const attempt = { ...this.#attempt, path: this.#serverPath };
      const failure = await creationFailure(this.#channel, attempt, error);
      if (concernsLink(failure)) throw failure;
      await this.#lock.gone();
      // Nothing there and no other reason: it was released between the two questions.
      if (!hasCode(failure, 'exists', 'protocol')) return;
      await this.#breakExpired();
      throw refusal(this.#attempt, 'changed', 'another agent is changing it');
    }
  }

  /** @throws `changed` when it was held for so long that others may be about to break it */
  requireFresh(): void {
    if (this.#held === null || this.#context.clock.now() - this.#held.sinceMs < lockHeldMaxMs) return;
    throw refusal(this.#attempt, 'changed', 'its lock was held for too long');
  }

  /** Sends REMOVE before it returns, if it is held. Never rejects: what may be left stays on record. */
  async release(): Promise<void> {
    if (this.#held === null) return;
    const { handle } = this.#held;
    this.#held = null;
    const [removed] = await Promise.allSettled([
      this.#channel.removeFile(this.#serverPath),
      this.#channel.closeHandle(handle),
    ]);
    if (removed.status === 'fulfilled' || hasCode(removed.reason, 'not-found')) await this.#lock.gone();
  }

  /** Whoever left it died: the next one who wants it gets it. */
  async #breakExpired(): Promise<void> {
    const { clock, clockOffset } = this.#context;
    const there = await this.#channel.lstatOrNull(this.#serverPath);
    if (there?.mtime === undefined) return;
    const serverNowMs = clock.now() + (await clockOffset.get());
    if (serverNowMs - there.mtime * 1000 <= lockExpiryMs) return;
    const [removed] = await Promise.allSettled([this.#channel.removeFile(this.#serverPath)]);
    if (removed.status === 'rejected' && concernsLink(removed.reason)) throw removed.reason;
  }
}

/**
 * Looks at a path and changes it, under its lock where there is one.
 * @param act sends its first request before it returns, if it sends any
 * @throws what `look` or `act` throw; `changed` when somebody else has the lock
 */
export async function underLock<T>(
  lock: Lock | null,
  look: () => Promise<Entry | null>,
  act: (present: Entry | null) => Promise<T>,
): Promise<T> {
  if (lock === null) return act(await look());
  await lock.prepare();
  const [taken, seen] = await Promise.allSettled([lock.take(), look()]);
  try {
    if (taken.status === 'rejected') throw taken.reason;
    if (seen.status === 'rejected') throw seen.reason;
    const done = act(seen.value);
    const [result] = await Promise.allSettled([done, lock.release()]);
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  } finally {
    await lock.release();
  }
}
