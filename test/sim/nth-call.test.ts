/** Fails the first, second, third … call of a storage until a run survives, in each way a call can fail. */
import { expect, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import type { MemoryEdit } from '../../src/storage/memory/edit.js';
import { Durable } from './durable.js';
import { eventsOf } from './user.js';
import type { FakeWatcher } from './fake-watcher.js';
import { openEnds } from './judge.js';
import { ableRemote, type Knobs, knobsOf } from './knobs.js';
import { Random } from './random.js';
import { type Run, startRun } from './run.js';
import { VirtualClock } from './virtual-clock.js';
import type { Fault, Side, Weather } from './wire.js';
import { World } from './world.js';

interface Scenario {
  /** Both sides hold this and have been synced. */
  readonly before?: (edit: MemoryEdit) => void;
  /** What is done to the local side; every call that follows is counted. */
  readonly change: (edit: MemoryEdit) => void;
  readonly knobs?: Partial<Knobs>;
  /** Calls are counted only once this happened to one of them: what is tried is what follows. */
  readonly after?: { readonly operation: string; readonly nth: number; readonly fault: Fault };
}

/** Just worth resuming. */
const large = Buffer.alloc(2 * 2 ** 20 + 5, 'large ');
const noneRemoved = { delete: true, maxDelete: { percent: 100, butAtLeast: 0 } } as const;

const scenarios: Record<string, Scenario> = {
  'an upload that replaces': {
    before: (edit) => edit.write('a/f', 'old'),
    change: (edit) => edit.write('a/f', 'newer'),
  },
  'an upload that replaces in two steps': {
    before: (edit) => edit.write('a/f', 'old'),
    change: (edit) => edit.write('a/f', 'newer'),
    knobs: { remote: { ...plainKnobs().remote, atomicReplace: false } },
  },
  'a batch of deletions': {
    before: (edit) => ['a/b/1', 'a/b/2', 'a/3', 'c', 'd/4', 'keep'].forEach((path) => edit.write(path, path)),
    change: (edit) => ['a', 'c', 'd/4'].forEach((path) => edit.remove(path)),
    knobs: noneRemoved,
  },
  'a first sync of 30 paths': {
    change: (edit) => {
      for (let number = 0; number < 24; number++)
        edit.write(`d${String(number % 5)}/f${String(number)}`, 'x'.repeat(number));
      edit.symlink('d0/f0', 'link');
    },
  },
  'a resume over a new connection': {
    change: (edit) => edit.write('a/large', large),
    after: { operation: 'write', nth: 2, fault: { type: 'disconnect', done: true } },
  },
  'a resume by a new process': {
    change: (edit) => edit.write('a/large', large),
    // Late enough for some of it to be on record.
    after: { operation: 'complete', nth: 1, fault: { type: 'crash', done: false } },
  },
  'a file in place of a folder, and the other way round': {
    before: (edit) => ['a/1', 'a/2', 'b'].forEach((path) => edit.write(path, path)),
    change: (edit) => {
      edit.remove('a');
      edit.remove('b');
      edit.write('a', 'a file');
      edit.write('b/3', 'below');
    },
    knobs: noneRemoved,
  },
};

const faults: Record<string, () => Fault> = {
  'nothing is done': () => ({ type: 'refused', error: new TowlineError('permission', 'refused') }),
  'the reply is lost': () => ({ type: 'lost-reply' }),
  'the connection breaks before': () => ({ type: 'disconnect', done: false }),
  'the connection breaks after': () => ({ type: 'disconnect', done: true }),
  'the agent dies before': () => ({ type: 'crash', done: false }),
  'the agent dies after': () => ({ type: 'crash', done: true }),
};

const cases = Object.keys(scenarios).flatMap((scenario) =>
  Object.keys(faults).map((fault) => [scenario, fault] as const),
);

test.each(cases)('%s: %s', async (scenario, fault) => {
  let nth = 1;
  for (; ; nth++) {
    const stage = new Stage(scenarios[scenario]!, nth, faults[fault]!());
    if (!(await stage.play())) break;
  }
  // It would be an empty test if no call were counted.
  expect(nth).toBeGreaterThan(5);
});

/** Fair weather, but for one call. */
class OneFault implements Weather {
  counting = false;
  reached = false;
  onCrash: () => void = () => undefined;
  #left: number;
  readonly #fault: Fault;
  readonly #after: Scenario['after'];
  #seen = 0;

  constructor(nth: number, fault: Fault, after: Scenario['after']) {
    this.#left = nth;
    this.#fault = fault;
    this.#after = after;
  }

  fault(side: Side, operation: string): Fault {
    if (!this.counting || this.reached) return { type: 'none' };
    if (this.#after !== undefined && this.#seen < this.#after.nth) {
      if (operation === this.#after.operation) this.#seen++;
      return this.#seen === this.#after.nth ? this.#after.fault : { type: 'none' };
    }
    if (--this.#left > 0) return { type: 'none' };
    this.reached = true;
    // There is no line to break on this side, and no answer to lose.
    const local =
      side === 'local' && (this.#fault.type === 'disconnect' || this.#fault.type === 'lost-reply');
    return local ? { type: 'none' } : this.#fault;
  }

  latencyMs(side: Side): number {
    if (side === 'local') return 0;
    // Slow until what is tried begins, so that some of it is on record by then.
    return this.counting && this.#seen < (this.#after?.nth ?? 0) ? 1_500 : 1;
  }

  downMs(): number {
    return 1_000;
  }

  frozenMs(): number | null {
    return 10;
  }

  denied(): 'no' {
    return 'no';
  }

  crash(): void {
    this.onCrash();
  }
}

class Stage {
  readonly #scenario: Scenario;
  readonly #nth: number;
  readonly #knobs: Knobs;
  readonly #clock = new VirtualClock();
  readonly #durable = new Durable();
  readonly #watchers = new Set<FakeWatcher>();
  readonly #world: World;
  readonly #weather: OneFault;
  #run: Run | null = null;

  constructor(scenario: Scenario, nth: number, fault: Fault) {
    this.#scenario = scenario;
    this.#nth = nth;
    this.#knobs = { ...plainKnobs(), ...scenario.knobs };
    this.#world = new World(this.#clock, this.#knobs);
    this.#weather = new OneFault(nth, fault, scenario.after);
    this.#weather.onCrash = () => {
      this.#run?.life.end();
      this.#clock.timer(100, () => this.#start());
    };
  }

  /** Says whether the fault was reached. @throws when anything is not as it should be in the end */
  async play(): Promise<boolean> {
    const { before, change } = this.#scenario;
    before?.(this.#world.local.edit);
    this.#world.localChanged();
    this.#start();
    await this.#clock.run(120_000);
    this.#requireWell('before the change');
    this.#weather.counting = true;
    change(this.#world.local.edit);
    const { before: was, after } = this.#world.localChanged();
    for (const event of eventsOf(was, after)) {
      for (const watcher of this.#watchers) watcher.tell(event);
    }
    await this.#clock.run(30 * 60_000, () => this.#world.violations.length > 0);
    this.#requireWell('in the end');
    this.#run?.life.end();
    // The run that survives has seen what the scenario is about.
    if (!this.#weather.reached) expect(this.#world.resumed).toBe(this.#scenario.after === undefined ? 0 : 1);
    return this.#weather.reached;
  }

  #start(): void {
    const run = startRun({
      world: this.#world,
      clock: this.#clock,
      durable: this.#durable,
      knobs: this.#knobs,
      weather: this.#weather,
      stateStep: () => undefined,
      watchers: this.#watchers,
      seed: this.#nth,
      persistent: true,
    });
    this.#run = run;
    run.agent.watch().then(
      () => undefined,
      (error: unknown) => this.#ended(run, error),
    );
  }

  #ended(run: Run, error: unknown): void {
    if (!run.life.alive) return;
    run.life.end();
    this.#world.note(`the agent ended: ${String(error)}`);
    this.#clock.timer(1_000, () => this.#start());
  }

  #requireWell(when: string): void {
    this.#world.checkContents();
    const wrong = [...this.#world.violations, ...openEnds(this.#world, this.#durable, this.#knobs)];
    const trace = this.#world.trace.slice(-200).join('\n');
    if (wrong.length > 0)
      throw new Error(`call ${String(this.#nth)}, ${when}: ${wrong.join('; ')}\n${trace}`);
  }
}

function plainKnobs(): Knobs {
  const drawn = knobsOf(new Random(1));
  return {
    ...drawn,
    delete: false,
    compare: 'mtime+size',
    settleMs: 20,
    rescanMs: 600_000,
    remote: ableRemote,
  };
}
