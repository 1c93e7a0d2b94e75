import type Database from 'better-sqlite3';
import { randomInt } from 'node:crypto';
import type { Side } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { FactStore } from '../ports-state.js';
import type { Connection } from './database.js';

/** Fact: the agent's id (see `OpenedState.agentId`). */
export const agentIdFact = 'agentId';

/**
 * Fact: where the damaged database that this one replaces was moved to. Written together with the new database, so that
 * no crash can lose it; whoever lets deletions go again sets it to `null`.
 */
export const setAsideFact = 'setAside';

/** Fact: which names a side takes for one (core/fold.ts), as far as that was found out. */
export const namesFact = (side: Side): string => `names-${side}`;

const idLetters = '0123456789abcdefghijklmnopqrstuvwxyz';
const idLength = 10;
const idPattern = new RegExp(`^"([${idLetters}]{${idLength}})"$`);

/** A new agent id: ten lower-case letters and digits (51 bits). */
function newAgentId(): string {
  return Array.from({ length: idLength }, () => idLetters[randomInt(idLetters.length)]).join('');
}

/**
 * Writes the facts every state has from its beginning, within the caller's transaction.
 * @returns the agent's id: the one on record, or a new one where there is none that can be used
 */
export function writeFirstFacts(db: Database.Database, isNew: boolean, setAside: string | null): string {
  const known = db
    .prepare<[string], string>('SELECT value FROM facts WHERE key = ?')
    .pluck()
    .get(agentIdFact);
  const agentId = idPattern.exec(known ?? '')?.[1] ?? newAgentId();
  const upsert = db.prepare<[string, string]>('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)');
  upsert.run(agentIdFact, JSON.stringify(agentId));
  if (isNew && setAside !== null) upsert.run(setAsideFact, JSON.stringify(setAside));
  return agentId;
}

/**
 * The facts in SQLite. A fact that was never set, or set to `null` or `undefined`, is `null`; a text that is no JSON
 * can only be damage, which SQLite cannot see, and is `state`.
 */
export function createFactStore({ place, writer, attempt }: Connection): FactStore {
  const one = writer.prepare<[string], string>('SELECT value FROM facts WHERE key = ?').pluck();
  const upsert = writer.prepare<[string, string]>('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)');

  const parse = (key: string, text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new TowlineError('state', `the fact ${key} in the state folder ${place.folder} cannot be read`, {
        path: place.folder,
        hint: 'Move that folder away: it is built anew by comparing both sides',
        cause,
      });
    }
  };
  return {
    // The port promises the caller the type it stored under this key.
    get: <T>(key: string) => attempt(() => parse(key, one.get(key) ?? 'null') as T | null),
    set: (key, value) => attempt(() => void upsert.run(key, JSON.stringify(value ?? null))),
  };
}
