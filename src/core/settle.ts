/**
 * When a changed path has been quiet long enough to be read. Pure: time is passed in, ms on one scale.
 *
 * - A single save settles after `settleMs` of quiet, and never later than `settleMaxMs` after its first event.
 * - A path that changes again within a second of its last round waits twice as long, up to a second.
 * - A file that just became empty waits `emptyMs` (editors truncate, then write); a deletion waits `deleteMs` for the
 *   add that makes it a replacement.
 * - While many paths are pending (a burst), quiet is measured over all of them, so that they leave in few batches.
 */
import type { WatchEventKind } from './stream.js';
import { comparePaths } from './path.js';

export interface SettleOptions {
  /** Quiet that a single save needs, ms. */
  readonly settleMs?: number;
  /** The longest a path is kept from its first event on, ms. */
  readonly settleMaxMs?: number;
  /** Quiet after a file became empty, ms. */
  readonly emptyMs?: number;
  /** Quiet after a deletion, ms. */
  readonly deleteMs?: number;
  /** How many paths are kept apart at most. */
  readonly pathsMax?: number;
}

export interface SettledPath {
  readonly path: string;
  /** The first event behind it, ms. */
  readonly sinceMs: number;
}

/** Collects what was seen to change and hands it out once it has settled. */
export interface Settler {
  /**
   * Notes an event.
   * @param nowMs a time in the future keeps the path until then
   * @param info what is known of the file, if anything: its size in bytes
   */
  note(kind: WatchEventKind, path: string, nowMs: number, info?: { readonly size?: number }): void;
  /** Removes and returns what has settled, in the order of `comparePaths`; all there is for `Infinity`. */
  due(nowMs: number): SettledPath[];
  /** When the next path settles if nothing more happens (may be in the past), or `null`. Cheap. */
  nextAtMs(): number | null;
  /** Paths that are pending. */
  readonly size: number;
  /** Paths were dropped because more than `pathsMax` were pending; false again after `due`. */
  readonly overflowed: boolean;
}

/** More pending paths than this are a burst. */
const burstPaths = 50;
/** A burst is cut into batches at least this often. */
const burstMaxMs = 1_000;
/** In a burst the longer waits (deletions, …) end on common ticks, to leave together too. */
const burstTickMs = 250;
/** A path that rested this long is back to normal; no adaptive wait is longer. */
const restMs = 1_000;
/** How many paths with a recent round are remembered at most. */
const recentMax = 10_000;
/** A clock that goes back by more than this (or `settleMaxMs`) was set: times noted before mean nothing. */
const clockBackMs = 10_000;

/** A settler. All options have the defaults of the agent. */
export function createSettler(options: SettleOptions = {}): Settler {
  return new PathSettler(options);
}

interface Pending {
  readonly path: string;
  readonly quietMs: number;
  firstMs: number;
  lastMs: number;
  dueMs: number;
  /** Its place in the agenda: never after `dueMs`, moved there only when it comes up. */
  agendaMs: number;
}

class PathSettler implements Settler {
  readonly #settleMs: number;
  readonly #settleMaxMs: number;
  readonly #emptyMs: number;
  readonly #deleteMs: number;
  readonly #pathsMax: number;
  readonly #pending = new Map<string, Pending>();
  readonly #agenda = new Agenda();
  readonly #recent = new Map<string, { readonly endMs: number; readonly quietMs: number }>();
  #burst: { startMs: number; oldestMs: number } | null = null;
  /** Latest event of any path. */
  #lastMs = -Infinity;
  #overflowed = false;

  constructor(options: SettleOptions) {
    this.#settleMs = options.settleMs ?? 20;
    this.#settleMaxMs = options.settleMaxMs ?? 10_000;
    this.#emptyMs = options.emptyMs ?? 250;
    this.#deleteMs = options.deleteMs ?? 500;
    this.#pathsMax = options.pathsMax ?? 100_000;
  }

  get size(): number {
    return this.#pending.size;
  }

  get overflowed(): boolean {
    return this.#overflowed;
  }

  note(kind: WatchEventKind, path: string, nowMs: number, info: { readonly size?: number } = {}): void {
    const pending = this.#pending.get(path) ?? this.#begin(path, nowMs);
    if (pending === null) return;
    pending.firstMs = Math.min(pending.firstMs, nowMs);
    pending.lastMs = Math.max(pending.lastMs, nowMs);
    this.#lastMs = Math.max(this.#lastMs, nowMs);
    this.#updateBurst(nowMs);
    pending.dueMs = this.#dueOf(pending, this.#waitMs(kind, info.size, pending.quietMs));
    if (pending.dueMs < pending.agendaMs) this.#enter(pending);
  }

  due(nowMs: number): SettledPath[] {
    this.#overflowed = false;
    const clockWasSet = nowMs < this.#lastMs - Math.max(clockBackMs, this.#settleMaxMs);
    if (nowMs === Infinity || clockWasSet) return this.#takeAll();
    if (nowMs < this.#burstReadyMs()) return [];
    const taken: Pending[] = [];
    for (let next = this.#next(); next !== null && next.dueMs <= nowMs; next = this.#next()) {
      this.#agenda.pop();
      this.#pending.delete(next.path);
      this.#remember(next, nowMs);
      taken.push(next);
    }
    if (taken.length > 0) this.#restartBurst(nowMs);
    return inOrder(taken);
  }

  nextAtMs(): number | null {
    const next = this.#next();
    return next === null ? null : Math.max(next.dueMs, this.#burstReadyMs());
  }

  #begin(path: string, nowMs: number): Pending | null {
    if (this.#pending.size >= this.#pathsMax) {
      this.#overflowed = true;
      return null;
    }
    const quietMs = this.#quietMs(path, nowMs);
    const pending = { path, quietMs, firstMs: nowMs, lastMs: nowMs, dueMs: Infinity, agendaMs: Infinity };
    this.#pending.set(path, pending);
    return pending;
  }

  #quietMs(path: string, nowMs: number): number {
    const recent = this.#recent.get(path);
    if (recent === undefined || nowMs - recent.endMs >= restMs) return this.#settleMs;
    return Math.max(this.#settleMs, Math.min(restMs, recent.quietMs * 2));
  }

  #waitMs(kind: WatchEventKind, size: number | undefined, quietMs: number): number {
    if (kind === 'unlink' || kind === 'unlinkDir') return Math.max(quietMs, this.#deleteMs);
    return size === 0 ? Math.max(quietMs, this.#emptyMs) : quietMs;
  }

  #dueOf({ firstMs, lastMs }: Pending, waitMs: number): number {
    let dueMs = lastMs + waitMs;
    if (this.#burst !== null && waitMs > this.#settleMs) dueMs = Math.ceil(dueMs / burstTickMs) * burstTickMs;
    return Math.min(dueMs, firstMs + this.#settleMaxMs);
  }

  // ------------------------------------------------------------------------------------------ bursts

  #updateBurst(nowMs: number): void {
    if (this.#burst !== null) this.#burst.oldestMs = Math.min(this.#burst.oldestMs, nowMs);
    else if (this.#pending.size > burstPaths) this.#burst = { startMs: nowMs, oldestMs: this.#oldestMs() };
  }

  /** One batch is out: what is left is a new burst, or none. */
  #restartBurst(nowMs: number): void {
    if (this.#burst === null) return;
    this.#burst = this.#pending.size > burstPaths ? { startMs: nowMs, oldestMs: this.#oldestMs() } : null;
  }

  #oldestMs(): number {
    let oldestMs = Infinity;
    for (const { firstMs } of this.#pending.values()) oldestMs = Math.min(oldestMs, firstMs);
    return oldestMs;
  }

  /** Nothing leaves before: the burst is quiet, or it has been held long enough, or its oldest path has. */
  #burstReadyMs(): number {
    if (this.#burst === null) return -Infinity;
    const { startMs, oldestMs } = this.#burst;
    return Math.min(this.#lastMs + this.#settleMs, startMs + burstMaxMs, oldestMs + this.#settleMaxMs);
  }

  // ------------------------------------------------------------------------------------------ agenda and memory

  #enter(pending: Pending): void {
    pending.agendaMs = pending.dueMs;
    this.#agenda.push({ atMs: pending.dueMs, pending });
  }

  /** The path that is due first, with its place in the agenda at the top of it. */
  #next(): Pending | null {
    for (let top = this.#agenda.top; top !== undefined; top = this.#agenda.top) {
      const { atMs, pending } = top;
      const current = this.#pending.get(pending.path) === pending && pending.agendaMs === atMs;
      if (current && pending.dueMs === atMs) return pending;
      this.#agenda.pop();
      if (current) this.#enter(pending);
    }
    return null;
  }

  #takeAll(): SettledPath[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    this.#agenda.clear();
    this.#recent.clear();
    this.#burst = null;
    this.#lastMs = -Infinity;
    return inOrder(all);
  }

  #remember({ path, quietMs }: Pending, nowMs: number): void {
    this.#recent.delete(path);
    this.#recent.set(path, { endMs: nowMs, quietMs });
    for (const [old, { endMs }] of this.#recent) {
      if (this.#recent.size <= recentMax && nowMs - endMs < restMs) break;
      this.#recent.delete(old);
    }
  }
}

function inOrder(taken: readonly Pending[]): SettledPath[] {
  return taken
    .map(({ path, firstMs }) => ({ path, sinceMs: firstMs }))
    .sort((a, b) => comparePaths(a.path, b.path));
}

interface Appointment {
  readonly atMs: number;
  readonly pending: Pending;
}

/** A binary heap: the earliest appointment is at the top. */
class Agenda {
  readonly #heap: Appointment[] = [];

  get top(): Appointment | undefined {
    return this.#heap[0];
  }

  push(appointment: Appointment): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.atMs <= appointment.atMs) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = appointment;
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.atMs < heap[below]!.atMs) below++;
      if (heap[below]!.atMs >= last.atMs) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = last;
  }

  clear(): void {
    this.#heap.length = 0;
  }
}
