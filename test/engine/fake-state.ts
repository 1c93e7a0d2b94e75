/** The two stores that agreements go to, in memory: they fail when told to and resolve when let. */
import type { BasePair } from '../../src/core/entry.js';
import type { BaseStore, PartialRow, State } from '../../src/ports.js';

type Call = 'commit' | 'forget' | 'record';

/** A part that must not be touched. */
function unused<T extends object>(): T {
  return new Proxy({} as T, {
    get: (_, name) => {
      throw new Error(`'${String(name)}' is not expected here`);
    },
  });
}

export class FakeState {
  /** What was written, in order: `base a b` or `forget t`. */
  readonly written: string[] = [];
  readonly base = new Map<string, BasePair | null>();
  readonly partials = new Map<string, PartialRow>();
  readonly #failing = new Map<Call, Error>();
  #gate: Promise<void> = Promise.resolve();

  readonly state: State = {
    base: { ...unused<BaseStore>(), commit: (rows) => this.#commit(rows) },
    partials: {
      record: (rows) => this.#record(rows),
      progress: () => Promise.reject(new Error("'progress' is not expected here")),
      forget: (temps) => this.#forget(temps),
      all: () => Promise.resolve([...this.partials.values()]),
    },
    queue: unused(),
    facts: unused(),
    close: () => Promise.resolve(),
  };

  /** The next call of this kind fails, having done nothing. */
  failNext(call: Call, error: Error): void {
    this.#failing.set(call, error);
  }

  /** From now on calls do what they do at once, and resolve when the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = Promise.resolve();
      resolve();
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
