import type Database from 'better-sqlite3';
import type { BasePair } from '../core/entry.js';
import type { QueueRow } from '../ports-state.js';
import { baseColumns, decodePair } from './base.js';
import type { Cell } from './entryrow.js';
import type { Place } from './failure.js';
import { keyOf } from './key.js';
import { factsIn, peek } from './peek.js';
import { decodeRow, type StoredRow } from './queuerow.js';

/** What a state knows of single paths. */
export interface PeekedPaths {
  /** By path; what the base does not know is absent. */
  readonly base: ReadonlyMap<string, BasePair>;
  /** By path; what does not wait is absent. */
  readonly queue: ReadonlyMap<string, QueueRow>;
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Reads what base and queue know of these paths, and some facts, without the lock of the pair and without changing it.
 * @returns `null` when there is no state in this folder
 * @throws `state` when it cannot be read
 */
export function peekPaths(
  place: Place,
  paths: readonly string[],
  facts: readonly string[],
): Promise<PeekedPaths | null> {
  return peek(place, (db) => ({ ...rowsOf(db, paths), facts: factsIn(db, facts) }));
}

function rowsOf(db: Database.Database, paths: readonly string[]): Pick<PeekedPaths, 'base' | 'queue'> {
  const pair = db.prepare<[Buffer], Cell[]>(`SELECT ${baseColumns.join(', ')} FROM base WHERE key = ?`).raw();
  const waiting = db.prepare<[Buffer], StoredRow>('SELECT * FROM queue WHERE key = ?');
  const base = new Map<string, BasePair>();
  const queue = new Map<string, QueueRow>();
  for (const path of paths) {
    const cells = pair.get(keyOf(path));
    if (cells !== undefined) base.set(path, decodePair(cells, 0));
    const row = waiting.get(keyOf(path));
    if (row !== undefined) queue.set(path, decodeRow(row));
  }
  return { base, queue };
}
