import type { QueueRow, QueueStore } from '../ports-state.js';
import { type Connection, nextTurn } from './database.js';
import { pathOf } from './key.js';
import { decodeRow, type StoredRow } from './queuerow.js';

/** Rows looked at in one go when many are not free. */
const pageRowsMax = 2000;

/** A place in the order in which rows become due; also what is read of each row on the way. */
type Place = [notBeforeMs: number, sinceMs: number, key: Buffer];

const start: Place = [-Infinity, -Infinity, Buffer.alloc(0)];

/**
 * `due` of a queue. It walks the index from the oldest row on, page by page, and turns to the table only for rows that
 * are free; so a call stays short, and the event loop goes on, when hundreds of thousands of rows are not.
 *
 * Rows that are due equally long come in the order of their age, then of their paths: a path that changes all the time
 * starves no other, and a directory comes before what is in it.
 */
export function createDue({ writer, attempt }: Connection): QueueStore['due'] {
  const page = writer
    .prepare<[number, ...Place, number], Place>(
      `SELECT not_before_ms, since_ms, key FROM queue WHERE held = 0 AND not_before_ms <= ?
       AND (not_before_ms, since_ms, key) > (?, ?, ?) ORDER BY not_before_ms, since_ms, key LIMIT ?`,
    )
    .raw();
  const one = writer.prepare<[Buffer, number], StoredRow>(
    'SELECT * FROM queue WHERE key = ? AND held = 0 AND not_before_ms <= ?',
  );

  const freeKeys = async (
    nowMs: number,
    limit: number,
    free: (path: string) => boolean,
  ): Promise<Buffer[]> => {
    const keys: Buffer[] = [];
    let place = start;
    for (let size = Math.min(limit, pageRowsMax); keys.length < limit; size = pageRowsMax) {
      const rows = await attempt(() => page.all(nowMs, ...place, size));
      for (const [, , key] of rows) {
        if (keys.length < limit && free(pathOf(key))) keys.push(key);
      }
      if (rows.length < size) break;
      place = rows.at(-1)!;
      if (keys.length < limit) await nextTurn();
    }
    return keys;
  };

  return async (nowMs, limit, free) => {
    if (limit <= 0) return [];
    const keys = await freeKeys(nowMs, limit, free);
    // Between two pages rows may have changed, gone, or been taken: what is handed out is what holds now.
    return attempt(() => {
      const rows: QueueRow[] = [];
      for (const key of keys) {
        const row = one.get(key, nowMs);
        if (row !== undefined && free(pathOf(key))) rows.push(decodeRow(row));
      }
      return rows;
    });
  };
}
