import type { Kind } from '../../src/core/entry.js';
import { createFilter, type Filter } from '../../src/core/filter.js';
import type { FilterRule } from '../../src/core/filter-rules.js';
import { nameProblem } from '../../src/core/path.js';
import { createMemoryStorage, type MemoryStorage } from '../../src/storage/memory/storage.js';
import type { Knobs } from './knobs.js';
import type { VirtualClock } from './virtual-clock.js';

/** A plan may rest on what was so long ago, ms: listings, latencies and settling in between. */
export const staleMs = 60_000;
export const rootStaleMs = 10_000;
/** What was under way, or in the pipe of a connection that broke, is done by then. */
export const frozenMs = 10_000;

/** What all simulated worlds stand on: two sides in memory, and what is written down of them. */
export class Ground {
  readonly local: MemoryStorage;
  readonly remote: MemoryStorage;
  readonly filter: Filter;
  readonly trace: string[] = [];
  /** What was seen to go wrong, in order. */
  readonly violations: string[] = [];
  /** Changes the agent made. */
  mutations = 0;
  /** Partials that were gone on with. */
  resumed = 0;
  /** Since when a person wants nothing to be done. */
  pausedSinceMs: number | null = null;
  /** Since when the state is lost and nobody allowed deletions. */
  lostSinceMs: number | null = null;
  /** Called in the gap of a replacement in two steps. */
  inReplacement: (path: string) => void | Promise<void> = () => undefined;
  protected readonly clock: VirtualClock;

  constructor(clock: VirtualClock, server: Knobs['remote'], rules: readonly FilterRule[]) {
    this.clock = clock;
    const now = () => clock.now();
    this.local = createMemoryStorage({ label: 'local', now });
    const { clockOffsetMs, ...capabilities } = server;
    this.remote = createMemoryStorage({
      label: 'remote',
      now,
      clockOffsetMs,
      timeGranularityMs: 1000,
      identity: false,
      capabilities,
      before: (operation, path) => (operation === 'replace' ? this.inReplacement(path) : undefined),
    });
    this.filter = createFilter({ rules, defaults: true, droppings: true });
  }

  note(text: string): void {
    this.trace.push(`${String(this.clock.now() - 1_700_000_000_000)} ${text}`);
    if (this.trace.length > 4_000) this.trace.splice(2_000, 1_000);
  }

  violation(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  /** Nobody is to touch it: by the user's words, or as its name cannot be carried. */
  excluded(path: string, kind: Kind): boolean {
    const named = path.split('/').every((name) => nameProblem(name) === null);
    return !named || this.filter.excludes(path, kind);
  }
}
