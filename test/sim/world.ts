/** The two sides, their users, and what must never happen to them. */
import type { Kind } from '../../src/core/entry.js';
import { isOwnName } from '../../src/core/tempname.js';
import { frozenMs, Ground, rootStaleMs, staleMs } from './ground.js';
import type { Knobs } from './knobs.js';
import type { VirtualClock } from './virtual-clock.js';
import { type Seen, type Tree, seenAt, walkTree } from './walk-tree.js';

/** What the user's own words exclude in every simulation. */
export const excludeRules = [{ type: 'exclude', pattern: '*.log', source: '--exclude' }] as const;

export class World extends Ground {
  readonly #knobs: Pick<Knobs, 'delete'>;
  /** Per path: every content that somebody gave to it. */
  readonly #contents = new Map<string, Set<string>>();
  /** Per path and kind: since when it is there locally without a break, and when it was last. */
  readonly #presence = new Map<string, Map<Kind, { sinceMs: number; lastMs: number }>>();
  #localTree: Tree = new Map();
  #rootBadSinceMs: number | null = null;

  constructor(clock: VirtualClock, knobs: Pick<Knobs, 'delete' | 'remote'>) {
    super(clock, knobs.remote, excludeRules);
    this.#knobs = knobs;
  }

  get localTree(): Tree {
    return this.#localTree;
  }

  /** The user changed something locally. Returns the tree before and after. */
  localChanged(): { before: Tree; after: Tree } {
    const before = this.#localTree;
    const after = walkTree(this.local.edit);
    const nowMs = this.clock.now();
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
    const nowMs = this.clock.now();
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
    if (paused !== null && this.clock.now() - paused > frozenMs)
      this.violation(`'${path}' was changed though the agent is paused`);
  }

  #otherKindLately(path: string, kind: Kind): boolean {
    const nowMs = this.clock.now();
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
