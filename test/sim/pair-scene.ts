/** The simulation of all modes: people at work on both sides at once. */
import { hasCode, TowlineError } from '../../src/core/errors.js';
import { type Mode, type Resolution, isMirror, writtenSidesOf } from '../../src/core/policy.js';
import { deletingSides, type Settings } from '../../src/engine/context.js';
import type { FakeWatcher } from './fake-watcher.js';
import { blockedPaths, pairOpenEnds } from './pair-judge.js';
import { type PairKnobs, pairKnobsOf } from './pair-knobs.js';
import { PairWorld } from './pair-world.js';
import { Random } from './random.js';
import { type Run, type RunParts, settingsOf } from './run.js';
import type { Scene, Stage } from './scene.js';
import { type Outcome, play } from './simulation.js';
import { Editor, eventsOf, tell } from './user.js';
import { walkTree } from './walk-tree.js';
import type { Side } from './wire.js';

const resolutions: readonly Resolution[] = ['local', 'remote', 'both'];
/** More than any seed makes: a conflict that waits for room would wait for ever. */
const copiesMax = 1_000;

/**
 * Runs one seed in one mode.
 * @param test the test that is named where it fails
 * @throws when something happened that must not, with the seed and what led to it
 */
export function simulatePair(
  mode: Mode,
  seed: number,
  test: string,
  adjust: Partial<PairKnobs> = {},
): Promise<Outcome> {
  // Other dice for each mode: a seed is another story in each of them.
  const salt = saltOf(mode);
  const random = new Random(seed ^ salt);
  const later = new Random(seed ^ salt ^ 0x1a7e);
  const knobs = { ...pairKnobsOf(mode, random, later), ...adjust };
  const scene = (stage: Stage) => new PairScene(stage, knobs);
  return play({ seed, random, later, knobs, scene, test: `${test} -t ${mode}:` });
}

function saltOf(mode: Mode): number {
  let salt = 7;
  for (let at = 0; at < mode.length; at++) salt = Math.imul(salt, 31) + mode.charCodeAt(at);
  return salt;
}

class PairScene implements Scene {
  readonly world: PairWorld;
  readonly user: Scene['user'];
  readonly #stage: Stage;
  readonly #knobs: PairKnobs;
  readonly #editors: Readonly<Record<Side, Editor>>;
  readonly #remoteWatchers = new Set<FakeWatcher>();
  #settings: Settings;

  constructor(stage: Stage, knobs: PairKnobs) {
    const { clock, durable, random } = stage;
    this.#stage = stage;
    this.#knobs = knobs;
    const { mode, conflict, onDrift } = knobs;
    this.#settings = { ...settingsOf(knobs), mode, conflict, onDrift, maxConflictCopies: copiesMax };
    this.world = new PairWorld({ clock, durable, knobs, settings: () => this.#settings });
    const mayDeceive = (path: string) => this.#isKnown(path);
    this.#editors = {
      local: new Editor(this.world.local.edit, random, clock, mayDeceive, knobs),
      remote: new Editor(this.world.remote.edit, random, clock, null, knobs, true),
    };
    this.user = { does: (edit, told) => this.#does('local', edit, told) };
    // What the agent itself does is seen by watchers, too.
    this.world.onChange = (side, before, after) => this.#tell(side, before, after);
  }

  readonly isPrompt = false;

  get looksAgainMs(): number {
    return 1.2 * Math.max(this.#knobs.rescanMs, this.#knobs.pollMs);
  }

  strangerWorks(): void {
    this.#does('remote', (editor) => editor.some());
  }

  somebodyWorks(): void {
    this.#does(this.#stage.random.chance(0.5) ? 'local' : 'remote', (editor) => editor.some());
  }

  prepare(): void {
    const { random, clock } = this.#stage;
    const { mode, conflict, onDrift, delete: deletes, compare } = this.#settings;
    this.world.note(JSON.stringify({ mode, conflict, onDrift, delete: deletes, compare }));
    const { local, remote } = this.world;
    for (let count = random.between(0, 14); count > 0; count--) this.user.does((editor) => editor.some());
    this.world.edit('remote', () => {
      for (const [path, { kind, mode, mtimeMs, content }] of walkTree(local.edit)) {
        if (!random.chance(0.6) || remote.edit.stat(path) !== null) continue;
        if (kind === 'directory') remote.edit.mkdir(path, mode);
        else if (kind === 'symlink') remote.edit.symlink(content, path);
        else remote.edit.write(path, local.edit.read(path), { mode, mtimeMs });
      }
      return 'copy what is here';
    });
    for (let count = random.below(5); count > 0; count--) this.strangerWorks();
    for (let count = this.#knobs.decisions; count > 0; count--)
      clock.timer(random.below(60_000), () => {
        const run = this.#stage.run();
        if (run?.life.alive === true && !this.#stage.calm()) this.decide(run);
      });
  }

  runParts(): Pick<RunParts, 'settings' | 'ears'> {
    this.#remoteWatchers.clear();
    const { hints, pollMs } = this.#knobs;
    return { settings: this.#settings, ears: { watchers: hints ? this.#remoteWatchers : null, pollMs } };
  }

  /** Somebody changed what nobody should have, and the agent is to stop over that: in the end a person lets it go on. */
  forgives(error: unknown): boolean {
    if (!hasCode(error, 'drift') || this.#settings.onDrift !== 'halt') return false;
    if (this.#stage.calm()) {
      this.world.note('a person says that drift is to be overwritten');
      this.#settings = { ...this.#settings, onDrift: 'overwrite' };
    }
    return true;
  }

  enliven(): void {
    // Nor since a folder over there got the mode of one that was made unreadable here.
    this.#does('remote', () => {
      const { edit } = this.world.remote;
      for (const [path, { kind, mode }] of walkTree(edit))
        if (kind === 'directory' && (mode & 0o500) !== 0o500) edit.chmod(path, 0o755);
      return 'chmod readable';
    });
    for (const side of deletingSides(this.#settings)) {
      const shown = [...this.world.tree(side)].some(([path, { kind }]) => !this.world.excluded(path, kind));
      if (!shown) this.#does(side, (editor) => editor.write(`last ${side}`));
    }
  }

  decide({ agent }: Run): void {
    const { durable, random } = this.#stage;
    const waiting = [...durable.queue.values()].filter(({ problem }) => problem?.code === 'conflict');
    if (waiting.length === 0) return;
    const { path } = random.pick(waiting);
    const keep = random.pick(resolutions);
    this.world.decided(path, keep);
    agent.control.resolve(path, keep).catch((error: unknown) => {
      if (!(error instanceof TowlineError)) this.world.violation(`resolve: ${String(error)}`);
    });
  }

  openEnds(records: boolean): string[] {
    const { durable } = this.#stage;
    return pairOpenEnds(
      { world: this.world, durable, settings: this.#settings, knobs: this.#knobs },
      records,
    );
  }

  isHopeless(): boolean {
    const { durable } = this.#stage;
    const parts = { world: this.world, durable, settings: this.#settings, knobs: this.#knobs };
    return blockedPaths(parts).length > 0 || durable.queue.size > 0;
  }

  #does(side: Side, edit: (editor: Editor) => string, told = true): void {
    const { edit: hands } = this.world[side];
    if (hands.stat('') === null) return;
    const { before, after } = this.world.edit(side, () => this.#tried(side, () => edit(this.#editors[side])));
    if (told) this.#tell(side, before, after);
  }

  /** There may be no room on the server. */
  #tried(side: Side, work: () => string): string {
    try {
      return work();
    } catch (error) {
      if (!hasCode(error, 'no-space')) throw error;
      return 'nothing, for want of space';
    } finally {
      if (side === 'remote' && !this.#knobs.remote.modes) this.#forgetModes();
    }
  }

  #tell(side: Side, ...[before, after]: Parameters<typeof eventsOf>): void {
    const { random, clock, watchers, events } = this.#stage;
    const isLinked = this.#stage.run()?.link.state.name === 'ready';
    if (side === 'remote' && !isLinked) return;
    const ears = side === 'local' ? watchers : this.#remoteWatchers;
    tell(eventsOf(before, after), { random, clock, watchers: ears, odds: events() });
  }

  /**
   * Only where our side counts, and where the base knows this very file: elsewhere size and whole seconds are all there is
   * to go by.
   */
  #isKnown(path: string): boolean {
    const { mode, troubles, stateLost } = this.#knobs;
    const was = this.#stage.durable.base.get(path)?.local;
    const now = this.world.local.edit.stat(path);
    const counts = mode !== 'pull-backup' && (!isMirror(mode) || !writtenSidesOf(mode).includes('local'));
    const known = was?.hash !== undefined && was.size === now?.size && was.mtimeMs === now.mtimeMs;
    return counts && troubles === 0 && stateLost === 0 && known;
  }

  /** A side that keeps no modes has none that could be in the way. */
  #forgetModes(): void {
    const { edit } = this.world.remote;
    for (const [path, { kind }] of walkTree(edit)) {
      if (kind !== 'symlink') edit.chmod(path, kind === 'directory' ? 0o755 : 0o644);
    }
  }
}
