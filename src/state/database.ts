import Database from 'better-sqlite3';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TowlineError } from '../core/errors.js';
import { isDamageAtOpening, type Place, stateFailure } from './failure.js';
import { ensurePrivateFile } from './folder.js';
import { hasSchemaOfItsVersion, refuseNewer } from './schema.js';

/** The database in a pair's state folder. */
export const databaseName = 'state.sqlite';
const asidePattern = /^state\.sqlite\.corrupt-[0-9TZ.-]+$/;
const asideTimePattern = /[-:]/g;
/** The log is cut back to this after it was carried over into the database. */
const logBytesMax = 16 * 1024 * 1024;

/** The two connections to one database: one that writes, one that reads pages of long scans meanwhile. */
export interface Connection {
  readonly place: Place;
  readonly writer: Database.Database;
  readonly reader: Database.Database;
  /** Does the work at once; rejects with a `TowlineError` (`state`) when SQLite fails or the state is closed. */
  readonly attempt: <T>(work: () => T) => Promise<T>;
  /** Closes both; again does nothing. */
  readonly close: () => Promise<void>;
}

/** Lets everything else that waits for the event loop go first. */
export async function nextTurn(): Promise<void> {
  await setImmediate();
}

/** The newest database that was set aside in this folder, or `null`. */
export function newestSetAside(folder: string): string | null {
  const name = readdirSync(folder)
    .filter((candidate) => asidePattern.test(candidate))
    .sort()
    .at(-1);
  return name === undefined ? null : join(folder, name);
}

/**
 * Moves a damaged database away with its log. The database goes first: should we die in between, SQLite itself drops a
 * log that lies beside a missing or empty database.
 */
function setAside(folder: string): void {
  const file = join(folder, databaseName);
  const aside = `${file}.corrupt-${new Date().toISOString().replace(asideTimePattern, '')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
}

function configure(db: Database.Database, place: Place): void {
  refuseNewer(db, place);
  if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
    throw new TowlineError(
      'state',
      `the file system of the state folder ${place.folder} cannot share memory between readers and writers`,
      {
        path: place.folder,
        hint: 'Choose a place on a local disk with --state-dir',
      },
    );
  }
  // Nothing committed is lost when the process dies; the scan at start covers what a power loss may take.
  db.pragma('synchronous = NORMAL');
  db.pragma(`journal_size_limit = ${logBytesMax}`);
  const found = db.pragma('quick_check(1)', { simple: true });
  if (found !== 'ok') throw new Database.SqliteError(String(found), 'SQLITE_CORRUPT');
  if (!hasSchemaOfItsVersion(db)) {
    throw new Database.SqliteError('the schema is not the one of its version', 'SQLITE_CORRUPT');
  }
}

function openWriter(place: Place, busyTimeoutMs: number): Database.Database {
  const file = join(place.folder, databaseName);
  ensurePrivateFile(file);
  const db = new Database(file, { timeout: busyTimeoutMs });
  try {
    configure(db, place);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens (or makes) the database of a state folder that exists, checks it, and sets it aside for a new one when it is
 * damaged.
 * @param busyTimeoutMs how long to wait for another program's lock
 * @param setUp brings the schema up to date before anything else uses it
 * @param use makes something of the connection; if it throws, all is closed again
 * @throws `state`
 */
export function openDatabase<T>(
  place: Place,
  busyTimeoutMs: number,
  setUp: (db: Database.Database) => void,
  use: (connection: Connection) => T,
): T {
  const opened: Database.Database[] = [];
  try {
    const writer = openUndamaged(place, busyTimeoutMs);
    opened.push(writer);
    setUp(writer);
    const reader = new Database(writer.name, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
    opened.push(reader);
    return use(connectionOf(place, writer, reader));
  } catch (error) {
    for (const db of opened.reverse()) db.close();
    throw stateFailure(place, error);
  }
}

function openUndamaged(place: Place, busyTimeoutMs: number): Database.Database {
  try {
    return openWriter(place, busyTimeoutMs);
  } catch (error) {
    if (!isDamageAtOpening(error)) throw error;
    setAside(place.folder);
    return openWriter(place, busyTimeoutMs);
  }
}

function connectionOf(place: Place, writer: Database.Database, reader: Database.Database): Connection {
  const run = <T>(work: () => T): T => {
    if (!writer.open) {
      const what = `the state of ${place.label} in ${place.folder} is closed already`;
      throw new TowlineError('state', what, { path: place.folder });
    }
    try {
      return work();
    } catch (error) {
      throw stateFailure(place, error);
    }
  };
  const promised = <T>(work: () => T): Promise<T> => new Promise((resolve) => resolve(work()));
  return {
    place,
    writer,
    reader,
    attempt: (work) => promised(() => run(work)),
    close: () =>
      promised(() => {
        // The last one to close carries the log over and removes it, which a reader cannot.
        if (reader.open) run(() => reader.close());
        if (writer.open) run(() => writer.close());
      }),
  };
}
