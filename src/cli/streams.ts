/** Standard output and standard error, written synchronously. */
import { fstatSync, writeSync } from 'node:fs';
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
    isJournal: isJournal(fd),
    columns: () => (isTTY && stream.columns > 0 ? stream.columns : defaultColumns),
  };
}

/**
 * Whether the journal reads what is written there: systemd.exec(5) tells services which file that is by JOURNAL_STREAM,
 * and they pass it on to children that write elsewhere.
 */
function isJournal(fd: 1 | 2): boolean {
  const stream = process.env.JOURNAL_STREAM;
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return stream === `${String(dev)}:${String(ino)}`;
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
