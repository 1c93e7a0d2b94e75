/** What a simulation is about: the world, the people in it, and what must hold when the trouble is over. */
import type { Durable } from './durable.js';
import type { FakeWatcher } from './fake-watcher.js';
import type { Random } from './random.js';
import type { Run, RunParts, RunWorld } from './run.js';
import type { Editor } from './user.js';
import type { VirtualClock } from './virtual-clock.js';

/** What a scene is made on. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly durable: Durable;
  readonly watchers: ReadonlySet<FakeWatcher>;
  readonly random: Random;
  /** See `LaterKnobs`. */
  readonly later: Random;
  /** How badly the kernel tells of edits just now. */
  readonly events: () => { readonly lost: number; readonly twice: number; readonly late: number };
  /** The agent as it runs now. */
  readonly run: () => Run | null;
  /** Nothing goes wrong any more. */
  readonly calm: () => boolean;
}

/** A world as a simulation knows it. */
export interface SceneWorld extends RunWorld {
  readonly trace: readonly string[];
  /** What was seen to go wrong, in order. */
  readonly violations: readonly string[];
  /** Since when a person wants nothing to be done. */
  pausedSinceMs: number | null;
  /** Since when the state is lost and nobody allowed deletions. */
  lostSinceMs: number | null;
  /** Called in the gap of a replacement in two steps. */
  inReplacement: (path: string) => void | Promise<void>;
  /** The local side changed, and nobody may have wanted that. */
  localChanged(): void;
  /** All that can be told to be wrong at any time. */
  checkContents(): void;
}

export interface Scene {
  readonly world: SceneWorld;
  /** Of the local side. */
  readonly user: { does(edit: (editor: Editor) => string, told?: boolean): void };
  /** Somebody changes something on the server. */
  strangerWorks(): void;
  /** Somebody changes something just while the agent is at work. */
  somebodyWorks(): void;
  /** What both sides hold before the agent starts for the first time. */
  prepare(): void;
  runParts(): Pick<RunParts, 'settings' | 'ears'>;
  /** Whether the agent may end with this error at any time: it is started again. */
  forgives(error: unknown): boolean;
  /** Nothing is held for ever since a root is empty. */
  enliven(): void;
  /** People decide what waits for them. */
  decide(run: Run): void;
  /** Whether there is nothing in this seed that only a scan could find. */
  readonly isPrompt: boolean;
  /** What is not noticed at once is looked for once more after this: things that `openEnds` does not mind, too. */
  readonly looksAgainMs: number;
  /** What is not as it should be in the end; nothing, when all is well. */
  openEnds(records: boolean): string[];
  /** Whether some path can never be as it should, so that it is tried again and again. */
  isHopeless(): boolean;
}
