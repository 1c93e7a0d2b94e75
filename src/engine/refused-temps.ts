import { markOfRefusal } from '../core/resume.js';
import type { Clock, Log } from '../ports.js';
import type { PartialRow, PartialStore } from '../ports-state.js';

/** Where temps are on record and in mind. */
export interface TempsBook {
  readonly record: PartialStore;
  readonly left: Map<string, PartialRow>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What cannot be removed for hours (its folder may not be written to any more) is not tried for ever. */
export async function noteRefused(
  { record, left, clock, log }: TempsBook,
  rows: readonly PartialRow[],
): Promise<void> {
  for (const row of rows) {
    const mark = markOfRefusal(row, clock.now());
    if (mark === null) {
      await record.forget([row.temp]);
      left.delete(row.temp);
      log.warn('a temp could not be removed, again and again, and is left where it is', {
        side: row.side,
        path: row.temp,
      });
    } else if (mark !== row.fingerprint) {
      left.set(row.temp, { ...row, fingerprint: mark, offset: 0 });
      await record.progress(row.temp, mark, 0);
    }
  }
}
