/** Troubles that last for a while and then pass. */
import { TowlineError } from '../../src/core/errors.js';
import type { FakeWatcher } from './fake-watcher.js';
import type { Random } from './random.js';
import type { Run } from './run.js';
import type { SeededWeather } from './seeded-weather.js';
import type { Scene, SceneWorld } from './scene.js';
import { save } from './user.js';
import type { VirtualClock } from './virtual-clock.js';
import { walkTree } from './walk-tree.js';
import type { Side } from './wire.js';

export interface TroublesParts {
  readonly world: SceneWorld;
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly weather: SeededWeather;
  readonly watchers: ReadonlySet<FakeWatcher>;
  readonly user: Scene['user'];
  /** The agent as it runs now. */
  readonly run: () => Run | null;
}

export class Troubles {
  readonly #parts: TroublesParts;
  readonly #active = new Set<() => void>();
  #rootIsBad = false;

  constructor(parts: TroublesParts) {
    this.#parts = parts;
  }

  /** Some trouble begins, and passes after `ms`. */
  begin(ms: number): void {
    const { random } = this.#parts;
    const kinds = [
      () => this.#rootGone(),
      () => this.#rootEmptied(),
      () => this.#denied('local'),
      () => this.#denied('remote'),
      () => this.#noSpace(),
      () => this.#watcherFails(),
      () => this.#unreadable(),
    ];
    this.#lasts(ms, random.pick(kinds)());
  }

  /** The volume of the state is full for so long. */
  stateFull(ms: number): void {
    const { world, weather } = this.#parts;
    world.note('the volume of the state is full');
    weather.stateFull = true;
    this.#lasts(ms, () => {
      world.note('the volume of the state has room');
      weather.stateFull = false;
    });
  }

  /** A person pauses the agent for so long, if it lives so long. */
  pause(ms: number): void {
    const { world, clock, run } = this.#parts;
    if (run()?.life.alive !== true) return;
    world.note('a person pauses the agent');
    run()?.agent.control.pause();
    world.pausedSinceMs = clock.now();
    this.#lasts(ms, () => {
      world.note('a person ends the pause');
      world.pausedSinceMs = null;
      void run()?.agent.control.resume();
    });
  }

  /** The agent stands still for so long; what people do meanwhile is more than the kernel keeps. */
  stall(ms: number): void {
    const { world, clock, user } = this.#parts;
    world.note(`the agent stands still for ${String(ms)} ms`);
    clock.standStill(ms);
    for (let count = 0; count < 3; count++) user.does((editor) => editor.some(), false);
  }

  #lasts(ms: number, undo: () => void): void {
    const end = () => {
      if (this.#active.delete(end)) undo();
    };
    this.#active.add(end);
    this.#parts.clock.timer(ms, end);
  }

  endAll(): void {
    for (const end of [...this.#active]) end();
    this.#readable();
  }

  #rootGone(): () => void {
    const { world, watchers, random } = this.#parts;
    if (this.#rootIsBad) return () => undefined;
    this.#rootIsBad = true;
    const putBack = save(world.local.edit);
    world.note('the root is gone');
    world.local.edit.remove('');
    world.localChanged();
    const error = random.chance(0.8) ? new TowlineError('not-found', 'the folder is gone') : null;
    for (const watcher of watchers) watcher.fail(error);
    return () => {
      world.note('the root is back');
      putBack();
      world.localChanged();
      this.#rootIsBad = false;
    };
  }

  #rootEmptied(): () => void {
    const { world, user } = this.#parts;
    if (this.#rootIsBad) return () => undefined;
    this.#rootIsBad = true;
    const edit = world.local.edit;
    const putBack = save(edit);
    user.does(() => {
      for (const name of edit.names('')) edit.remove(name);
      return 'empty the root';
    });
    return () => {
      user.does(() => {
        putBack();
        return 'fill the root again';
      });
      this.#rootIsBad = false;
    };
  }

  #denied(side: Side): () => void {
    const { world, random, weather } = this.#parts;
    const paths = [...walkTree(world[side].edit).keys()];
    if (paths.length === 0) return () => undefined;
    const path = random.pick(paths);
    const how = random.chance(0.5) ? 'list' : 'all';
    world.note(`${side} '${path}' cannot be reached (${how})`);
    weather.denials[side].set(path, how);
    return () => {
      world.note(`${side} '${path}' can be reached`);
      weather.denials[side].delete(path);
    };
  }

  #noSpace(): () => void {
    const { world, random } = this.#parts;
    world.note('no space');
    world.remote.capacity(random.below(300));
    return () => world.remote.capacity(null);
  }

  #watcherFails(): () => void {
    const { world, watchers } = this.#parts;
    world.note('the watcher fails');
    for (const watcher of watchers) watcher.fail(new TowlineError('internal', 'events were lost'));
    return () => undefined;
  }

  /** The user takes away their own permission, and gives it back. */
  #unreadable(): () => void {
    const { world, random, user } = this.#parts;
    const edit = world.local.edit;
    const paths = [...walkTree(edit)].filter(([, { kind }]) => kind !== 'symlink').map(([path]) => path);
    if (paths.length === 0) return () => undefined;
    const path = random.pick(paths);
    user.does(() => {
      edit.chmod(path, random.pick([0, 0o300, 0o111]));
      return `chmod ${path} unreadable`;
    });
    return () => this.#readable();
  }

  #readable(): void {
    const { world, user } = this.#parts;
    const edit = world.local.edit;
    user.does(() => {
      for (const [path, { kind, mode }] of walkTree(edit)) {
        if (kind !== 'symlink' && (mode & 0o400) === 0)
          edit.chmod(path, kind === 'directory' ? 0o755 : 0o644);
      }
      return 'chmod readable';
    });
  }
}
