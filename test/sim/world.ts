/** The two sides, their users, and what must never happen to them. */
import type { Kind } from '../../src/core/entry.js';
import { createFilter, type Filter } from '../../src/core/filter.js';
import { nameProblem } from '../../src/core/path.js';
import { isOwnName } from '../../src/core/tempname.js';
import { createMemoryStorage, type MemoryStorage } from '../../src/storage/memory/storage.js';
import type { Knobs } from './knobs.js';
import type { VirtualClock } from './virtual-clock.js';
import { type Seen, type Tree, seenAt, walkTree } from './walk-tree.js';

/** A plan may rest on what was so long ago, ms: listings, latencies and settling in between. */
const staleMs = 60_000;
const rootStaleMs = 10_000;
/** What was under way, or in the pipe of a connection that broke, is done by then. */
const frozenMs = 10_000;

/** What the user's own words exclude in every simulation. */
export const excludeRules = [{ type: 'exclude', pattern: '*.log', source: '--exclude' }] as const;

export class World {
  readonly local: MemoryStorage;
  readonly remote: MemoryStorage;
  readonly filter: Filter;
  readonly trace: string[] = [];
  /** What was seen to go wrong, in order. */
  readonly violations: string[] = [];
  /** Changes the agent made on the remote side. */
  mutations = 0;
  /** Partials that were gone on with. */
  resumed = 0;
  /** Since when a person wants nothing to be done. */
  pausedSinceMs: number | null = null;
  /** Since when the state is lost and nobody allowed deletions. */
  lostSinceMs: number | null = null;
  /** Called in the gap of a replacement in two steps. */
  inReplacement: (path: string) => void | Promise<void> = () => undefined;
  readonly #clock: VirtualClock;
  readonly #knobs: Pick<Knobs, 'delete'>;
  /** Per path: every content that somebody gave to it. */
  readonly #contents = new Map<string, Set<string>>();
  /** Per path and kind: since when it is there locally without a break, and when it was last. */
  readonly #presence = new Map<string, Map<Kind, { sinceMs: number; lastMs: number }>>();
  #localTree: Tree = new Map();
  #rootBadSinceMs: number | null = null;

  constructor(clock: VirtualClock, knobs: Pick<Knobs, 'delete' | 'remote'>) {
    this.#clock = clock;
    this.#knobs = knobs;
    const now = () => clock.now();
    this.local = createMemoryStorage({ label: 'local', now });
    const { clockOffsetMs, ...capabilities } = knobs.remote;
    this.remote = createMemoryStorage({
      label: 'remote',
      now,
      clockOffsetMs,
      timeGranularityMs: 1000,
      identity: false,
      capabilities,
      before: (operation, path) => (operation === 'replace' ? this.inReplacement(path) : undefined),
    });
    this.filter = createFilter({ rules: excludeRules, defaults: true, droppings: true });
  }

  get localTree(): Tree {
    return this.#localTree;
  }

  note(text: string): void {
    this.trace.push(`${String(this.#clock.now() - 1_700_000_000_000)} ${text}`);
    if (this.trace.length > 4_000) this.trace.splice(2_000, 1_000);
  }

  violation(text: string): void {
    this.note(`VIOLATION ${text}`);
    this.violations.push(text);
  }

  /** The user changed something locally. Returns the tree before and after. */
  localChanged(): { before: Tree; after: Tree } {
    const before = this.#localTree;
    const after = walkTree(this.local.edit);
    const nowMs = this.#clock.now();
    for (const [path, { kind, content }] of after) {
      if (kind !== 'directory') this.#learn(path, content);
      const kinds = this.#presence.get(path) ?? new Map<Kind, { sinceMs: number; lastMs: number }>();
      this.#presence.set(path, kinds);
      const sinceMs = before.get(path)?.kind === kind ? (kinds.get(kind)?.sinceMs ?? nowMs) : nowMs;
      kinds.set(kind, { sinceMs, lastMs: Infinity });
    }
    for (const [path, { kind }] of before) {
      if (after.get(path)?.kind === kind) continue;
      const was = this.#presence.get(path)?.get(kind);
      if (was !== undefined) was.lastMs = nowMs;
    }
    this.#localTree = after;
    const bad = after.size === 0;
    if (!bad) this.#rootBadSinceMs = null;
    else this.#rootBadSinceMs ??= nowMs;
    return { before, after };
  }

  /** Somebody else changed this path on the server. */
  foreignChanged(): void {
    for (const [path, { kind, content }] of walkTree(this.remote.edit)) {
      if (kind !== 'directory') this.#learn(path, content);
    }
  }

  /** Nobody is to touch it: by the user's words, or as its name cannot be carried. */
  excluded(path: string, kind: Kind): boolean {
    const named = path.split('/').every((name) => nameProblem(name) === null);
    return !named || this.filter.excludes(path, kind);
  }

  /** The agent is about to change this path of the remote side. */
  agentWrites(path: string): void {
    this.#requireGoing(path);
    const kind = this.remote.edit.stat(path)?.kind ?? this.#localTree.get(path)?.kind ?? 'file';
    if (kind !== 'special' && this.excluded(path, kind)) this.violation(`excluded '${path}' was written`);
  }

  /** What is at the path now must be something that somebody put there on purpose. */
  checkContent(path: string): void {
    const seen = seenAt(this.remote.edit, path);
    if (seen !== null) this.#checkOne(path, seen);
  }

  /** The same for the whole side. */
  checkContents(): void {
    for (const [path, seen] of walkTree(this.remote.edit)) this.#checkOne(path, seen);
  }

  /** The agent removed a `kind` from this path of the remote side. */
  agentRemoved(path: string, kind: Kind): void {
    if (isOwnName(path)) return;
    this.mutations++;
    this.#requireGoing(path);
    if (this.excluded(path, kind)) this.violation(`excluded '${path}' was removed`);
    const nowMs = this.#clock.now();
    const present = this.#presence.get(path)?.get(kind);
    if (present?.lastMs === Infinity && nowMs - present.sinceMs > staleMs) {
      this.violation(`'${path}' was removed though it was there at the source all the time`);
    }
    if (!this.#knobs.delete && !this.#otherKindLately(path, kind)) {
      this.violation(`'${path}' was removed though deletions were not asked for`);
    }
    const lost = this.lostSinceMs;
    if (lost !== null && nowMs - lost > frozenMs && !this.#otherKindLately(path, kind)) {
      this.violation(`'${path}' was removed though the state is lost and nobody allowed it`);
    }
    const bad = this.#rootBadSinceMs;
    if (bad !== null && nowMs - bad > rootStaleMs) {
      this.violation(`'${path}' was removed while the root was gone or empty`);
    }
  }

  #requireGoing(path: string): void {
    const paused = this.pausedSinceMs;
    if (paused !== null && this.#clock.now() - paused > frozenMs)
      this.violation(`'${path}' was changed though the agent is paused`);
  }

  #otherKindLately(path: string, kind: Kind): boolean {
    const nowMs = this.#clock.now();
    return [...(this.#presence.get(path) ?? [])].some(
      ([other, { lastMs }]) => other !== kind && nowMs - lastMs <= staleMs,
    );
  }

  #checkOne(path: string, { kind, content }: Seen): void {
    if (kind === 'directory' || this.#contents.get(path)?.has(content) === true) return;
    const shown = JSON.stringify(content.slice(0, 80));
    this.violation(`'${path}' holds what nobody ever wrote: ${shown} (${kind})`);
  }

  #learn(path: string, content: string): void {
    const known = this.#contents.get(path);
    if (known === undefined) this.#contents.set(path, new Set([content]));
    else known.add(content);
  }
}
