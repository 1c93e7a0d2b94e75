/**
 * Waits until a changed path has been quiet long enough to be read. Pure: times are passed in, in ms, and may be any
 * clock's; they are expected to grow, and nothing is lost when they do not.
 */
import { DueHeap, type Dated } from './due-heap.js';
import { comparePaths } from './path.js';

/** What a watcher says of a path. */
export type ChangeKind = 'add' | 'change' | 'unlink' | 'addDir' | 'unlinkDir';

export interface SettleOptions {
  /** Quiet that a single save needs. Default: 20. */
  readonly settleMs?: number;
  /** The longest wait from the first event of a path, whatever happens. Default: 10,000. */
  readonly settleMaxMs?: number;
  /** Quiet after which a file that became empty is believed: editors truncate, then write. Default: 250. */
  readonly emptyMs?: number;
  /** How long a deletion waits for the add that makes it a replacement. Default: 500. */
  readonly deleteMs?: number;
  /** More waiting paths are not kept apart: see `overflowed`. Default: 100,000. */
  readonly pathsMax?: number;
}

export interface Settled {
  readonly path: string;
  /** Time of the first event since it was last returned. */
  readonly sinceMs: number;
}

export interface Settler {
  /** Takes one event. `size`: bytes, where the watcher knows them; an unknown size counts as not empty. */
  note(kind: ChangeKind, path: string, nowMs: number, info?: { readonly size?: number }): void;
  /** Removes and returns what has settled, in order of paths; `Infinity` for all. Ends an overflow that is quiet. */
  due(nowMs: number): Settled[];
  /** When `due` has something to return (or an overflow is quiet); null when nothing waits. Cheap. */
  nextAtMs(): number | null;
  /** Paths that wait; at least that many after an overflow. */
  readonly size: number;
  /** More than `pathsMax` paths waited and were let go: all paths must be compared. Until `due` at `nextAtMs`. */
  readonly overflowed: boolean;
}

/** With more paths than this waiting, or begun within `burstWindowMs`, quiet is measured over all of them. */
const burstPathsMin = 50;
const burstWindowMs = 100;
/** A burst is over when so few are left. */
const burstPathsLeft = 10;
/** Quiet that ends a burst, in units of `settleMs`: a checkout pauses longer between files than an editor. */
const burstQuietFactor = 5;
/** A burst that goes on is handed over in parts at least this often, ms. */
const burstMaxMs = 2_000;
/** A path that changes again within this time of its last event waits twice as long as the last time, up to it. */
const restlessMs = 1_000;

/** A settler with nothing noted yet. */
export function createSettler(options: SettleOptions = {}): Settler {
  return new PathSettler(options);
}

interface Pending extends Dated {
  readonly path: string;
  readonly firstMs: number;
  /** How often it was returned with less than `restlessMs` of quiet behind it. */
  readonly rounds: number;
  lastMs: number;
}

/** Many paths at once. Nothing is handed over before `untilMs`. */
interface Burst {
  /** No later than this, and no later than any path may wait. */
  latestMs: number;
  untilMs: number;
}

class PathSettler implements Settler {
  readonly #settleMs: number;
  readonly #settleMaxMs: number;
  readonly #emptyMs: number;
  readonly #deleteMs: number;
  readonly #pathsMax: number;
  #pending = new Map<string, Pending>();
  #heap = new DueHeap<Pending>();
  #burst: Burst | null = null;
  #begun = { sinceMs: -Infinity, count: 0 };
  #overflow: { readonly firstMs: number; lastMs: number } | null = null;
  /** Paths returned lately, oldest first: how restless they are. */
  readonly #recent = new Map<string, { readonly lastMs: number; readonly rounds: number }>();

  constructor(options: SettleOptions) {
    this.#settleMs = options.settleMs ?? 20;
    this.#settleMaxMs = options.settleMaxMs ?? 10_000;
    this.#emptyMs = options.emptyMs ?? 250;
    this.#deleteMs = options.deleteMs ?? 500;
    this.#pathsMax = options.pathsMax ?? 100_000;
  }

  get size(): number {
    return this.#overflow === null ? this.#pending.size : this.#pathsMax;
  }

  get overflowed(): boolean {
    return this.#overflow !== null;
  }

  note(kind: ChangeKind, path: string, nowMs: number, info: { readonly size?: number } = {}): void {
    if (this.#overflow !== null) {
      this.#overflow.lastMs = nowMs;
      return;
    }
    const known = this.#pending.get(path);
    if (known === undefined && this.#pending.size >= this.#pathsMax) {
      this.#giveUp(nowMs);
      return;
    }
    const pending = known ?? this.#begin(path, nowMs);
    pending.lastMs = nowMs;
    pending.atMs = Math.min(nowMs + this.#quietMs(kind, info.size, pending.rounds), this.#latestMs(pending));
    this.#heap.moved(pending);
    this.#extendBurst(pending, nowMs);
  }

  due(nowMs: number): Settled[] {
    const nextMs = this.nextAtMs();
    if (nextMs === null || nowMs < nextMs) return [];
    this.#overflow = null;
    const settled: Settled[] = [];
    for (let first = this.#heap.first(); first !== null && first.atMs <= nowMs; first = this.#heap.first()) {
      this.#heap.take();
      this.#pending.delete(first.path);
      settled.push({ path: first.path, sinceMs: first.firstMs });
      this.#remember(first);
    }
    this.#forget(nowMs);
    this.#burst = this.#pending.size > burstPathsLeft && this.#burst !== null ? this.#newBurst(nowMs) : null;
    return settled.sort((a, b) => comparePaths(a.path, b.path));
  }

  nextAtMs(): number | null {
    if (this.#overflow !== null) {
      const { firstMs, lastMs } = this.#overflow;
      return Math.min(lastMs + this.#burstQuietMs, firstMs + this.#settleMaxMs);
    }
    const first = this.#heap.first();
    if (first === null) return null;
    return this.#burst === null ? first.atMs : Math.max(first.atMs, this.#burst.untilMs);
  }

  // ------------------------------------------------------------------------------------------ single paths

  #begin(path: string, nowMs: number): Pending {
    const recent = this.#recent.get(path);
    const rounds = recent !== undefined && nowMs - recent.lastMs < restlessMs ? recent.rounds : 0;
    const pending = {
      path,
      firstMs: nowMs,
      lastMs: nowMs,
      rounds,
      atMs: Infinity,
      heapMs: Infinity,
      gone: false,
    };
    this.#pending.set(path, pending);
    if (nowMs - this.#begun.sinceMs > burstWindowMs) this.#begun = { sinceMs: nowMs, count: 0 };
    this.#begun.count++;
    return pending;
  }

  #quietMs(kind: ChangeKind, size: number | undefined, rounds: number): number {
    // A path that keeps changing is put off further each time; one that has a longer wait of its own keeps that.
    const restless = Math.min(this.#settleMs * 2 ** rounds, Math.max(this.#settleMs, restlessMs));
    if (kind === 'unlink' || kind === 'unlinkDir') return Math.max(this.#deleteMs, restless);
    return size === 0 && kind !== 'addDir' ? Math.max(this.#emptyMs, restless) : restless;
  }

  #latestMs({ firstMs }: Pending): number {
    return firstMs + this.#settleMaxMs;
  }

  #remember({ path, lastMs, rounds }: Pending): void {
    this.#recent.delete(path);
    this.#recent.set(path, { lastMs, rounds: Math.min(rounds + 1, 30) });
  }

  /** Drops what is quiet for long enough, and the oldest where there are too many. */
  #forget(nowMs: number): void {
    for (const [path, { lastMs }] of this.#recent) {
      if (nowMs - lastMs < restlessMs && this.#recent.size <= this.#pathsMax) break;
      this.#recent.delete(path);
    }
  }

  // ------------------------------------------------------------------------------------------ many paths

  get #burstQuietMs(): number {
    return this.#settleMs * burstQuietFactor;
  }

  #extendBurst(pending: Pending, nowMs: number): void {
    if (this.#burst === null) {
      if (Math.max(this.#pending.size, this.#begun.count) > burstPathsMin)
        this.#burst = this.#newBurst(nowMs);
      return;
    }
    this.#burst.latestMs = Math.min(this.#burst.latestMs, this.#latestMs(pending));
    this.#burst.untilMs = Math.min(nowMs + this.#burstQuietMs, this.#burst.latestMs);
  }

  #newBurst(nowMs: number): Burst {
    let latestMs = nowMs + burstMaxMs;
    for (const pending of this.#pending.values()) latestMs = Math.min(latestMs, this.#latestMs(pending));
    return { latestMs, untilMs: Math.min(nowMs + this.#burstQuietMs, latestMs) };
  }

  #giveUp(nowMs: number): void {
    let firstMs = nowMs;
    for (const pending of this.#pending.values()) firstMs = Math.min(firstMs, pending.firstMs);
    this.#overflow = { firstMs, lastMs: nowMs };
    this.#pending = new Map();
    this.#heap = new DueHeap();
    this.#burst = null;
    this.#recent.clear();
  }
}
