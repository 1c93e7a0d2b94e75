/** A whole agent in a world of trouble, by one seed; what the world is and what must hold in the end is the scene's. */
import { TowlineError, hasCode } from '../../src/core/errors.js';
import type { Hold } from '../../src/core/guard.js';
import { Durable, writingSteps } from './durable.js';
import type { FakeWatcher } from './fake-watcher.js';
import type { Knobs } from './knobs.js';
import type { Random } from './random.js';
import { type Run, type RunParts, startRun } from './run.js';
import type { Scene, Stage } from './scene.js';
import { SeededWeather } from './seeded-weather.js';
import { VirtualClock } from './virtual-clock.js';
import { Troubles } from './troubles.js';

/** How long the two sides may take to become equal once nothing goes wrong any more: a few of the longest waits. */
const convergeMs = 60 * 60_000;
/** …and how long they are watched for keeping quiet afterwards, in rescans. */
const quietRescans = 2.5;
/** …and how soon they are where no event was lost and nothing was refused: without the help of a scan. */
const promptMs = 100_000;
/** An agent that cannot write its state ends so soon: what is in flight is given time, and the machine may stand still meanwhile. */
const stopsWithinMs = 120_000;
/** Why the agent may end by itself before it watches: the supervisor starts it again. */
const forgiven = ['not-found', 'vanished', 'permission', 'changed', 'protocol', 'no-space', 'configuration'];

export interface Outcome {
  readonly virtualMs: number;
  readonly mutations: number;
  readonly crashes: number;
  /** Partials that were gone on with. */
  readonly resumed: number;
}

/** What a seed stands for. */
export interface Script {
  readonly seed: number;
  readonly random: Random;
  /** For what came later: see `LaterKnobs`. */
  readonly later: Random;
  readonly knobs: Knobs;
  readonly scene: (stage: Stage) => Scene;
  /** The test that plays it. */
  readonly test: string;
}

/**
 * Runs one seed.
 * @throws when something happened that must not, with the seed and what led to it
 */
export async function play(script: Script): Promise<Outcome> {
  const simulation = new Simulation(script);
  try {
    return await simulation.run();
  } finally {
    simulation.end();
  }
}

class Simulation {
  readonly #script: Script;
  readonly #random: Random;
  readonly #later: Random;
  readonly #knobs: Knobs;
  readonly #clock = new VirtualClock();
  readonly #durable: Durable;
  readonly #watchers = new Set<FakeWatcher>();
  readonly #weather: SeededWeather;
  readonly #scene: Scene;
  readonly #troubles: Troubles;
  #run: Run | null = null;
  #crashes = 0;
  #stopping = false;
  /** When the state last found no room. */
  #fullAtMs = -Infinity;

  constructor(script: Script) {
    const { random, later, knobs } = script;
    this.#script = script;
    this.#random = random;
    this.#later = later;
    this.#knobs = knobs;
    this.#durable = new Durable(knobs.directoryInodes);
    this.#weather = new SeededWeather(
      random,
      knobs,
      () => this.#crash(),
      () => this.#scene.somebodyWorks(),
    );
    const stage = { clock: this.#clock, durable: this.#durable, watchers: this.#watchers, random, later };
    this.#scene = script.scene({
      ...stage,
      events: () => (this.#weather.calm ? { lost: 0, twice: 0, late: 0 } : knobs.events),
      run: () => this.#run,
      calm: () => this.#weather.calm,
    });
    this.#troubles = new Troubles({
      ...stage,
      world: this.#scene.world,
      weather: this.#weather,
      user: this.#scene.user,
      run: () => this.#run,
    });
    this.#scene.world.inReplacement = () => this.#inReplacement();
  }

  async run(): Promise<Outcome> {
    this.#scene.prepare();
    // What both sides hold is older than all that follows.
    await this.#clock.run(10_000);
    this.#start();
    await this.#clock.run(this.#scheduleTrouble());
    this.#calmDown();
    await this.#converge();
    if (this.#scene.looksAgainMs > 0) {
      await this.#clock.run(this.#scene.looksAgainMs);
      await this.#converge();
    }
    await this.#keepQuiet();
    await this.#stop();
    this.#judge();
    return {
      virtualMs: this.#clock.now() - 1_700_000_000_000,
      mutations: this.#scene.world.mutations,
      crashes: this.#crashes,
      resumed: this.#scene.world.resumed,
    };
  }

  /** Nothing of it lives on. */
  end(): void {
    this.#stopping = true;
    this.#run?.life.end();
  }

  #start(): void {
    if (this.#stopping) return;
    this.#watchers.clear();
    this.#scene.world.pausedSinceMs = null;
    const parts: RunParts = {
      world: this.#scene.world,
      clock: this.#clock,
      durable: this.#durable,
      knobs: this.#knobs,
      weather: this.#weather,
      stateStep: (when, what) => this.#stateStep(when, what),
      watchers: this.#watchers,
      seed: this.#script.seed + this.#crashes,
      persistent: true,
    };
    const run = startRun({ ...parts, ...this.#scene.runParts() });
    this.#run = run;
    this.#scene.world.note('the agent starts');
    run.agent.watch().then(
      () => this.#ended(run, null),
      (error: unknown) => this.#ended(run, error),
    );
  }

  /** The agent ended by itself: whoever supervises it starts it again. */
  #ended(run: Run, error: unknown): void {
    if (!run.life.alive || this.#stopping) return;
    this.#scene.world.note(`the agent ended: ${String(error)}`);
    // What was refused before may only now have come through, if the agent stood still meanwhile.
    const mayEnd = (!this.#weather.calm || this.#weather.dealt(error)) && !run.isWatching();
    const full = this.#clock.now() - this.#fullAtMs < stopsWithinMs && hasCode(error, 'state');
    const known =
      full ||
      this.#scene.forgives(error) ||
      (mayEnd && error instanceof TowlineError && forgiven.includes(error.code));
    if (!known)
      this.#scene.world.violation(
        `the agent ended: ${error instanceof Error ? (error.stack ?? '') : 'quietly'}`,
      );
    run.life.end();
    this.#clock.timer(1_000, () => this.#startAgain());
  }

  #crash(): void {
    if (this.#run?.life.alive !== true) return;
    this.#crashes++;
    this.#scene.world.note('the agent crashes');
    this.#run.life.end();
    this.#scene.world.checkContents();
    this.#clock.timer(this.#random.pick([0, 10, 1_000, 30_000]), () => this.#startAgain());
  }

  #startAgain(): void {
    if (!this.#weather.calm && this.#later.chance(this.#knobs.stateLost)) {
      this.#scene.world.note('the state is corrupt and is set aside');
      this.#durable.lose();
      this.#scene.world.lostSinceMs = this.#clock.now();
    }
    this.#start();
  }

  #stateStep(when: 'before' | 'after', what: string): void {
    if (this.#weather.calm) return;
    if (this.#random.chance(this.#knobs.stateCrash)) this.#crash();
    if (when === 'after' || !writingSteps.has(what)) return;
    if (!this.#weather.stateFull && !this.#later.chance(this.#knobs.stateRefused)) return;
    this.#scene.world.note(`no room for ${what}`);
    this.#fullAtMs = this.#clock.now();
    throw new TowlineError('state', 'the disk of the state is full');
  }

  async #inReplacement(): Promise<void> {
    if (this.#weather.calm) return;
    if (this.#random.chance(0.05)) this.#run?.link.drop(this.#weather.downMs());
    else if (this.#random.chance(0.05)) this.#crash();
    else if (this.#random.chance(0.1)) return;
    else return;
    throw new TowlineError('network', 'the connection was lost');
  }

  /** Returns how long it goes on. */
  #scheduleTrouble(): number {
    const { edits, editGapMs, foreign, troubles, pauses, stateFull, stalls } = this.#knobs;
    let atMs = 0;
    for (let count = 0; count < edits; count++) {
      atMs += this.#random.chance(0.1) ? this.#random.below(5_000) : this.#random.below(editGapMs);
      this.#clock.timer(atMs, () => this.#scene.user.does((editor) => editor.some()));
    }
    const wholeMs = atMs + 2_000;
    for (let count = 0; count < foreign; count++) {
      this.#clock.timer(this.#random.below(wholeMs), () => this.#scene.strangerWorks());
    }
    for (let count = 0; count < troubles; count++) {
      this.#clock.timer(this.#random.below(wholeMs), () => this.#troubles.begin(this.#random.below(20_000)));
    }
    const later = (count: number, begin: (ms: number) => void) => {
      for (let left = count; left > 0; left--)
        this.#clock.timer(this.#later.below(wholeMs), () => begin(this.#later.below(20_000)));
    };
    later(pauses, (ms) => this.#troubles.pause(ms));
    later(stalls, () => this.#troubles.stall(this.#later.between(5_000, 25_000)));
    later(stateFull, (ms) => this.#troubles.stateFull(ms));
    return wholeMs;
  }

  #calmDown(): void {
    this.#scene.world.note('from here on nothing goes wrong');
    this.#weather.calm = true;
    this.#troubles.endAll();
    this.#scene.enliven();
  }

  async #converge(): Promise<void> {
    const endMs = this.#clock.now() + (this.#isPrompt() ? promptMs : convergeMs);
    // What froze in the pipe of an earlier connection is done by then.
    for (let pauseMs = 6_000; this.#clock.now() < endMs; pauseMs = Math.min(pauseMs * 2, 60_000)) {
      await this.#clock.run(pauseMs);
      this.#throwViolations();
      if (this.#openEnds(!this.#isPrompt()).length === 0) return;
      await this.#allowDeletes();
      if (this.#run?.life.alive === true) this.#scene.decide(this.#run);
    }
    const open = this.#openEnds().slice(0, 5).join('\n');
    throw this.#failure(`the sides did not become equal${this.#isPrompt() ? ' soon' : ''}:\n${open}`);
  }

  /** Nothing keeps what was seen from being on the other side at once: it must not take a scan to find it again. */
  #isPrompt(): boolean {
    return this.#scene.isPrompt && this.#knobs.rescanMs > promptMs;
  }

  /** The guard holds back more than the seed allows: a person says that it may go. */
  async #allowDeletes(): Promise<void> {
    const run = this.#run;
    if (run?.life.alive !== true || this.#durable.queue.size === 0) return;
    const { holds } = run.agent.summary();
    const mayGo = ({ cause }: Hold) => cause === 'too-many-deletions' || cause === 'state-lost';
    if (holds.length === 0 || !holds.every(mayGo)) return;
    this.#scene.world.note('a person allows the deletions');
    this.#scene.world.lostSinceMs = null;
    let resumed = false;
    run.agent.control.resume({ allowDeletes: true }).then(
      () => (resumed = true),
      (error: unknown) => {
        // It can be said again when the server is there.
        if (hasCode(error, 'network')) resumed = true;
        else this.#scene.world.violation(`resume: ${String(error)}`);
      },
    );
    if (!(await this.#clock.run(60_000, () => resumed))) throw this.#failure('resuming took a minute');
  }

  /** Once equal, nothing is written any more. */
  async #keepQuiet(): Promise<void> {
    // What made them equal has an end too: the times of folders come last.
    await this.#clock.run(1_000);
    const before = this.#scene.world.mutations;
    await this.#clock.run(this.#knobs.rescanMs * quietRescans);
    this.#throwViolations();
    // A path that cannot be carried over may just be tried again.
    await this.#clock.run(1_000, () => this.#openEnds().length === 0);
    const open = this.#openEnds();
    if (open.length > 0) throw this.#failure(`the sides did not stay equal:\n${open.join('\n')}`);
    if (this.#scene.isHopeless() || this.#scene.world.mutations === before) return;
    throw this.#failure(
      `${String(this.#scene.world.mutations - before)} changes were made though the sides were equal`,
    );
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    let stopped = false;
    void this.#run?.agent.stop().then(() => (stopped = true));
    if (!(await this.#clock.run(5_000, () => stopped)))
      throw this.#failure('the agent did not stop within 5 s');
  }

  #judge(): void {
    this.#scene.world.checkContents();
    this.#throwViolations();
    const open = this.#openEnds();
    if (open.length > 0) throw this.#failure(`after the stop:\n${open.join('\n')}`);
  }

  #openEnds(records = true): string[] {
    const ends = this.#scene.openEnds(records);
    return this.#run?.life.alive === true ? ends : ['the agent does not run', ...ends];
  }

  #throwViolations(): void {
    const [first] = this.#scene.world.violations;
    if (first !== undefined) throw this.#failure(first);
  }

  #failure(what: string): Error {
    const { test } = this.#script;
    const seed = String(this.#script.seed);
    const trace = process.env.TOWLINE_SIM_SEED === undefined ? '' : `\n${this.#scene.world.trace.join('\n')}`;
    return new Error(
      `seed ${seed}: ${what}\nReplay: TOWLINE_SIM_SEED=${seed} npx vitest run ${test}${trace}`,
    );
  }
}
