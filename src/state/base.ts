import type { BasePair } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { BaseRow } from '../core/stream.js';
import type { BaseStore } from '../ports-state.js';
import { type Connection, nextTurn } from './database.js';
import { type Cell, decodeEntry, encodeEntry, entryWidth } from './entryrow.js';
import { keyOf, pathOf, rangeBelow } from './key.js';
import { entryColumns } from './schema.js';

/** One page is read in one go: a few milliseconds. */
const pageRows = 500;

const cells = ['local', 'remote'].flatMap((side) => entryColumns.map(([name]) => `${side}_${name}`));
/** The columns of a row of the base, behind its key. */
export const baseColumns: readonly string[] = [...cells, 'racy'];

/** The pair whose cells begin at `offset` of a row. */
export function decodePair(row: readonly Cell[], offset: number): BasePair {
  return {
    local: decodeEntry(row, offset),
    remote: decodeEntry(row, offset + entryWidth),
    racy: row[offset + 2 * entryWidth] === 1,
  };
}

function encodePair(pair: BasePair): Cell[] {
  return [...encodeEntry(pair.local), ...encodeEntry(pair.remote), Number(pair.racy)];
}

/**
 * The base in SQLite. A scan reads page after page on a connection of its own, each page as the database is at that
 * moment: rows written behind the scan's place are not seen, those written ahead of it are. No page keeps a transaction
 * open, so that writers are never held up and the log stays short.
 */
export function createBaseStore({ writer, reader, attempt }: Connection): BaseStore {
  const page = reader
    .prepare<[Buffer, Buffer, number], Cell[]>(
      `SELECT key, ${baseColumns.join(', ')} FROM base WHERE key > ? AND key < ? ORDER BY key LIMIT ?`,
    )
    .raw();
  const one = writer
    .prepare<[Buffer], Cell[]>(`SELECT ${baseColumns.join(', ')} FROM base WHERE key = ?`)
    .raw();
  const upsert = writer.prepare<Cell[]>(
    `INSERT INTO base (key, ${baseColumns.join(', ')}) VALUES (?, ${baseColumns.map(() => '?').join(', ')})
     ON CONFLICT (key) DO UPDATE SET ${baseColumns.map((name) => `${name} = excluded.${name}`).join(', ')}`,
  );
  const drop = writer.prepare<[Buffer]>('DELETE FROM base WHERE key = ?');
  const inode = writer
    .prepare<[number, number], Buffer>(
      'SELECT key FROM base WHERE local_dev = ? AND local_ino = ? ORDER BY key',
    )
    .pluck();
  // The conditions on kind and size are those of the index.
  const revision = writer
    .prepare<[number, number, number], Buffer>(
      `SELECT key FROM base WHERE remote_size = ? AND remote_mtime_ms = ? AND remote_kind = 0 AND remote_size > 0
       ORDER BY key LIMIT ?`,
    )
    .pluck();
  const total = writer.prepare<[], number>('SELECT base_total FROM counters').pluck();

  const apply = writer.transaction((rows: Parameters<BaseStore['commit']>[0]) => {
    for (const { path, pair } of rows) {
      if (pair === null) drop.run(keyOf(path));
      else upsert.run(keyOf(path), ...encodePair(pair));
    }
  });

  async function* scan(under: string, signal?: AbortSignal): AsyncGenerator<BaseRow[]> {
    const range = rangeBelow(under);
    let after = range.after;
    for (;;) {
      if (signal?.aborted === true) {
        throw new TowlineError('interrupted', 'reading the base was interrupted', { cause: signal.reason });
      }
      const rows = await attempt(() => page.all(after, range.before, pageRows));
      if (rows.length > 0)
        yield rows.map((row) => ({ path: pathOf(row[0] as Buffer), pair: decodePair(row, 1) }));
      if (rows.length < pageRows) return;
      after = rows.at(-1)![0] as Buffer;
      await nextTurn();
    }
  }

  return {
    scan,
    get: (paths) =>
      attempt(() =>
        paths.map((path) => {
          const row = one.get(keyOf(path));
          return row === undefined ? null : decodePair(row, 0);
        }),
      ),
    commit: (rows) => attempt(() => apply.immediate(rows)),
    byInode: (dev, ino) => attempt(() => inode.all(dev, ino).map(pathOf)),
    byRemoteRevision: (size, mtimeMs, limit) => attempt(() => revision.all(size, mtimeMs, limit).map(pathOf)),
    count: () => attempt(() => total.get() ?? 0),
  };
}
