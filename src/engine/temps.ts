import type { Side } from '../core/entry.js';
import { asTowlineError, hasCode } from '../core/errors.js';
import { join, parentOf } from '../core/path.js';
import { tempName } from '../core/tempname.js';
import type { Clock, Log, Storage } from '../ports.js';
import type { PartialRow, PartialStore } from '../ports-state.js';
import type { Ledger } from './ledger.js';

/**
 * The temps of this agent: named and put on record before they are made, taken off when they became a file or are
 * certainly gone, swept when a connection or a process died between the two.
 */
export class Temps {
  readonly #record: PartialStore;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #agentId: string;
  /** Temps that work in this process still uses. */
  readonly #inUse = new Set<string>();

  constructor(record: PartialStore, ledger: Ledger, clock: Clock, log: Log, agentId: string) {
    this.#record = record;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#log = log;
    this.#agentId = agentId;
  }

  /** A name per path, all on record when this resolves. */
  async reserve(side: Side, paths: readonly string[]): Promise<string[]> {
    const rows = paths.map((path): PartialRow => {
      const temp = join(parentOf(path) ?? '', tempName(this.#agentId, this.#randomText()));
      return { temp, path, side, fingerprint: null, offset: 0 };
    });
    // In use before it is on record: a sweep in between must not take it for an orphan.
    for (const { temp } of rows) this.#inUse.add(temp);
    try {
      if (rows.length > 0) await this.#record.record(rows);
    } catch (error) {
      for (const { temp } of rows) this.#inUse.delete(temp);
      throw error;
    }
    return rows.map(({ temp }) => temp);
  }

  /** The temp is certainly gone, or was never made. */
  gone(temp: string): void {
    this.#inUse.delete(temp);
    this.#ledger.tempGone(temp).catch((error: unknown) => {
      this.#log.warn('a temp could not be taken off the record; the next start does', {
        error: asTowlineError(error).message,
      });
    });
  }

  /** Nobody in this process uses it any more, but it may be there: it stays on record for the next sweep. */
  abandon(temp: string): void {
    this.#inUse.delete(temp);
  }

  isInUse(temp: string): boolean {
    return this.#inUse.has(temp);
  }

  /** Removes what is on record and in nobody's hands from a side. Returns how many were removed or found gone. */
  async sweep(side: Side, storage: Storage): Promise<number> {
    const orphans = (await this.#record.all())
      .filter((row) => row.side === side && !this.#inUse.has(row.temp))
      .map((row) => row.temp);
    if (orphans.length === 0) return 0;
    const gone = await storage.removeTemps(orphans);
    await this.#record.forget(gone);
    return gone.length;
  }

  /** Sweeps the remote side; when the link goes meanwhile, that waits until it is back. */
  async sweepRemote(remote: Storage): Promise<void> {
    try {
      await this.sweep('remote', remote);
    } catch (error) {
      if (!hasCode(error, 'network')) throw error;
      this.#log.debug('temps are swept when the link is back', { error: error.message });
    }
  }

  #randomText(): string {
    const part = () =>
      Math.floor(this.#clock.random() * 2 ** 48)
        .toString(36)
        .padStart(10, '0');
    return part() + part();
  }
}
