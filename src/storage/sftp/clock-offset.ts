/** How far the server's clock is from ours. */
import { hasCode } from '../../core/errors.js';
import { momentaryName } from '../momentary-name.js';
import type { SftpContext } from './context.js';
import { failureOf } from './failures.js';
import type { MomentaryFiles } from './momentary-files.js';

/** How long a measurement is good for. */
const freshMs = 10 * 60_000;
/** Times of SFTP are cut to whole seconds. */
const granularityMs = 1000;

/** Measures by the time the server gives a new file, and remembers it. */
export class ClockOffset {
  readonly #context: SftpContext;
  readonly #files: MomentaryFiles;
  #measured: { readonly atMs: number; readonly offsetMs: number } | null = null;

  constructor(context: SftpContext, files: MomentaryFiles) {
    this.#context = context;
    this.#files = files;
  }

  /**
   * The server's clock minus ours, ms, to half a second and the round trip; 0 when nothing says that they differ, and
   * when the server lets us write nothing to measure it by.
   * @throws `network`
   */
  async get(): Promise<number> {
    const nowMs = this.#context.clock.now();
    if (this.#measured !== null && nowMs - this.#measured.atMs < freshMs) return this.#measured.offsetMs;
    const offsetMs = await this.#measure();
    this.#measured = { atMs: nowMs, offsetMs };
    return offsetMs;
  }

  async #measure(): Promise<number> {
    const { clock, paths } = this.#context;
    const attempt = this.#context.attempt('measure the clock with', paths.below(momentaryName(clock)));
    const channel = await this.#context.channel('transfer');
    const beforeMs = clock.now();
    try {
      const handle = await this.#files.create(channel, attempt.path);
      const afterMs = clock.now();
      const [seen, closed, removed] = await Promise.allSettled([
        channel.fstat(handle),
        channel.closeHandle(handle),
        this.#files.remove(channel, attempt.path),
      ]);
      if (seen.status === 'rejected') throw seen.reason;
      if (closed.status === 'rejected') throw closed.reason;
      if (removed.status === 'rejected') throw removed.reason;
      return offsetOf((seen.value.mtime ?? 0) * 1000, beforeMs, afterMs);
    } catch (error) {
      if (hasCode(error, 'permission', 'protocol', 'unsupported', 'not-found')) return 0;
      throw failureOf(attempt, error);
    }
  }
}

/** The offset that a new file shows: created between `beforeMs` and `afterMs` of our clock, and within the second from `mtimeMs` of the server's. */
export function offsetOf(mtimeMs: number, beforeMs: number, afterMs: number): number {
  const leastMs = mtimeMs - afterMs;
  const mostMs = mtimeMs + granularityMs - beforeMs;
  return leastMs <= 0 && mostMs >= 0 ? 0 : (leastMs + mostMs) / 2;
}
