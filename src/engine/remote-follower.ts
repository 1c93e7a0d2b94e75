import { type TowlineError, asTowlineError } from '../core/errors.js';
import type { Kind } from '../core/entry.js';
import { isCarriable } from '../core/path.js';
import { sourceSideOf } from '../core/policy.js';
import type { Watcher } from '../ports-watch.js';
import type { Context, Settings } from './context.js';
import { RemotePoll } from './remote-poll.js';

/** A burst of events becomes one batch after this much quiet… */
const quietMs = 30;
/** …and at the latest after this. */
const quietMaxMs = 500;
/** How soon a queue that could not be written is tried again. */
const putAgainMs = 1_000;
/** Events kept apart; beyond it everything is compared. */
const pathsMax = 20_000;

export interface RemoteFollowerParts {
  readonly context: Context;
  /** Follows the remote side as it changes, where the server can; each watches once. */
  readonly newWatcher: (() => Watcher) | null;
  /** Without a watcher: how often the remote side is listed, ms. */
  readonly pollMs: number;
  /** Rows were committed to the queue. */
  readonly onRows: () => void;
  /** More changed than is looked at path by path, or a rule file did: compare everything. */
  readonly onScan: (cause: 'remote' | 'rules') => void;
}

/** Whether changes of the remote side matter while watching: where it only follows, the periodic scan finds drift. */
export function followsRemote({ mode }: Pick<Settings, 'mode'>): boolean {
  return sourceSideOf(mode) !== 'local';
}

/**
 * Brings changes of the remote side to the queue: as they happen where the server can tell, else by listing it now and
 * then. What we wrote ourselves is found equal to the base and goes no further.
 */
export class RemoteFollower {
  readonly #parts: RemoteFollowerParts;
  readonly #poll: RemotePoll;
  readonly #forgetLink: () => void;
  #watcher: Watcher | null = null;
  #started = false;
  /** The watcher ended, and the next look may begin with another one. */
  #follows = false;
  #closed = false;
  #said = '';
  #cancelPoll: (() => void) | null = null;
  #cancelFlush: (() => void) | null = null;
  #paths = new Map<string, number>();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: RemoteFollowerParts) {
    this.#parts = parts;
    this.#poll = new RemotePoll(parts.context);
    this.#forgetLink = parts.context.link.onState((state) => {
      if (state.name === 'ready' && this.#started) this.#follow();
    });
  }

  /** Begins once the first scan has compared everything. */
  start(): void {
    if (this.#started || this.#closed) return;
    this.#started = true;
    this.#follow();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#forgetLink();
    this.#cancelPoll?.();
    this.#cancelFlush?.();
    await this.#watcher?.close();
    await this.#running;
  }

  /** Follows anew: whatever changed meanwhile is found by a listing. */
  #follow(): void {
    this.#queue(async () => {
      await this.#watcher?.close();
      this.#watcher = null;
      await this.#watch();
      await this.#lookAndGoOn();
    });
  }

  /** One thing after the other; a failure is the end of none of it. */
  #queue(work: () => Promise<void>): void {
    this.#running = this.#running.then(async () => {
      if (this.#closed) return;
      try {
        await work();
      } catch (error) {
        this.#failed(asTowlineError(error));
      }
    });
  }

  async #watch(): Promise<void> {
    const { newWatcher, context } = this.#parts;
    if (newWatcher === null) return;
    this.#cancelPoll?.();
    const watcher = newWatcher();
    this.#watcher = watcher;
    const excludes = (path: string, kind: Kind) => context.filter.excludes(path, kind);
    try {
      await watcher.start(
        { event: (_, path) => this.#note(path), error: (error) => this.#lost(watcher, error), excludes },
        context.stopSignal,
      );
      this.#said = '';
    } catch (error) {
      this.#watcher = null;
      this.#say(asTowlineError(error));
    }
  }

  /** The server tells no more: it is listed until the next connection. */
  #lost(watcher: Watcher, error: TowlineError): void {
    if (this.#closed || this.#watcher !== watcher) return;
    this.#watcher = null;
    // Lost events, or a channel that went while the connection lives, are no reason to do without it.
    this.#follows = error.code === 'internal' || error.code === 'network';
    if (!this.#follows) this.#say(error);
    this.#queue(async () => {
      await watcher.close();
      await this.#lookAndGoOn();
    });
  }

  #say(error: TowlineError): void {
    if (error.code === 'network' || error.code === 'interrupted' || this.#said === error.message) return;
    this.#said = error.message;
    const seconds = String(this.#parts.pollMs / 1000);
    const message = `changes on the server are looked for every ${seconds} s: ${error.message}`;
    this.#parts.context.emit({ type: 'notice', level: 'info', code: 'remote-poll', message });
  }

  #note(path: string): void {
    const { context } = this.#parts;
    // A name that cannot be carried is the scan's to report: it also notices when the name is gone.
    if (this.#closed || path === '' || !isCarriable(path)) return;
    const now = context.clock.now();
    if (!this.#paths.has(path)) this.#paths.set(path, now);
    const oldest = this.#paths.values().next().value ?? now;
    const waitMs = Math.max(0, Math.min(quietMs, oldest + quietMaxMs - now));
    this.#cancelFlush?.();
    this.#cancelFlush = context.clock.timer(waitMs, () => this.#flush());
  }

  #flush(): void {
    const paths = this.#paths;
    this.#paths = new Map();
    if (paths.size > pathsMax) this.#parts.onScan('remote');
    else this.#queue(() => this.#putOrKeep(paths));
  }

  /** A queue that cannot be written just now is given the paths again a moment later. */
  async #putOrKeep(paths: ReadonlyMap<string, number>): Promise<void> {
    try {
      await this.#put([...paths].map(([path, sinceMs]) => ({ path, sinceMs })));
    } catch (error) {
      this.#paths = new Map([...this.#paths, ...paths]);
      this.#cancelFlush?.();
      this.#cancelFlush = this.#parts.context.clock.timer(putAgainMs, () => this.#flush());
      throw error;
    }
  }

  async #put(found: readonly { readonly path: string; readonly sinceMs: number }[]): Promise<void> {
    const { context, onRows, onScan } = this.#parts;
    if (found.length === 0) return;
    if (found.some(({ path }) => context.filter.isRuleFile(path))) onScan('rules');
    await context.state.queue.put(found.map((row) => ({ ...row, cause: 'watch' })));
    onRows();
  }

  async #look(): Promise<void> {
    const { context } = this.#parts;
    if (context.link.state.name !== 'ready' || !context.gate.isOpen) return;
    const sinceMs = context.clock.now();
    const paths = await this.#poll.changed();
    await this.#put(paths.map((path) => ({ path, sinceMs })));
    this.#poll.taken();
  }

  /** Whatever comes of this look, there is a next one where nobody watches. */
  async #lookAndGoOn(): Promise<void> {
    try {
      await this.#look();
    } finally {
      if (this.#watcher === null) this.#schedule();
    }
  }

  #schedule(): void {
    this.#cancelPoll?.();
    if (this.#closed) return;
    this.#cancelPoll = this.#parts.context.clock.timer(this.#parts.pollMs, () => {
      if (this.#follows) {
        this.#follows = false;
        this.#follow();
        return;
      }
      this.#queue(() => this.#lookAndGoOn());
    });
  }

  #failed(error: TowlineError): void {
    const { log, stopSignal } = this.#parts.context;
    if (stopSignal.aborted) return;
    // The next listing, or the next scan, sees what this one missed.
    if (error.code === 'network') log.debug('the server was not listed', { error: error.message });
    else log.warn('the server could not be listed for changes', { error: error.message });
  }
}
