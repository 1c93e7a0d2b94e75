/**
 * A `find` that runs on the server while a scan lists directories one by one: when it has told everything, the scan goes on
 * with that, and what find does not know for certain is still listed by SFTP. Whichever is first wins, so that nothing
 * waits for a shell that is slow, missing or walks through what the scan leaves out.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../ports.js';
import type { DirectoryItem } from '../../ssh/channel.js';
import { findTree } from './shell/find-tree.js';
import type { FoundTree } from './shell/found-tree.js';
import type { RemoteShell } from './shell/remote-shell.js';

/** A tree of fewer directories or names is listed by SFTP before a shell has begun. */
const directoriesMin = 50;
const namesMin = 1_000;
/** How long no find is tried after one that failed or came too late. */
const pauseMs = 10 * 60_000;

/** What a storage remembers of its finds. */
export class FindHistory {
  readonly #clock: Clock;
  #pausedUntilMs = -Infinity;
  #large: boolean;

  /** @param large the tree is known to be */
  constructor(clock: Clock, large = false) {
    this.#clock = clock;
    this.#large = large;
  }

  get paused(): boolean {
    return this.#clock.now() < this.#pausedUntilMs;
  }

  /** The last scan was: the next one need not find that out. */
  get large(): boolean {
    return this.#large;
  }

  inVain(): void {
    this.#pausedUntilMs = this.#clock.now() + pauseMs;
  }

  scanned(large: boolean): void {
    this.#large = large;
  }
}

export class ScanAhead {
  readonly #shell: RemoteShell;
  readonly #history: FindHistory;
  readonly #isHint: boolean;
  readonly #stop = new AbortController();
  #tree: FoundTree | null = null;
  #started = false;
  #pending = false;
  #directories = 0;
  #names = 0;

  /** @param isHint a shell will do that is in a directory which only looks the same, for all we know */
  constructor(shell: RemoteShell, history: FindHistory, isHint: boolean) {
    this.#isHint = isHint;
    this.#shell = shell;
    this.#history = history;
    if (history.large) this.#start();
  }

  /** What find told of this directory, once; `null` when SFTP is to be asked. */
  take(directory: string): DirectoryItem[] | null {
    const items = this.#tree?.take(directory) ?? null;
    if (items !== null) this.#count(items.length);
    return items;
  }

  isProbe(name: string): boolean {
    return this.#shell.isProbe(name);
  }

  /** SFTP listed one more directory, with so many names. */
  listed(names: number): void {
    this.#count(names);
    if (this.#isLarge) this.#start();
  }

  /** The scan has told everything. */
  done(): void {
    this.#history.scanned(this.#isLarge);
    if (this.#pending) this.#history.inVain();
  }

  /** Nobody wants more: the find ends at once. */
  stop(): void {
    this.#stop.abort();
    this.#tree = null;
  }

  #over(): boolean {
    return this.#stop.signal.aborted;
  }

  get #isLarge(): boolean {
    return this.#directories >= directoriesMin && this.#names >= namesMin;
  }

  #count(names: number): void {
    this.#directories++;
    this.#names += names;
  }

  #start(): void {
    if (this.#started || this.#history.paused) return;
    this.#started = true;
    void this.#find();
  }

  async #find(): Promise<void> {
    try {
      const tools = await this.#shell.tools();
      if (tools?.find !== true || this.#over()) return;
      if (!tools.certain && !this.#isHint) return;
      this.#pending = true;
      const tree = await findTree(this.#shell, randomUUID(), this.#stop.signal);
      if (tree === null) this.#history.inVain();
      else if (!this.#over()) this.#tree = tree;
    } catch {
      // SFTP goes on, and meets the same trouble if it concerns the link.
      if (!this.#over()) this.#history.inVain();
    } finally {
      this.#pending = false;
    }
  }
}
