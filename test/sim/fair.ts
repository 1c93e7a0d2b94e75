/** One agent in fair weather, on a world that a test puts its hands on at chosen moments. */
import { Durable } from './durable.js';
import type { FakeWatcher } from './fake-watcher.js';
import { ableRemote, type Knobs, knobsOf } from './knobs.js';
import { Random } from './random.js';
import { type Run, startRun } from './run.js';
import { eventsOf } from './user.js';
import { VirtualClock } from './virtual-clock.js';
import type { Fault, Side, Weather } from './wire.js';
import { World } from './world.js';

/** Nothing out of the ordinary, and no scan but the first. */
export const fairKnobs: Knobs = {
  ...knobsOf(new Random(1)),
  delete: true,
  maxDelete: { percent: 100, butAtLeast: 0 },
  compare: 'mtime+size',
  settleMs: 20,
  rescanMs: 24 * 60 * 60_000,
  remote: ableRemote,
};

export class FairStage {
  readonly clock = new VirtualClock();
  readonly durable = new Durable();
  readonly watchers = new Set<FakeWatcher>();
  readonly knobs: Knobs;
  readonly world: World;
  /** Told of every call before it is done; what it returns happens to the call. */
  onCall: (side: Side, operation: string, path: string) => Fault | undefined = () => undefined;
  #run: Run | null = null;

  constructor(knobs: Partial<Knobs> = {}) {
    this.knobs = { ...fairKnobs, ...knobs };
    this.world = new World(this.clock, this.knobs);
  }

  get run(): Run {
    if (this.#run === null) throw new Error('the agent was not started');
    return this.#run;
  }

  /** Starts the agent (again), on the state as it was left. */
  start(): void {
    const weather: Weather = {
      fault: (side, operation, path) => this.onCall(side, operation, path) ?? { type: 'none' },
      latencyMs: (side) => (side === 'local' ? 0 : 10),
      downMs: () => 1_000,
      frozenMs: () => null,
      denied: () => 'no',
      crash: () => this.run.life.end(),
    };
    const { world, clock, durable, knobs, watchers } = this;
    const stateStep = () => undefined;
    this.#run = startRun({
      ...{ world, clock, durable, knobs, weather, stateStep, watchers },
      seed: 1,
      persistent: true,
    });
    this.#run.agent.watch().catch((error: unknown) => world.violation(String(error)));
  }

  /** The user does something; the watcher tells of it at once, or not at all. */
  edit(change: () => void, told = true): void {
    change();
    const { before, after } = this.world.localChanged();
    if (!told) return;
    for (const event of eventsOf(before, after)) for (const watcher of this.watchers) watcher.tell(event);
  }

  /** All that can be seen to have gone wrong. */
  violations(): readonly string[] {
    this.world.checkContents();
    return this.world.violations;
  }
}
