import type { Side } from '../core/entry.js';
import { asTowlineError, hasCode } from '../core/errors.js';
import { isLockName, lockPath } from '../core/lock.js';
import { nameOf } from '../core/path.js';
import { isWorthKeeping, markOf, standingOf } from '../core/resume.js';
import { newTempPath } from './temp-path.js';
import type { Clock, Log, Storage } from '../ports.js';
import type { PartialRow, PartialStore } from '../ports-state.js';
import { noteRefused } from './refused-temps.js';
import type { Ledger } from './ledger.js';

/** What is on record of a temp that was taken up. */
export interface TakenUp extends PartialRow {
  /** It is the beginning of this source; else that has to be proved. */
  readonly sure: boolean;
}

/**
 * The temps of this agent: named and put on record before they are made, taken off when they became a file or are
 * certainly gone. What a connection or a process left when it died is swept, or continued by the next attempt.
 */
export class Temps {
  readonly #record: PartialStore;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #agentId: string;
  /** Temps that work in this process still uses. */
  readonly #inUse = new Map<string, PartialRow>();
  /** Temps that may be there and are in nobody's hands; all of them once `#known` has resolved. */
  readonly #left = new Map<string, PartialRow>();
  /**
   * Temps that are gone, by the path they were to become, whether they were removed or renamed onto it just before we died
   * or lost the link: what is at the path may be what we wrote and never recorded. They stay on record until that is
   * settled.
   */
  readonly #doubts = new Map<string, Set<string>>();
  #known: Promise<void> | null = null;
  /** The sweeps so far: what they remove must not be taken up meanwhile. */
  #swept: Promise<unknown> = Promise.resolve();

  constructor(record: PartialStore, ledger: Ledger, clock: Clock, log: Log, agentId: string) {
    this.#record = record;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#log = log;
    this.#agentId = agentId;
  }

  /** A name per path, all on record when this resolves. */
  reserve(side: Side, paths: readonly string[]): Promise<string[]> {
    return this.#put(paths.map((path) => this.#newRow(side, path, null, 0)));
  }

  /** A fresh name for what is left as `left`: on record with the same progress before anything is renamed. */
  async inherit(left: PartialRow): Promise<string> {
    const row = this.#newRow(left.side, left.path, left.fingerprint, left.offset);
    return (await this.#put([row]))[0]!;
  }

  /** So much of the content with this fingerprint is safely there. */
  async progress(temp: string, fingerprint: string, offset: number): Promise<void> {
    const mark = markOf(fingerprint, this.#clock.now());
    const row = this.#inUse.get(temp);
    if (row !== undefined) this.#inUse.set(temp, { ...row, fingerprint: mark, offset });
    await this.#record.progress(temp, mark, offset);
  }

  /**
   * Puts a lock on record, which has one name for ever: what an earlier attempt left under it is removed first. Nobody
   * else in this process may work on the path until `lockGone` has resolved or `abandon` was called.
   */
  async lockOpens(side: Side, path: string, storage: Storage): Promise<string> {
    await this.#know();
    for (let swept: unknown = null; swept !== this.#swept;) {
      swept = this.#swept;
      await this.#swept;
    }
    const row: PartialRow = { temp: lockPath(path), path, side, fingerprint: null, offset: 0 };
    const left = this.#left.has(row.temp) || this.#inUse.has(row.temp);
    this.#inUse.set(row.temp, row);
    if (left) await this.#remove(storage, [row]);
    return (await this.#put([row]))[0]!;
  }

  /**
   * Nothing of ours is left under the name. At once, since the same name may be on record again a moment later. Never
   * rejects: what could not be taken off the record is swept.
   */
  async lockGone(lock: string): Promise<void> {
    try {
      await this.#record.forget([lock]);
      this.#inUse.delete(lock);
      this.#left.delete(lock);
    } catch (error) {
      this.#sayOnRecord('lock', error);
    }
  }

  /** The temp is certainly gone, or was never made. */
  gone(temp: string): void {
    this.#inUse.delete(temp);
    this.#left.delete(temp);
    this.#ledger.tempGone(temp).catch((error: unknown) => {
      this.#sayOnRecord('temp', error);
    });
  }

  /** Whether what is at this path may be a file of ours that the base knows nothing of. */
  isDoubtful(path: string): boolean {
    if (this.#doubts.has(path)) return true;
    for (const row of this.#left.values()) if (row.path === path) return true;
    return false;
  }

  /** What is at this path was compared or written anew, and the base knows it. */
  settled(path: string): void {
    const temps = this.#doubts.get(path);
    if (temps === undefined) return;
    this.#doubts.delete(path);
    for (const temp of temps) this.gone(temp);
  }

  /** Nobody in this process uses it any more, but it may be there: it stays on record, to be continued or swept. */
  abandon(temp: string): void {
    const row = this.#inUse.get(temp);
    this.#inUse.delete(temp);
    if (row !== undefined) this.#left.set(temp, row);
  }

  /** Whether somebody uses it, or may go on with it. */
  isInUse(temp: string): boolean {
    const left = this.#left.get(temp);
    return this.#inUse.has(temp) || (left !== undefined && isWorthKeeping(left, this.#clock.now()));
  }

  /**
   * Takes up what an earlier attempt left of a path and is the beginning of this source, or may be: the sure ones first, the
   * longest first. What cannot be continued is removed before this resolves: a frozen session that wakes later finds nothing
   * to rename.
   * @param source `null`: nothing can be continued
   */
  async takeUp(
    side: Side,
    path: string,
    storage: Storage,
    source: { readonly fingerprint: string; readonly size: number } | null,
  ): Promise<TakenUp | null> {
    await this.#know();
    await this.#swept;
    if (this.#left.size === 0) return null;
    const nowMs = this.#clock.now();
    const rows = [...this.#left.values()].filter((row) => row.side === side && row.path === path);
    const standing = (row: PartialRow) => (source === null ? 'none' : standingOf(row, source, nowMs));
    const fitting = rows.filter((row) => standing(row) !== 'none').sort((a, b) => b.offset - a.offset);
    const best = fitting.find((row) => standing(row) === 'sure') ?? fitting[0];
    // In use from now on: no sweep takes it.
    if (best !== undefined) {
      this.#left.delete(best.temp);
      this.#inUse.set(best.temp, best);
    }
    try {
      await this.#remove(
        storage,
        rows.filter((row) => !fitting.includes(row)),
      );
    } catch (error) {
      // Nobody hears that it was taken up.
      if (best !== undefined) this.abandon(best.temp);
      throw error;
    }
    return best === undefined ? null : { ...best, sure: standing(best) === 'sure' };
  }

  /** Removes temps that were in use; those that may still be there stay on record. */
  async removeUsed(storage: Storage, temps: readonly string[]): Promise<void> {
    const rows = temps.map((temp) => this.#inUse.get(temp)).filter((row) => row !== undefined);
    for (const { temp } of rows) this.#inUse.delete(temp);
    await this.#remove(
      storage,
      rows.map((row) => ({ ...row, fingerprint: null, offset: 0 })),
    );
  }

  /**
   * Removes what is on record and in nobody's hands from a side, but for what may be continued. Returns how many were
   * removed or found gone.
   */
  sweep(side: Side, storage: Storage): Promise<number> {
    return this.#sweep(side, storage, (row) => !isWorthKeeping(row, this.#clock.now()), false);
  }

  /** Sweeps both sides; when the link goes meanwhile, that waits until it is back. */
  async sweepBoth(sides: Readonly<Record<Side, Storage>>): Promise<void> {
    for (const side of ['local', 'remote'] as const)
      await this.#whileReachable(this.sweep(side, sides[side]));
  }

  /** Sweeps what work left on the remote side, if any: a channel may die without the link. */
  async sweepLeft(remote: Storage): Promise<void> {
    const rows = [...this.#left.values()].filter(({ side }) => side === 'remote');
    if (rows.every((row) => isWorthKeeping(row, this.#clock.now()))) return;
    await this.#whileReachable(this.sweep('remote', remote));
  }

  /** The same when everything was compared and sent: what nobody went on with goes too, and nothing is in doubt. */
  async sweepAll(sides: Readonly<Record<Side, Storage>>): Promise<void> {
    for (const side of ['local', 'remote'] as const)
      await this.#whileReachable(this.#sweep(side, sides[side], () => true, true));
  }

  async #sweep(
    side: Side,
    storage: Storage,
    goes: (row: PartialRow) => boolean,
    settled: boolean,
  ): Promise<number> {
    const sweep = this.#swept.then(async () => {
      await this.#know();
      const rows = await this.#record.all();
      const free = rows.filter((row) => row.side === side && !this.#inUse.has(row.temp));
      const orphans = free.filter((row) => goes(row) && (settled || !this.#isGone(row)));
      return this.#remove(storage, orphans, settled);
    });
    this.#swept = sweep.catch(() => undefined);
    return sweep;
  }

  async #whileReachable(sweep: Promise<number>): Promise<void> {
    try {
      await sweep;
    } catch (error) {
      // `unsupported`: a mode that wrote to this side left them, and the present one must not.
      if (!hasCode(error, 'network', 'unsupported')) throw error;
      this.#log.debug('temps are swept when their side can be written to', { error: error.message });
    }
  }

  /** Removes temps that nobody uses; those that may still be there are left on record. */
  async #remove(storage: Storage, rows: readonly PartialRow[], settled = false): Promise<number> {
    if (rows.length === 0) return 0;
    for (const row of rows) this.#left.set(row.temp, row);
    const gone = await storage.removeTemps(rows.map(({ temp }) => temp));
    const names = new Set(gone);
    // A lock was nothing that could have become a file: nothing about its path is in doubt.
    const locks = gone.filter((temp) => isLockName(nameOf(temp)));
    if (settled || locks.length > 0) await this.#record.forget(settled ? gone : locks);
    for (const { temp, path } of rows.filter((row) => names.has(row.temp))) {
      if (settled) this.#doubts.delete(path);
      else if (!locks.includes(temp)) this.#doubts.set(path, (this.#doubts.get(path) ?? new Set()).add(temp));
      this.#left.delete(temp);
    }
    const book = { record: this.#record, left: this.#left, clock: this.#clock, log: this.#log };
    await noteRefused(
      book,
      rows.filter(({ temp }) => !names.has(temp)),
    );
    return gone.length;
  }

  #sayOnRecord(what: string, cause: unknown): void {
    const error = asTowlineError(cause).message;
    this.#log.warn(`a ${what} could not be taken off the record; the next start does`, { error });
  }

  #isGone({ path, temp }: PartialRow): boolean {
    return this.#doubts.get(path)?.has(temp) === true;
  }

  /** Reads once what earlier processes left. */
  #know(): Promise<void> {
    this.#known ??= this.#record.all().then(
      (rows) => {
        for (const row of rows) if (!this.#inUse.has(row.temp)) this.#left.set(row.temp, row);
      },
      (error: unknown) => {
        this.#known = null;
        throw error;
      },
    );
    return this.#known;
  }

  #newRow(side: Side, path: string, fingerprint: string | null, offset: number): PartialRow {
    const temp = newTempPath(path, this.#agentId, this.#clock);
    return { temp, path, side, fingerprint, offset };
  }

  async #put(rows: readonly PartialRow[]): Promise<string[]> {
    // In use before it is on record: a sweep in between must not take it for an orphan.
    for (const row of rows) this.#inUse.set(row.temp, row);
    try {
      if (rows.length > 0) await this.#record.record(rows);
    } catch (error) {
      for (const { temp } of rows) this.#inUse.delete(temp);
      throw error;
    }
    return rows.map(({ temp }) => temp);
  }
}
