import type { Database } from 'better-sqlite3';
import type { State } from '../ports-state.js';
import { createBaseStore } from './base.js';
import { type Connection, newestSetAside, openDatabase } from './database.js';
import { createFactStore, writeFirstFacts } from './facts.js';
import { ensureFolder } from './folder.js';
import { createPartialStore } from './partials.js';
import { createQueueStore } from './queue.js';
import { migrate } from './schema.js';

const busyTimeoutMsDefault = 2000;

export interface StateOptions {
  /** The pair's own folder (`stateFolder`); made if it is missing. */
  readonly folder: string;
  /** The pair, for people, in messages. */
  readonly label: string;
  /** How long to wait for another program's lock on the database, ms. The event loop stands still meanwhile. */
  readonly busyTimeoutMs?: number;
}

export interface OpenedState extends State {
  /**
   * Where the damaged database was moved to that this new one replaces; `null` at any later opening (the fact
   * `setAsideFact` stays).
   */
  readonly setAside: string | null;
  /** This agent's id for the names of its temps: lower-case letters and digits, the same for the life of the state. */
  readonly agentId: string;
}

/**
 * Opens the state of a pair, and makes it if it is not there: folder 0700, files 0600. A damaged database is moved to
 * `state.sqlite.corrupt-<UTC time>` and a new one takes its place. The caller holds the pair's lock (`acquireLock`).
 * @throws `state`, naming the folder and what to do: not a directory, not writable, disk full, locked by another
 * program, written by a newer version
 */
export function openState(options: StateOptions): Promise<OpenedState> {
  let setAside: string | null = null;
  let agentId = '';
  const setUp = (db: Database): void => {
    db.transaction(() => {
      const isNew = migrate(db) === 0;
      if (isNew) setAside = newestSetAside(options.folder);
      agentId = writeFirstFacts(db, isNew, setAside);
    }).immediate();
  };
  const busyTimeoutMs = options.busyTimeoutMs ?? busyTimeoutMsDefault;
  return new Promise((resolve) => {
    ensureFolder(options);
    const state = openDatabase(options, busyTimeoutMs, setUp, stateOn);
    resolve({ ...state, setAside, agentId });
  });
}

function stateOn(connection: Connection): State {
  return {
    base: createBaseStore(connection),
    queue: createQueueStore(connection),
    partials: createPartialStore(connection),
    facts: createFactStore(connection),
    close: connection.close,
  };
}
