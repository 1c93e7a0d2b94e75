/** The simulation of a push: one who edits here, strangers on the server, and a mirror in the end. */
import { hasCode } from '../../src/core/errors.js';
import { hopelessPaths, openEnds } from './judge.js';
import { type Knobs, knobsOf, laterKnobsOf } from './knobs.js';
import { Random } from './random.js';
import type { Scene, Stage } from './scene.js';
import { type Outcome, play } from './simulation.js';
import { Editor, LocalUser } from './user.js';
import { walkTree } from './walk-tree.js';
import { World } from './world.js';

/**
 * Runs one seed.
 * @throws when something happened that must not, with the seed and what led to it
 */
export function simulate(seed: number, adjust: Partial<Knobs> = {}): Promise<Outcome> {
  const random = new Random(seed);
  const later = new Random(seed ^ 0x1a7e);
  const knobs = { ...knobsOf(random), ...laterKnobsOf(later), ...adjust };
  const scene = (stage: Stage) => new PushScene(stage, knobs);
  return play({ seed, random, later, knobs, scene, test: 'test/sim' });
}

class PushScene implements Scene {
  readonly world: World;
  readonly user: LocalUser;
  readonly #stage: Stage;
  readonly #knobs: Knobs;
  readonly #stranger: Editor;

  constructor(stage: Stage, knobs: Knobs) {
    const { clock, random, watchers, events } = stage;
    this.#stage = stage;
    this.#knobs = knobs;
    this.world = new World(clock, knobs);
    const mayDeceive = (path: string) => this.#isKnown(path);
    const { world } = this;
    this.user = new LocalUser({ world, random, clock, watchers, mayDeceive, events, knobs });
    this.#stranger = new Editor(world.remote.edit, random, clock, null, knobs);
  }

  get isPrompt(): boolean {
    const { events, faults, foreign, troubles } = this.#knobs;
    return !(events.lost > 0 || foreign > 0 || troubles > 0 || faults.refused > 0 || faults.frozen > 0);
  }

  readonly looksAgainMs = 0;

  /** A stranger on the server does something, if there is room for it. */
  strangerWorks(): void {
    try {
      this.world.note(`stranger: ${this.#stranger.some()}`);
    } catch (error) {
      if (!hasCode(error, 'no-space')) throw error;
    }
    if (!this.#knobs.remote.modes) this.#forgetModes();
    this.world.foreignChanged();
  }

  somebodyWorks(): void {
    this.user.does((editor) => editor.some());
  }

  prepare(): void {
    const { random } = this.#stage;
    const local = this.world.local.edit;
    for (let count = random.between(0, 14); count > 0; count--) this.user.does((editor) => editor.some());
    this.world.localChanged();
    const remote = this.world.remote.edit;
    for (const [path, { kind, mode, mtimeMs, content }] of walkTree(local)) {
      if (!random.chance(0.4) || remote.stat(path) !== null) continue;
      if (kind === 'directory') remote.mkdir(path, mode);
      else if (kind === 'symlink') remote.symlink(content, path);
      else remote.write(path, local.read(path), { mode, mtimeMs });
    }
    for (let count = random.below(5); count > 0; count--) this.strangerWorks();
    if (!this.#knobs.remote.modes) this.#forgetModes();
    this.world.foreignChanged();
  }

  runParts(): Record<string, never> {
    return {};
  }

  forgives(): boolean {
    return false;
  }

  /** A root that is empty for good is held for good, and rightly so. */
  enliven(): void {
    const shown = [...walkTree(this.world.local.edit)].some(
      ([path, { kind }]) => !this.world.excluded(path, kind),
    );
    if (!shown) this.user.does((editor) => editor.write('last'));
  }

  decide(): void {
    // Nothing waits for a person in a push.
  }

  openEnds(records: boolean): string[] {
    return openEnds(this.world, this.#stage.durable, this.#knobs, records);
  }

  isHopeless(): boolean {
    return hopelessPaths(this.world, this.#knobs).length > 0;
  }

  /**
   * The base knows this very file and its content. Where it does not (it was adopted by size and time, or the root was
   * empty for a while, or the state may be lost), size and whole seconds are all there is to go by.
   */
  #isKnown(path: string): boolean {
    const was = this.#stage.durable.base.get(path)?.local;
    const now = this.world.local.edit.stat(path);
    return (
      this.#knobs.troubles === 0 &&
      this.#knobs.stateLost === 0 &&
      was?.hash !== undefined &&
      was.size === now?.size &&
      was.mtimeMs === now.mtimeMs
    );
  }

  /** A side that keeps no modes has none that could be in the way. */
  #forgetModes(): void {
    const { edit } = this.world.remote;
    for (const [path, { kind }] of walkTree(edit)) {
      if (kind !== 'symlink') edit.chmod(path, kind === 'directory' ? 0o755 : 0o644);
    }
  }
}
