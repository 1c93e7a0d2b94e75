/** The two stores that agreements go to, in memory: they fail when told to and resolve when let. */
import type { BasePair } from '../../src/core/entry.js';
import type { BaseStore, PartialRow, State } from '../../src/ports-state.js';

type Call = 'commit' | 'forget' | 'record';

/** A part that must not be touched. */
const untouchable = new Proxy({} as never, {
  get: (_, name) => {
    throw new Error(`'${String(name)}' is not expected here`);
  },
});

function unexpected(): never {
  throw new Error('this call is not expected here');
}

export class FakeState {
  /** What was written, in order: `base a b` or `forget t`. */
  readonly written: string[] = [];
  readonly base = new Map<string, BasePair | null>();
  readonly partials = new Map<string, PartialRow>();
  readonly #failing = new Map<Call, Error>();
  #gate: Promise<undefined> = Promise.resolve(undefined);

  readonly state: State = {
    base: {
      commit: (rows) => this.#commit(rows),
      scan: unexpected,
      get: unexpected,
      byInode: unexpected,
      byRemoteRevision: unexpected,
      count: unexpected,
    },
    partials: {
      record: (rows) => this.#record(rows),
      progress: (temp, fingerprint, offset) => {
        const row = this.partials.get(temp);
        if (row !== undefined) this.partials.set(temp, { ...row, fingerprint, offset });
        return Promise.resolve();
      },
      forget: (temps) => this.#forget(temps),
      all: () => Promise.resolve([...this.partials.values()]),
    },
    queue: untouchable,
    facts: untouchable,
    close: () => Promise.resolve(),
  };

  /** The next call of this kind fails, having done nothing. */
  failNext(call: Call, error: Error): void {
    this.#failing.set(call, error);
  }

  /** From now on calls do what they do at once, and resolve when the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#gate = promise;
    return () => {
      this.#gate = Promise.resolve(undefined);
      resolve(undefined);
    };
  }

  async #commit(rows: Parameters<BaseStore['commit']>[0]): Promise<void> {
    this.#begin('commit');
    this.written.push(`base ${rows.map(({ path }) => path).join(' ')}`);
    for (const { path, pair } of rows) this.base.set(path, pair);
    await this.#gate;
  }

  async #forget(temps: readonly string[]): Promise<void> {
    this.#begin('forget');
    this.written.push(`forget ${temps.join(' ')}`);
    for (const temp of temps) this.partials.delete(temp);
    await this.#gate;
  }

  async #record(rows: readonly PartialRow[]): Promise<void> {
    this.#begin('record');
    for (const row of rows) this.partials.set(row.temp, row);
    await this.#gate;
  }

  #begin(call: Call): void {
    const error = this.#failing.get(call);
    this.#failing.delete(call);
    if (error !== undefined) throw error;
  }
}
