import type { PartialRow, PartialStore } from '../ports-state.js';
import type { Connection } from './database.js';

interface StoredPartial {
  readonly temp: string;
  readonly path: string;
  readonly side: 'local' | 'remote';
  readonly fingerprint: string | null;
  readonly offset: number;
}

/** The temps on record, in SQLite. `progress` of a temp that is not on record does nothing. */
export function createPartialStore({ writer, attempt }: Connection): PartialStore {
  const upsert = writer.prepare<[string, string, string, string | null, number]>(
    'INSERT OR REPLACE INTO partials (temp, path, side, fingerprint, offset) VALUES (?, ?, ?, ?, ?)',
  );
  const update = writer.prepare<[string, number, string]>(
    'UPDATE partials SET fingerprint = ?, offset = ? WHERE temp = ?',
  );
  const drop = writer.prepare<[string]>('DELETE FROM partials WHERE temp = ?');
  const all = writer.prepare<[], StoredPartial>('SELECT * FROM partials ORDER BY temp');

  const recordAll = writer.transaction((rows: readonly PartialRow[]) => {
    for (const { temp, path, side, fingerprint, offset } of rows)
      upsert.run(temp, path, side, fingerprint, offset);
  });
  const forgetAll = writer.transaction((temps: readonly string[]) => {
    for (const temp of temps) drop.run(temp);
  });

  return {
    record: (rows) => attempt(() => recordAll.immediate(rows)),
    progress: (temp, fingerprint, offset) => attempt(() => void update.run(fingerprint, offset, temp)),
    forget: (temps) => attempt(() => forgetAll.immediate(temps)),
    all: () => attempt(() => all.all()),
  };
}
