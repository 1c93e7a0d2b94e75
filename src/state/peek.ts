import Database from 'better-sqlite3';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { QueueCounts, QueueRow } from '../ports-state.js';
import { databaseName } from './database.js';
import { type Place, stateFailure } from './failure.js';
import { decodeRow, type StoredRow } from './queuerow.js';
import { refuseNewer, versionOf } from './schema.js';

const busyTimeoutMs = 2000;

/** What a state holds, seen from outside. */
export interface PeekedState {
  readonly counts: QueueCounts;
  /** Rows with a problem, in order of paths. */
  readonly problems: readonly QueueRow[];
  /** Paths in the base. */
  readonly known: number;
  /** The facts asked for; those that are not there are absent. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Looks into the state of a pair without its lock and without changing it, whether its agent runs or not.
 * @returns `null` when there is no state in this folder
 * @throws `state` when it cannot be read
 */
export function peekState(
  place: Place,
  facts: readonly string[],
  problemsMax: number,
): Promise<PeekedState | null> {
  return peek(place, (db) => contentOf(db, facts, problemsMax));
}

/** Lets `look` read in the state as it is at one moment; otherwise as `peekState`. */
export function peek<T>(place: Place, look: (db: Database.Database) => T): Promise<T | null> {
  return new Promise((resolve) => {
    const file = join(place.folder, databaseName);
    resolve(existsSync(file) ? read(place, file, look) : null);
  });
}

/** The facts of these names; those that are not there are absent. */
export function factsIn(db: Database.Database, names: readonly string[]): Record<string, unknown> {
  const fact = db.prepare<[string], string>('SELECT value FROM facts WHERE key = ?').pluck();
  const found = names.flatMap((name): [string, unknown][] => {
    const text = fact.get(name);
    return text === undefined ? [] : [[name, JSON.parse(text)]];
  });
  return Object.fromEntries(found);
}

/** The folders of all pairs that have a state below this one, by name. */
export function stateFolders(base: string): Promise<string[]> {
  return new Promise((resolve) => {
    if (!existsSync(base)) {
      resolve([]);
      return;
    }
    try {
      const names = readdirSync(base, { withFileTypes: true }).filter((item) => item.isDirectory());
      const folders = names.map(({ name }) => join(base, name)).sort();
      resolve(folders.filter((folder) => existsSync(join(folder, databaseName))));
    } catch (error) {
      throw stateFailure({ folder: base, label: 'all pairs' }, error);
    }
  });
}

function read<T>(place: Place, file: string, look: (db: Database.Database) => T): T | null {
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
    refuseNewer(db, place);
    // An agent that is just starting has made the file and nothing in it.
    if (versionOf(db) === 0) return null;
    const opened = db;
    // One transaction: all of it is of one moment.
    return opened.transaction(() => look(opened))();
  } catch (error) {
    throw stateFailure(place, error);
  } finally {
    db?.close();
  }
}

function contentOf(db: Database.Database, names: readonly string[], problemsMax: number): PeekedState {
  const counts = db.prepare<[], QueueCounts & { known: number }>(
    `SELECT queue_total AS total, queue_held AS held, queue_problems AS problems, base_total AS known,
       (SELECT min(since_ms) FROM queue WHERE held = 0 AND problem_code IS NULL) AS oldestMs FROM counters`,
  );
  const problems = db.prepare<[number], StoredRow>(
    'SELECT * FROM queue WHERE problem_code IS NOT NULL ORDER BY key LIMIT ?',
  );
  const { known, ...rest } = counts.get()!;
  return {
    counts: rest,
    problems: problems.all(problemsMax).map(decodeRow),
    known,
    facts: factsIn(db, names),
  };
}
