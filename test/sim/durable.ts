/** What survives a crash of the simulated agent: the contracts of ports-state.ts, kept in memory. */
import type { BasePair } from '../../src/core/entry.js';
import { comparePaths, isBelow } from '../../src/core/path.js';
import type { BaseRow } from '../../src/core/stream.js';
import type {
  BaseStore,
  FactStore,
  PartialRow,
  PartialStore,
  QueueOutcome,
  QueuePut,
  QueueRow,
  QueueStore,
  State,
} from '../../src/ports-state.js';
import { setAsideFact } from '../../src/state/facts.js';
import type { Life } from './life.js';

/** Small, so that rows written behind and ahead of a scan's place make a difference. */
const pageRows = 4;

/** Called before and after each step; may end the life of who asked, or (before) throw: then nothing is done. */
export type StateStep = (when: 'before' | 'after', what: string) => void;

/** Steps that need room on the volume. */
export const writingSteps: ReadonlySet<string> = new Set([
  'base.commit',
  'queue.put',
  'queue.settle',
  'queue.release',
  'partials.record',
  'partials.progress',
  'partials.forget',
  'facts.set',
]);

export class Durable {
  readonly base = new Map<string, BasePair>();
  readonly queue = new Map<string, QueueRow>();
  readonly partials = new Map<string, PartialRow>();
  readonly facts = new Map<string, string>();
  readonly #directoryInodes: boolean;
  #generation = 0;
  #losses = 0;

  /** @param directoryInodes directories are found by their inode, too, as in the real one */
  constructor(directoryInodes = false) {
    this.#directoryInodes = directoryInodes;
  }

  /** This state's own agent: a state that was built anew has another one. */
  get agentId(): string {
    return `simagent${String(this.#losses).padStart(2, '0')}`;
  }

  /** It was corrupt, was set aside, and another one takes its place: as `openState` does it. */
  lose(): void {
    for (const part of [this.base, this.queue, this.partials, this.facts]) part.clear();
    this.#generation = 0;
    this.#losses++;
    this.facts.set(setAsideFact, JSON.stringify('state.sqlite.corrupt'));
  }

  /** Whether it was lost, and nobody allowed deletions since. */
  get isLost(): boolean {
    return (this.facts.get(setAsideFact) ?? 'null') !== 'null';
  }

  /** The state as one run of the agent sees it: nothing is done for it once it is dead. */
  open(life: Life, step: StateStep): State {
    const commit = <T>(what: string, work: () => T): Promise<T> => {
      const done = async () => {
        if (life.alive) step('before', what);
        if (!life.alive) return new Promise<T>(() => undefined);
        // As in the real one: the transaction is over before the promise is.
        const result = work();
        step('after', what);
        await Promise.resolve();
        return result;
      };
      return life.hears(done());
    };
    return {
      base: this.#baseStore(commit),
      queue: this.#queueStore(commit),
      partials: this.#partialStore(commit),
      facts: this.#factStore(commit),
      close: () => Promise.resolve(),
    };
  }

  #baseStore(commit: Commit): BaseStore {
    const below = (under: string) =>
      [...this.base.keys()].filter((path) => isBelow(path, under)).sort(comparePaths);
    const page = (under: string, after: string | null): BaseRow[] =>
      below(under)
        .filter((path) => after === null || comparePaths(path, after) > 0)
        .slice(0, pageRows)
        .map((path) => ({ path, pair: this.base.get(path)! }));
    async function* scan(under: string): AsyncGenerator<BaseRow[], void, undefined> {
      for (let after: string | null = null; ;) {
        const rows: BaseRow[] = await commit('base.scan', () => page(under, after));
        if (rows.length > 0) yield rows;
        if (rows.length < pageRows) return;
        after = rows.at(-1)!.path;
      }
    }
    return {
      scan,
      get: (paths) => commit('base.get', () => paths.map((path) => this.base.get(path) ?? null)),
      commit: (rows) =>
        commit('base.commit', () => {
          for (const { path, pair } of rows) {
            if (pair === null) this.base.delete(path);
            else this.base.set(path, pair);
          }
        }),
      byInode: (dev, ino) =>
        commit('base.byInode', () =>
          below('').filter((path) => {
            const { local } = this.base.get(path)!;
            const found = local.kind === 'file' || this.#directoryInodes;
            return found && local.dev === dev && local.ino === ino;
          }),
        ),
      byRemoteRevision: (size, mtimeMs, limit) =>
        commit('base.byRemoteRevision', () =>
          below('')
            .filter((path) => {
              const { remote } = this.base.get(path)!;
              return size > 0 && remote.kind === 'file' && remote.size === size && remote.mtimeMs === mtimeMs;
            })
            .slice(0, limit),
        ),
      count: () => commit('base.count', () => this.base.size),
    };
  }

  #queueStore(commit: Commit): QueueStore {
    const rows = () => [...this.queue.values()];
    const sorted = () => rows().sort((a, b) => comparePaths(a.path, b.path));
    return {
      put: (puts) => commit('queue.put', () => this.#put(puts)),
      due: (nowMs, limit, free) =>
        commit('queue.due', () =>
          sorted()
            .filter(({ held, notBeforeMs, path }) => !held && notBeforeMs <= nowMs && free(path))
            .sort((a, b) => a.notBeforeMs - b.notBeforeMs || a.sinceMs - b.sinceMs)
            .slice(0, limit),
        ),
      settle: (outcomes) => commit('queue.settle', () => outcomes.forEach((one) => this.#settle(one))),
      nextDueMs: () =>
        commit('queue.nextDueMs', () => {
          const due = rows().filter(({ held }) => !held);
          return due.length === 0 ? null : Math.min(...due.map(({ notBeforeMs }) => notBeforeMs));
        }),
      release: () =>
        commit('queue.release', () => {
          const held = rows().filter((row) => row.held);
          for (const row of held) this.queue.set(row.path, { ...row, held: false });
          return held.length;
        }),
      counts: () =>
        commit('queue.counts', () => {
          const open = rows().filter(({ held, problem }) => !held && problem === null);
          return {
            total: this.queue.size,
            held: rows().filter(({ held }) => held).length,
            problems: rows().filter(({ problem }) => problem !== null).length,
            oldestMs: open.length === 0 ? null : Math.min(...open.map(({ sinceMs }) => sinceMs)),
          };
        }),
      problems: (limit) =>
        commit('queue.problems', () =>
          sorted()
            .filter(({ problem }) => problem !== null)
            .slice(0, limit),
        ),
      held: (limit) =>
        commit('queue.held', () =>
          sorted()
            .filter(({ held }) => held)
            .slice(0, limit)
            .map(({ path }) => path),
        ),
    };
  }

  #put(puts: readonly QueuePut[]): void {
    const generation = ++this.#generation;
    for (const { path, cause, sinceMs, notBeforeMs = 0, held = false, problem } of puts) {
      const before = this.queue.get(path);
      this.queue.set(path, {
        path,
        cause,
        generation,
        sinceMs: Math.min(before?.sinceMs ?? sinceMs, sinceMs),
        attempts: (before?.attempts ?? 0) + (problem === undefined ? 0 : 1),
        notBeforeMs,
        held,
        problem: problem ?? before?.problem ?? null,
      });
    }
  }

  #settle(outcome: QueueOutcome): void {
    const row = this.queue.get(outcome.path);
    if (row?.generation !== outcome.generation) return;
    if (outcome.type === 'done') {
      this.queue.delete(outcome.path);
      return;
    }
    const { notBeforeMs, counts, held = false, problem = null } = outcome;
    this.queue.set(row.path, {
      ...row,
      attempts: row.attempts + Number(counts),
      notBeforeMs,
      held,
      problem,
    });
  }

  #partialStore(commit: Commit): PartialStore {
    return {
      record: (rows) =>
        commit('partials.record', () => rows.forEach((row) => this.partials.set(row.temp, row))),
      progress: (temp, fingerprint, offset) =>
        commit('partials.progress', () => {
          const row = this.partials.get(temp);
          if (row !== undefined) this.partials.set(temp, { ...row, fingerprint, offset });
        }),
      forget: (temps) => commit('partials.forget', () => temps.forEach((temp) => this.partials.delete(temp))),
      all: () => commit('partials.all', () => [...this.partials.values()]),
    };
  }

  #factStore(commit: Commit): FactStore {
    return {
      get: <T>(key: string) =>
        commit('facts.get', () => JSON.parse(this.facts.get(key) ?? 'null') as T | null),
      set: (key, value) => commit('facts.set', () => void this.facts.set(key, JSON.stringify(value ?? null))),
    };
  }
}

type Commit = <T>(what: string, work: () => T) => Promise<T>;
