/** Standard output and standard error, written synchronously. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Output } from './context.js';

const defaultColumns = 100;
/** How long a full non-blocking pipe is left alone before the next try. */
const fullPipeWaitMs = 5;

/**
 * One of the process's standard streams.
 * @param fd 1 for stdout, 2 for stderr
 */
export function standardOutput(fd: 1 | 2): Output {
  const isTTY = isatty(fd);
  const stream = fd === 1 ? process.stdout : process.stderr;
  return {
    write: (text) => writeAll(fd, Buffer.from(text)),
    isTTY,
    columns: () => (isTTY && stream.columns > 0 ? stream.columns : defaultColumns),
  };
}

/**
 * A reader that went away (EPIPE) or a full disk under a log file must not end a sync that runs for months, so a failed
 * write is told to the caller by `false` and each one is tried afresh.
 */
function writeAll(fd: number, data: Buffer): boolean {
  for (let offset = 0; offset < data.length;) {
    try {
      offset += writeSync(fd, data, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullPipeWaitMs);
    }
  }
  return true;
}
