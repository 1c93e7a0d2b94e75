/** Two sides with people on both, and what an agent between them must never do. */
import { sameTime } from '../../src/core/compare.js';
import type { Entry, Kind } from '../../src/core/entry.js';
import { isLockName } from '../../src/core/lock.js';
import { nameOf } from '../../src/core/path.js';
import { type Resolution, writtenSidesOf } from '../../src/core/policy.js';
import { isOwnName } from '../../src/core/tempname.js';
import type { Settings } from '../../src/engine/context.js';
import type { Durable } from './durable.js';
import { frozenMs, Ground, rootStaleMs, staleMs } from './ground.js';
import type { Knobs } from './knobs.js';
import { Presence } from './presence.js';
import { rulesOf } from './run.js';
import type { SceneWorld } from './scene.js';
import { keyOf, keysOf, Versions } from './versions.js';
import type { VirtualClock } from './virtual-clock.js';
import { ownNames, type Seen, type Tree, seenAt, walkTree } from './walk-tree.js';
import type { Side } from './wire.js';

/** What a person decided is done to what is written so soon after it, too. */
const decidedMs = 60_000;

const sides: readonly Side[] = ['local', 'remote'];

export interface PairWorldParts {
  readonly clock: VirtualClock;
  readonly durable: Durable;
  readonly knobs: Pick<Knobs, 'remote' | 'stateLost'>;
  /** As they are now: a person may change them. */
  readonly settings: () => Settings;
}

export class PairWorld extends Ground implements SceneWorld {
  /** Locks that no agent can know of: a person moved the folder they were in, or the server made them late. */
  readonly strayLocks = new Set<string>();
  /** Told of what the agent changed, as a kernel would tell. */
  onChange: (side: Side, before: Tree, after: Tree) => void = () => undefined;
  readonly #parts: PairWorldParts;
  readonly #versions = new Versions();
  readonly #presence: Record<Side, Presence> = { local: new Presence(), remote: new Presence() };
  #trees: Record<Side, Tree> = { local: new Map(), remote: new Map() };
  /** What the agent saw on the server when it looked last before a rename: from there on nothing can be seen. */
  readonly #looks = new Map<string, { readonly atMs: number; readonly key: string | null }>();
  readonly #decisions: { readonly path: string; readonly keep: Resolution; readonly atMs: number }[] = [];
  #lostWithRoot: Tree = new Map();
  #rootBadSinceMs: number | null = null;

  constructor(parts: PairWorldParts) {
    super(parts.clock, parts.knobs.remote, rulesOf(parts.settings()));
    this.#parts = parts;
  }

  tree(side: Side): Tree {
    return walkTree(this[side].edit);
  }

  /** A person (or a program) changes a side. */
  edit(side: Side, work: () => string): { readonly before: Tree; readonly after: Tree } {
    this.#agentChanged();
    const locksBefore = this.#locks(side);
    const before = this.#trees[side];
    this.note(`${side} user: ${work()}`);
    this.#noteStrays(side, locksBefore);
    const { clock, durable } = this.#parts;
    const after = this.#see(side);
    const other = this.#trees[side === 'local' ? 'remote' : 'local'];
    const agreedOn = (path: string) => {
      const row = durable.base.get(path);
      const seen = before.get(path);
      if (row === undefined || seen === undefined) return row === undefined ? 'never' : 'once';
      // A content that nobody read cannot be told from another one of its size.
      const isRead = seen.kind !== 'file' || (row.local.hash ?? row.remote.hash) !== undefined;
      return isRead && isRecorded(seen, row[side]) ? 'just so' : 'once';
    };
    const isOutdated = (path: string, seen: Seen) => {
      const row = durable.base.get(path);
      const there = other.get(path);
      if (row === undefined || !isRecorded(seen, row[side])) return false;
      return there === undefined || keyOf(there) !== keyOf(seen);
    };
    this.#versions.learn(side, before, after, clock.now(), agreedOn, isOutdated);
    if (side === 'local' && after.size > 0) this.#takeUpRoot();
    this.#noteRoot();
    return { before, after };
  }

  /** The server does what it was asked over a connection that is gone. */
  async late(side: Side, work: () => Promise<unknown>): Promise<void> {
    const locksBefore = this.#locks(side);
    try {
      await work();
    } finally {
      this.#noteStrays(side, locksBefore);
    }
  }

  /** A person decided what is to be kept of a conflict. */
  decided(path: string, keep: Resolution): void {
    this.note(`a person keeps ${keep} of '${path}'`);
    this.#decisions.push({ path, keep, atMs: this.clock.now() });
  }

  /** A disk went, or came back: what did not come back with it is nobody's fault. */
  localChanged(): void {
    const before = this.#trees.local;
    this.#see('local');
    this.#noteRoot();
    if (this.local.edit.stat('') === null) {
      this.#versions.forgetDrift('local');
      this.#lostWithRoot = before;
      return;
    }
    this.#lostWithRoot = new Map();
    const there = keysOf(this.#trees.local, this.#trees.remote);
    for (const key of [...this.#versions.owed]) if (!there.has(key)) this.#versions.forgive(key);
  }

  /** Somebody works in a folder that was made in the place of the lost one: what that held is removed, as far as anybody can tell. */
  #takeUpRoot(): void {
    for (const seen of this.#lostWithRoot.values()) {
      const key = keyOf(seen);
      if (key !== null) this.#versions.forgive(key);
    }
    this.#lostWithRoot = new Map();
  }

  agentWrites(path: string, side: Side): void {
    this.#agentChanged();
    this.#requireGoing(path);
    const there = this[side].edit.stat(path)?.kind;
    const kind = there ?? this.#trees[side === 'local' ? 'remote' : 'local'].get(path)?.kind ?? 'file';
    if (kind !== 'special' && this.excluded(path, kind)) this.violation(`excluded '${path}' was written`);
  }

  checkContent(path: string, side: Side): void {
    this.#agentChanged();
    const seen = seenAt(this[side].edit, path);
    const key = seen === null ? null : keyOf(seen);
    if (key !== null && this.#versions.get(key) === undefined) this.#sayUnknown(side, path, key);
  }

  agentRemoved(path: string, kind: Kind, side: Side): void {
    if (isOwnName(path)) return;
    this.mutations++;
    this.#agentChanged();
    this.#requireGoing(path);
    const shown = `'${path}' of the ${side} side was removed`;
    if (this.excluded(path, kind)) this.violation(`${shown} though it is excluded`);
    const nowMs = this.clock.now();
    const other = this.#presence[side === 'local' ? 'remote' : 'local'];
    if (other.hasStayed(path, kind, nowMs - staleMs)) this.violation(`${shown} though the other side has it`);
    if (other.wasThere(path, nowMs - staleMs, kind)) return;
    const { delete: deletes } = this.#parts.settings();
    if (!deletes) this.violation(`${shown} though deletions were not asked for`);
    if (this.lostSinceMs !== null && nowMs - this.lostSinceMs > frozenMs)
      this.violation(`${shown} though the state is lost and nobody allowed it`);
    const bad = side === 'remote' ? this.#rootBadSinceMs : null;
    if (bad !== null && nowMs - bad > rootStaleMs)
      this.violation(`${shown} while the local root was gone or empty`);
  }

  lastLook(path: string, side: Side): void {
    const seen = seenAt(this[side].edit, path);
    const key = seen === null ? null : keyOf(seen);
    if (side === 'remote') this.#looks.set(path, { atMs: this.clock.now(), key });
  }

  /** Everything on both sides was put there by somebody, and nothing that must be somewhere is nowhere. */
  checkContents(): void {
    this.#agentChanged();
    for (const side of sides) {
      for (const [path, seen] of this.#trees[side]) {
        const key = keyOf(seen);
        if (key !== null && this.#versions.get(key) === undefined) this.#sayUnknown(side, path, key);
      }
    }
  }

  /** What must be somewhere and is nowhere. */
  missing(): string[] {
    const there = keysOf(this.tree('local'), this.tree('remote'));
    return [...this.#versions.owed].filter((key) => !there.has(key));
  }

  #sayUnknown(side: Side, path: string, key: string): void {
    this.violation(`'${path}' of the ${side} side holds what nobody ever wrote: ${key.slice(0, 80)}`);
  }

  #requireGoing(path: string): void {
    const paused = this.pausedSinceMs;
    if (paused !== null && this.clock.now() - paused > frozenMs)
      this.violation(`'${path}' was changed though the agent is paused`);
  }

  #locks(side: Side): ReadonlySet<string> {
    return new Set(ownNames(this[side].edit).filter((path) => isLockName(nameOf(path))));
  }

  #noteStrays(side: Side, before: ReadonlySet<string>): void {
    for (const path of this.#locks(side)) if (!before.has(path)) this.strayLocks.add(path);
  }

  #noteRoot(): void {
    if (this.#trees.local.size > 0) this.#rootBadSinceMs = null;
    else this.#rootBadSinceMs ??= this.clock.now();
  }

  #see(side: Side): Tree {
    const before = this.#trees[side];
    const after = this.tree(side);
    this.#trees = { ...this.#trees, [side]: after };
    this.#presence[side].changed(before, after, this.clock.now());
    return after;
  }

  /** Whatever changed since the last look was the agent's work: people say when they do something. */
  #agentChanged(): void {
    const before = this.#trees;
    for (const side of sides) this.#see(side);
    const after = this.#trees;
    const writes = writtenSidesOf(this.#parts.settings().mode);
    for (const side of sides) {
      if (sameTrees(before[side], after[side])) continue;
      if (!writes.includes(side)) this.violation(`the ${side} side was changed by the agent`);
      this.onChange(side, before[side], after[side]);
    }
    const there = keysOf(after.local, after.remote);
    for (const side of sides) {
      for (const [path, seen] of before[side]) {
        const key = keyOf(seen);
        const now = after[side].get(path);
        const isHere = now !== undefined && keyOf(now) === key;
        if (key === null || isHere || !this.#versions.isOwed(key)) continue;
        const mayGo = this.#mayGo(key, side, path);
        // What lost its place to another version may be elsewhere because that is where somebody moved it from.
        if (mayGo || !there.has(key)) this.#versions.forgive(key);
        if (mayGo || there.has(key)) continue;
        const instead = now === undefined ? 'nothing' : `${now.kind} ${now.content.slice(0, 20)}`;
        this.violation(`'${path}' of the ${side} side was lost: ${key.slice(0, 40)} (now ${instead})`);
      }
    }
  }

  /** Whether the tables of DESIGN.md, section 6, let this version go, or nobody can help it. */
  #mayGo(key: string, side: Side, path: string): boolean {
    const { mode, conflict, onDrift } = this.#parts.settings();
    const version = this.#versions.get(key)!;
    const look = this.#looks.get(path);
    // Saved on the server in the flight between the look and the rename.
    if (side === 'remote' && look !== undefined && look.key !== key && version.atMs >= look.atMs) return true;
    switch (mode) {
      case 'push':
      case 'pull':
        // Only what both sides had agreed on can drift.
        return onDrift === 'overwrite' || version.driftAt !== path || this.#parts.knobs.stateLost > 0;
      case 'two-way': {
        const loser = conflict === 'local' ? 'remote' : conflict === 'remote' ? 'local' : null;
        const chosen = loser === side || conflict === 'newest' || this.#isDecided(path, side, version.atMs);
        return chosen && this.#isContended(key, side, path);
      }
      case 'push-backup':
      case 'pull-backup':
        return false;
    }
  }

  #isDecided(path: string, side: Side, atMs: number): boolean {
    const other = side === 'local' ? 'remote' : 'local';
    return this.#decisions.some(
      (one) => one.path === path && one.keep === other && atMs <= one.atMs + decidedMs,
    );
  }

  /** Whether the other side has (or just had) something else there, which is not what this version took the place of. */
  #isContended(key: string, side: Side, path: string): boolean {
    const other = side === 'local' ? 'remote' : 'local';
    const sinceMs = this.clock.now() - staleMs;
    if (!this.#presence[other].wasThere(path, sinceMs)) return false;
    const now = this.#trees[side].get(path);
    const replacement = now === undefined ? null : keyOf(now);
    const version = this.#versions.get(key)!;
    // An old version that somebody put back since is a new one.
    const isOlder =
      replacement !== null &&
      version.ancestors.has(replacement) &&
      this.#versions.get(replacement)!.atMs <= version.atMs;
    // Where nobody knows what the sides agreed on, an old version is as good as a new one.
    return !isOlder || this.#parts.knobs.stateLost > 0;
  }
}

function isRecorded({ kind, content, mtimeMs }: Seen, was: Entry): boolean {
  if (kind !== was.kind || !sameTime(mtimeMs, was.mtimeMs)) return false;
  return kind === 'symlink' ? content === was.target : content.length === was.size;
}

function sameTrees(a: Tree, b: Tree): boolean {
  if (a.size !== b.size) return false;
  for (const [path, { kind, mode, mtimeMs, content }] of a) {
    const now = b.get(path);
    if (now?.kind !== kind || now.mode !== mode || now.content !== content) return false;
    if (kind !== 'directory' && now.mtimeMs !== mtimeMs) return false;
  }
  return true;
}
