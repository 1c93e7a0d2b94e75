import type { QueueCounts, QueueOutcome, QueuePut, QueueStore } from '../ports-state.js';
import { type Connection, nextTurn } from './database.js';
import { keyOf, pathOf } from './key.js';
import { createDue } from './queuedue.js';
import { decodeRow, type StoredRow } from './queuerow.js';

/** Held rows are let go this many at a time, so that a mass deletion does not block the event loop. */
const releaseRows = 2000;

/** Due at any time whatever the clock says: "at once" must not wait for a clock that was set back. */
const atOnceMs = 0;

/**
 * Adds or refreshes rows. The generation comes from one counter of the database, so that a path whose row was removed
 * and comes again never meets an outcome that was meant for its earlier life.
 */
function createPut({ writer, attempt }: Connection): QueueStore['put'] {
  const nextGeneration = writer
    .prepare<[], number>('UPDATE counters SET generation = generation + 1 RETURNING generation')
    .pluck();
  const upsert = writer.prepare<[Buffer, string, number, number, number, number]>(
    `INSERT INTO queue (key, cause, generation, since_ms, attempts, not_before_ms, held) VALUES (?, ?, ?, ?, 0, ?, ?)
     ON CONFLICT (key) DO UPDATE SET cause = excluded.cause, generation = excluded.generation,
       since_ms = min(since_ms, excluded.since_ms), not_before_ms = excluded.not_before_ms, held = excluded.held`,
  );
  const fail = writer.prepare<[string, string, Buffer]>(
    'UPDATE queue SET attempts = attempts + 1, problem_code = ?, problem_message = ? WHERE key = ?',
  );
  const apply = writer.transaction((rows: readonly QueuePut[]) => {
    const generation = nextGeneration.get()!;
    for (const { path, cause, sinceMs, notBeforeMs = atOnceMs, held = false, problem } of rows) {
      const key = keyOf(path);
      upsert.run(key, cause, generation, sinceMs, notBeforeMs, Number(held));
      if (problem !== undefined) fail.run(problem.code, problem.message, key);
    }
  });
  return async (rows) => {
    if (rows.length > 0) await attempt(() => apply.immediate(rows));
  };
}

/**
 * Applies outcomes, each only to the very generation it speaks of. A row that was put again meanwhile is not touched:
 * it stays due when that `put` said, with what it knew of attempts and problem.
 */
function createSettle({ writer, attempt }: Connection): QueueStore['settle'] {
  const remove = writer.prepare<[Buffer, number]>('DELETE FROM queue WHERE key = ? AND generation = ?');
  const again = writer.prepare<[number, number, number, string | null, string | null, Buffer, number]>(
    `UPDATE queue SET attempts = attempts + ?, not_before_ms = ?, held = ?, problem_code = ?, problem_message = ?
     WHERE key = ? AND generation = ?`,
  );
  const apply = writer.transaction((outcomes: readonly QueueOutcome[]) => {
    for (const outcome of outcomes) {
      const key = keyOf(outcome.path);
      if (outcome.type === 'done') {
        remove.run(key, outcome.generation);
      } else {
        const { notBeforeMs, counts, held = false, problem, generation } = outcome;
        const { code = null, message = null } = problem ?? {};
        again.run(Number(counts), notBeforeMs, Number(held), code, message, key, generation);
      }
    }
  });
  return async (outcomes) => {
    if (outcomes.length > 0) await attempt(() => apply.immediate(outcomes));
  };
}

/** Lets held rows go in the order of their paths; rows held anew behind that place meanwhile stay held. */
function createRelease({ writer, attempt }: Connection): QueueStore['release'] {
  const select = writer
    .prepare<[Buffer, number], Buffer>(
      'SELECT key FROM queue WHERE held = 1 AND key >= ? ORDER BY key LIMIT ?',
    )
    .pluck();
  const free = writer.prepare<[Buffer]>('UPDATE queue SET held = 0 WHERE key = ?');
  const page = writer.transaction((from: Buffer) => {
    const keys = select.all(from, releaseRows);
    for (const key of keys) free.run(key);
    return keys;
  });
  return async () => {
    let released = 0;
    let from = keyOf('');
    for (;;) {
      const keys = await attempt(() => page.immediate(from));
      released += keys.length;
      if (keys.length < releaseRows) return released;
      from = keys.at(-1)!;
      await nextTurn();
    }
  };
}

type ReadParts = Pick<QueueStore, 'nextDueMs' | 'counts' | 'problems' | 'held'>;

function createReads({ writer, attempt }: Connection): ReadParts {
  const nextDue = writer
    .prepare<[], number | null>('SELECT min(not_before_ms) FROM queue WHERE held = 0')
    .pluck();
  const counts = writer.prepare<[], QueueCounts>(
    `SELECT queue_total AS total, queue_held AS held, queue_problems AS problems,
       (SELECT min(since_ms) FROM queue WHERE held = 0 AND problem_code IS NULL) AS oldestMs FROM counters`,
  );
  const problems = writer.prepare<[number], StoredRow>(
    'SELECT * FROM queue WHERE problem_code IS NOT NULL ORDER BY key LIMIT ?',
  );
  const held = writer
    .prepare<[number], Buffer>('SELECT key FROM queue WHERE held = 1 ORDER BY key LIMIT ?')
    .pluck();
  return {
    nextDueMs: () => attempt(() => nextDue.get() ?? null),
    counts: () => attempt(() => counts.get()!),
    problems: (limit) => attempt(() => problems.all(limit).map(decodeRow)),
    held: (limit) => attempt(() => held.all(limit).map(pathOf)),
  };
}

/** The durable queue in SQLite. Everything but `due` is one short transaction; callers hand in some thousand rows at most. */
export function createQueueStore(connection: Connection): QueueStore {
  return {
    put: createPut(connection),
    due: createDue(connection),
    settle: createSettle(connection),
    release: createRelease(connection),
    ...createReads(connection),
  };
}
