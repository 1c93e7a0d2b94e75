/** What a state folder says of its agent when nobody runs: which pair it is, and how far it came. */
import { asTowlineError } from '../core/errors.js';
import type { Clock, Log } from '../ports.js';
import type { FactStore } from '../ports-state.js';

/** Names of the facts; see `PairRecord` and `ScanRecord`; `aliveMs` is a time in ms since 1970. */
export const recordFacts = { pair: 'pair', lastScan: 'lastScan', aliveMs: 'aliveMs' } as const;

/** The two sides, for people, and the mode. */
export interface PairRecord {
  readonly local: string;
  readonly remote: string;
  readonly mode: string;
}

/** The last comparison of everything. */
export interface ScanRecord {
  readonly endedMs: number;
  readonly durationMs: number;
  readonly entries: number;
}

export interface AgentRecord {
  /** Notes a comparison that has ended; what goes wrong is logged. */
  scanned(scan: { readonly durationMs: number; readonly entries: number }): void;
  /**
   * Notes that the agent is alive: proof that the event loop turns and the state can be written.
   * @throws `state`
   */
  alive(): Promise<void>;
}

/** The record of a run that leaves no trace (a dry run). */
export const noRecord: AgentRecord = { scanned: () => undefined, alive: () => Promise.resolve() };

export interface RecordParts {
  readonly facts: FactStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly pair: PairRecord;
}

/**
 * Begins the record of an agent's run.
 * @throws `state`
 */
export async function beginRecord({ facts, clock, log, pair }: RecordParts): Promise<AgentRecord> {
  await facts.set(recordFacts.pair, pair);
  return {
    scanned: ({ durationMs, entries }) => {
      const scan: ScanRecord = { endedMs: clock.now(), durationMs, entries };
      facts.set(recordFacts.lastScan, scan).catch((error: unknown) => {
        log.warn('the time of the last comparison could not be noted', {
          error: asTowlineError(error).message,
        });
      });
    },
    alive: () => facts.set(recordFacts.aliveMs, clock.now()),
  };
}
