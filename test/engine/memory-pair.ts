/** Two sides in memory, and one-shot runs of the real agent between them. */
import { createSettler } from '../../src/core/settle.js';
import { Agent } from '../../src/engine/agent.js';
import type { Settings } from '../../src/engine/context.js';
import { type Resolution, writtenSidesOf } from '../../src/core/policy.js';
import { pretending } from '../../src/compose/pretending.js';
import { silence } from '../../src/core/silence.js';
import { dryRun } from '../../src/engine/dry-run.js';
import { noLedger } from '../../src/engine/ledger.js';
import type { AgentEvent, SyncResult } from '../../src/engine/events.js';
import type { AgentControl } from '../../src/engine/status.js';
import type { Storage } from '../../src/ports.js';
import type { BaseStore, State } from '../../src/ports-state.js';
import {
  createMemoryStorage,
  type MemoryOptions,
  type MemoryStorage,
} from '../../src/storage/memory/storage.js';
import { readOnly } from '../../src/storage/read-only.js';
import { Durable } from '../sim/durable.js';
import { engineContext, keptRules } from '../sim/engine-context.js';
import { FakeLink } from '../sim/fake-link.js';
import { FakeWatcher, type WatchEvent } from '../sim/fake-watcher.js';
import { Life } from '../sim/life.js';
import { Random } from '../sim/random.js';
import { VirtualClock } from '../sim/virtual-clock.js';

/** Problems are tried again for days: longer than any run may take. */
const runMs = 10 * 60_000;

export interface PairOptions {
  readonly local?: MemoryOptions;
  readonly remote?: MemoryOptions;
}

export const usualSettings: Settings = {
  mode: 'two-way',
  delete: true,
  maxDelete: { percent: 100, butAtLeast: 1_000_000 },
  compare: 'mtime+size',
  afresh: false,
  force: false,
  onDrift: 'overwrite',
  conflict: 'keep-both',
  maxConflictCopies: 10,
  modeRule: (mode) => mode,
  modeRuleText: '',
  sync: false,
  verify: 'size',
  parents: false,
};

/** What came of a run, and what was told meanwhile. */
export interface Run {
  readonly result: SyncResult;
  readonly events: readonly AgentEvent[];
}

export class MemoryPair {
  readonly clock = new VirtualClock();
  readonly durable = new Durable();
  readonly local: MemoryStorage;
  readonly remote: MemoryStorage;
  /** Changes the order in which the rows of a batch come out of the queue. */
  shuffle: <T>(rows: T[]) => T[] = (rows) => rows;
  #runs = 0;

  constructor(options: PairOptions = {}) {
    const now = () => this.clock.now();
    this.local = createMemoryStorage({ label: 'local', now, ...options.local });
    this.remote = createMemoryStorage({
      label: 'remote',
      now,
      timeGranularityMs: 1000,
      identity: false,
      ...options.remote,
    });
  }

  /** A person decided about a conflict. */
  decide(path: string, keep: Resolution): void {
    this.durable.facts.set('resolutions', JSON.stringify({ [path]: keep }));
  }

  /** Everything is long done: no file is racy any more. */
  rest(): Promise<boolean> {
    return this.clock.run(10_000);
  }

  /** Syncs everything once. */
  async run(wishes: Partial<Settings>): Promise<Run> {
    const settings = { ...usualSettings, ...wishes };
    const life = new Life();
    const { agent, events } = this.#agent(settings, life);
    return { result: await this.#ends(agent.runOnce(), life), events };
  }

  /** Watches from here on, until `work` is done; `tell` is what the watcher of this side sees, `control` the agent's. */
  async watch(
    wishes: Partial<Settings>,
    work: (tell: (event: WatchEvent) => void, control: AgentControl) => Promise<void>,
  ): Promise<void> {
    const life = new Life();
    const watcher = new FakeWatcher(life, this.clock, 5, () => true);
    const { agent } = this.#agent({ ...usualSettings, ...wishes }, life, watcher);
    const watching = agent.watch();
    // It is awaited below; how the work goes comes first.
    watching.catch(() => undefined);
    await this.clock.run(10_000);
    await work((event) => watcher.tell(event), agent.control);
    await this.#ends(Promise.all([watching, agent.stop()]), life);
  }

  /** Lets time pass until it has ended. */
  async #ends<T>(run: Promise<T>, life: Life): Promise<T> {
    let ended: { result: T } | { error: unknown } | null = null;
    void run.then(
      (result) => (ended = { result }),
      (error: unknown) => (ended = { error }),
    );
    const done = await this.clock.run(runMs, () => ended !== null);
    life.end();
    const outcome = ended as { result: T } | { error: unknown } | null;
    if (!done || outcome === null) throw new Error('the run did not come to an end');
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  }

  /** What a run would do, in lines: what, the old name of a rename, the path. */
  async plan(wishes: Partial<Settings>): Promise<{ lines: string[]; totals: SyncResult }> {
    const life = new Life();
    const { context, events } = this.#context({ ...usualSettings, ...wishes }, life);
    const run = dryRun({ ...context, ...pretending(context), ledger: noLedger }, false);
    const totals = await this.#ends(run, life);
    const lines = events.flatMap((event) => {
      if (event.type !== 'planned') return [];
      const { action, from, path } = event.action;
      return [[action, ...(from === undefined ? [] : [from]), path].join(' ')];
    });
    return { lines, totals };
  }

  #context(settings: Settings, life: Life) {
    const clock = this.clock.of(life, new Random(++this.#runs));
    const link = new FakeLink(this.clock, life, 1);
    const writes = writtenSidesOf(settings.mode);
    const guarded = (side: 'local' | 'remote'): Storage =>
      writes.includes(side) ? this[side] : readOnly(this[side]);
    const [local, remote] = [guarded('local'), guarded('remote')];
    const state = this.#state(life);
    const events: AgentEvent[] = [];
    const lastMode = JSON.parse(this.durable.facts.get('mode') ?? 'null') as string | null;
    this.durable.facts.set('mode', JSON.stringify(lastMode ?? settings.mode));
    const { context, board, soft, hard } = engineContext({
      local,
      remote,
      root: this.local,
      link,
      state,
      clock,
      log: silence,
      hear: (event) => events.push(event),
      settings,
      rules: keptRules(settings),
      agentId: 'pair01',
      modeTrust: { trusted: this.durable.facts.has('modeRule') },
      otherMode: lastMode !== null && lastMode !== settings.mode,
    });
    const wind = (reason: unknown) => soft.abort(reason);
    const abort = (reason: unknown) => hard.abort(reason);
    return { context, events, board, wind, abort };
  }

  #agent(
    settings: Settings,
    life: Life,
    watcher: FakeWatcher | null = null,
  ): { agent: Agent; events: AgentEvent[] } {
    const { context, events, board, wind, abort } = this.#context(settings, life);
    const agent = new Agent({
      context,
      wind,
      abort,
      newWatcher: () => watcher ?? new FakeWatcher(life, this.clock, 5, () => true),
      settler: createSettler({ settleMs: 0 }),
      rescanMs: 600_000,
      newRemoteWatcher: null,
      remotePollMs: 15_000,
      persistent: watcher !== null,
      board,
      pid: 1,
      stateLost: false,
    });
    return { agent, events };
  }

  #state(life: Life): State {
    const state = this.durable.open(life, () => undefined);
    const base: BaseStore = {
      ...state.base,
      // As the real one: directories too.
      byInode: (dev, ino) =>
        Promise.resolve(
          [...this.durable.base]
            .filter(([, { local }]) => local.dev === dev && local.ino === ino)
            .map(([path]) => path)
            .sort(),
        ),
    };
    const { queue } = state;
    return {
      ...state,
      base,
      queue: { ...queue, due: async (...asked) => this.shuffle(await queue.due(...asked)) },
    };
  }
}
