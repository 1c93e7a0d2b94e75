/** Tells when the kernel may have dropped events: Node hears nothing of it, so only the size of a burst gives it away. */
import { readFile } from 'node:fs/promises';

/** Linux's own default for `fs.inotify.max_queued_events`. */
const queueMaxDefault = 16_384;
const windowMs = 1_000;

export interface OverflowDetector {
  /**
   * Counts one event of the kernel.
   * @param nowMs on a clock that never goes back
   * @returns true once, when more than half of the queue arrived within one second
   */
  event(nowMs: number): boolean;
  /** Events in the burst that is looked at now. */
  readonly count: number;
}

/** @param options `queueMax`: how many events the kernel's queue holds (default 16384) */
export function createOverflowDetector(options: { readonly queueMax?: number } = {}): OverflowDetector {
  const limit = (options.queueMax ?? queueMaxDefault) / 2;
  // Two half windows side by side stand for a sliding one: nothing is kept per event.
  let startMs = -Infinity;
  let before = 0;
  let current = 0;
  let told = false;
  return {
    event(nowMs) {
      const halves = Math.floor((nowMs - startMs) / (windowMs / 2));
      if (halves >= 1) {
        before = halves === 1 ? current : 0;
        current = 0;
        startMs = halves === 1 ? startMs + windowMs / 2 : nowMs;
      }
      current++;
      if (told || before + current <= limit) return false;
      told = true;
      return true;
    },
    get count() {
      return before + current;
    },
  };
}

/** How many events the kernel queues for us at most; Linux's default where that cannot be read. */
export async function readQueueMax(file = '/proc/sys/fs/inotify/max_queued_events'): Promise<number> {
  try {
    const value = Number(await readFile(file, 'utf8'));
    return Number.isSafeInteger(value) && value > 0 ? value : queueMaxDefault;
  } catch {
    // No such file (macOS) or hidden in a container: the size is only a yardstick.
    return queueMaxDefault;
  }
}
