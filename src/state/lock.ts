/**
 * One agent per pair.
 *
 * The lock is an exclusive transaction held open on an empty database, `lock.sqlite`: a lock of the kernel's, which goes
 * with the process however it dies, so that nobody ever has to judge whether a lock file is stale and no two can take
 * over at once. Nothing is written to it. `agent.lock` beside it only tells people (and the refused) who holds it.
 */
import Database from 'better-sqlite3';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TowlineError } from '../core/errors.js';
import { isBusy, type Place, stateFailure } from './failure.js';
import { ensureFolder, ensurePrivateFile } from './folder.js';
import { livingHolder, writeHolder } from './holder.js';

/**
 * Two that ask at the same moment hold each other up for a moment: SQLite lets one of them through when both wait a
 * little.
 */
const contentionMs = 500;
/** The winner may not have written its name yet when another is refused. */
const holderAttempts = 20;
const holderPauseMs = 25;

export interface AgentLock {
  /** Lets the pair go. Calling it again does nothing. */
  release(): void;
}

function lockDatabase(file: string): Database.Database {
  ensurePrivateFile(file);
  const db = new Database(file, { timeout: contentionMs });
  try {
    // No journal beside it: there is nothing to roll back.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

async function refusal(place: Place, file: string, cause: unknown): Promise<TowlineError> {
  let pid = livingHolder(file);
  for (let attempt = 1; pid === null && attempt < holderAttempts; attempt++) {
    await delay(holderPauseMs);
    pid = livingHolder(file);
  }
  const who = pid === null ? 'another agent' : `another agent (process ${pid})`;
  return new TowlineError('locked', `${who} already works on this pair (state in ${place.folder})`, {
    path: place.folder,
    hint: pid === null ? 'Stop that one first' : `Stop it first, for example with: kill ${pid}`,
    cause,
  });
}

const holderName = 'agent.lock';

/** The id of the process that works on the pair with this state folder, or `null`. Takes and changes nothing. */
export function lockHolder(folder: string): number | null {
  return livingHolder(join(folder, holderName));
}

/**
 * Takes the pair for this process until `release` or the end of the process. A dead agent's lock is free at once.
 * @param folder the pair's state folder; made if it is missing
 * @throws `locked` with the holder's process id while another agent has it (in this process or another);
 * `state` when the folder cannot be used
 */
export async function acquireLock(folder: string): Promise<AgentLock> {
  const place: Place = { folder, label: 'this pair' };
  const holderFile = join(folder, holderName);
  ensureFolder(place);
  let db: Database.Database;
  try {
    db = lockDatabase(join(folder, 'lock.sqlite'));
  } catch (error) {
    throw isBusy(error) ? await refusal(place, holderFile, error) : stateFailure(place, error);
  }
  const release = (): void => {
    process.off('exit', release);
    if (!db.open) return;
    try {
      // While the lock still stands: later it could be the next one's name.
      rmSync(holderFile, { force: true });
    } finally {
      db.close();
    }
  };
  try {
    writeHolder(holderFile);
  } catch (error) {
    db.close();
    throw stateFailure(place, error);
  }
  // Also keeps the connection, and with it the lock, from being collected.
  process.once('exit', release);
  return { release };
}
