import Database from 'better-sqlite3';
import { TowlineError } from '../core/errors.js';
import type { Place } from './failure.js';

/** The columns of one side's entry, in the order of `encodeEntry` and `decodeEntry`. */
export const entryColumns = [
  ['kind', 'INTEGER NOT NULL'],
  ['size', 'INTEGER NOT NULL'],
  ['mtime_ms', 'REAL NOT NULL'],
  ['mode', 'INTEGER NOT NULL'],
  ['target', 'TEXT'],
  ['hash', 'BLOB'],
  ['dev', 'INTEGER'],
  ['ino', 'INTEGER'],
  ['ctime_ms', 'REAL'],
  ['uid', 'INTEGER'],
  ['gid', 'INTEGER'],
] as const;

function entryDefinition(side: 'local' | 'remote'): string {
  return entryColumns.map(([name, type]) => `${side}_${name} ${type}`).join(', ');
}

/**
 * Version 1. Counts are kept by triggers in the one row of `counters`, because they are asked for all the time and
 * counting a million rows takes long. The index `queue_due` serves `due` and `nextDueMs`, the other partial indexes the
 * listings of held rows and of problems and the lag.
 */
const first = `
CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, base_total INTEGER NOT NULL,
  queue_total INTEGER NOT NULL, queue_held INTEGER NOT NULL, queue_problems INTEGER NOT NULL
);
INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE base (
  key BLOB PRIMARY KEY, ${entryDefinition('local')}, ${entryDefinition('remote')}, racy INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX base_inode ON base (local_dev, local_ino) WHERE local_kind = 0 AND local_ino IS NOT NULL;
CREATE TRIGGER base_inserted AFTER INSERT ON base BEGIN
  UPDATE counters SET base_total = base_total + 1;
END;
CREATE TRIGGER base_deleted AFTER DELETE ON base BEGIN
  UPDATE counters SET base_total = base_total - 1;
END;

CREATE TABLE queue (
  key BLOB PRIMARY KEY, cause TEXT NOT NULL, generation INTEGER NOT NULL, since_ms REAL NOT NULL,
  attempts INTEGER NOT NULL, not_before_ms REAL NOT NULL, held INTEGER NOT NULL,
  problem_code TEXT, problem_message TEXT
) WITHOUT ROWID;
CREATE INDEX queue_due ON queue (not_before_ms, since_ms, key) WHERE held = 0;
CREATE INDEX queue_lag ON queue (since_ms) WHERE held = 0 AND problem_code IS NULL;
CREATE INDEX queue_held ON queue (key) WHERE held = 1;
CREATE INDEX queue_problems ON queue (key) WHERE problem_code IS NOT NULL;
CREATE TRIGGER queue_inserted AFTER INSERT ON queue BEGIN
  UPDATE counters SET queue_total = queue_total + 1, queue_held = queue_held + new.held,
    queue_problems = queue_problems + (new.problem_code IS NOT NULL);
END;
CREATE TRIGGER queue_deleted AFTER DELETE ON queue BEGIN
  UPDATE counters SET queue_total = queue_total - 1, queue_held = queue_held - old.held,
    queue_problems = queue_problems - (old.problem_code IS NOT NULL);
END;
CREATE TRIGGER queue_updated AFTER UPDATE ON queue
WHEN old.held <> new.held OR (old.problem_code IS NULL) <> (new.problem_code IS NULL) BEGIN
  UPDATE counters SET queue_held = queue_held + new.held - old.held,
    queue_problems = queue_problems + (new.problem_code IS NOT NULL) - (old.problem_code IS NOT NULL);
END;

CREATE TABLE partials (
  temp TEXT PRIMARY KEY, path TEXT NOT NULL, side TEXT NOT NULL, fingerprint TEXT, offset INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/** Version 2: directories are found by their inode too, so that a folder that was renamed is renamed over there. */
const second = `
DROP INDEX base_inode;
CREATE INDEX base_inode ON base (local_dev, local_ino) WHERE local_ino IS NOT NULL;
`;

/** Version 3: files are found by what the remote side tells of them, so that a rename over there is one here. */
const third = `
CREATE INDEX base_remote ON base (remote_size, remote_mtime_ms) WHERE remote_kind = 0 AND remote_size > 0;
`;

/** What leads from each version of the schema to the next, beginning with an empty file. Only ever appended to. */
export const migrations: readonly string[] = [first, second, third];

/** The version of the schema a database has; 0 for a new one. */
export function versionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * Refuses a database that a newer Towline has written.
 * @throws `state`
 */
export function refuseNewer(db: Database.Database, place: Place, steps = migrations): void {
  const version = versionOf(db);
  if (version <= steps.length) return;
  throw new TowlineError(
    'state',
    `the state of ${place.label} in ${place.folder} was written by a newer Towline (schema ${version}, this one knows ${steps.length})`,
    { path: place.folder, hint: 'Use that version, or choose another place with --state-dir' },
  );
}

/**
 * Brings a database to the latest version, within the caller's transaction.
 * @returns the version it had
 */
export function migrate(db: Database.Database, steps = migrations): number {
  const before = versionOf(db);
  for (const step of steps.slice(before)) db.exec(step);
  if (before < steps.length) db.pragma(`user_version = ${steps.length}`);
  return before;
}

/** All tables, indexes and triggers with their definitions, as one text. */
function schemaOf(db: Database.Database): string {
  const rows = db.prepare(
    "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
  );
  return JSON.stringify(rows.all());
}

/**
 * Whether a database holds exactly what the steps up to its version make: SQLite's own checks say nothing of a table
 * that has a wrong name, and a file of somebody else passes them.
 */
export function hasSchemaOfItsVersion(db: Database.Database, steps = migrations): boolean {
  const model = new Database(':memory:');
  try {
    for (const step of steps.slice(0, versionOf(db))) model.exec(step);
    return schemaOf(db) === schemaOf(model);
  } finally {
    model.close();
  }
}
