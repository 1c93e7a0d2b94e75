import { pause } from '../core/abort.js';
import { TowlineError, asTowlineError, hasCode } from '../core/errors.js';
import type { WatchEventKind } from '../core/stream.js';
import type { Watcher } from '../ports-watch.js';
import { type Context, rulesSideOf } from './context.js';
import { StallWatch } from './stall-watch.js';

/** A watcher that failed is built anew after this, doubled up to a minute. */
const rebuildMs = 1_000;
const rebuildMaxMs = 60_000;
/** A root that is gone is looked for this often. */
const rootMs = 5_000;

export interface WatchSetParts {
  readonly context: Context;
  /** A new watcher, as often as one is needed: each watches once. */
  readonly newWatcher: () => Watcher;
  readonly onEvent: (kind: WatchEventKind, path: string) => void;
  /** Events may have been missed: everything has to be compared. */
  readonly onGap: () => void;
}

/** Keeps a watcher alive: when one fails or may have lost events, another takes its place. */
export class WatchSet {
  readonly #parts: WatchSetParts;
  #watcher: Watcher | null = null;
  #rebuilding: Promise<void> | null = null;
  #saidLimit = false;
  readonly #stalls: StallWatch;

  constructor(parts: WatchSetParts) {
    this.#parts = parts;
    const told = (reason: string) => this.failed(new TowlineError('internal', reason));
    this.#stalls = new StallWatch(parts.context.clock, told);
  }

  /**
   * Resolves once changes are seen. Where the system's limit is reached it says so and goes on trying: until then
   * changes are found by scanning.
   * @throws `not-found` and whatever else keeps a watcher from starting
   */
  async start(): Promise<void> {
    const { context } = this.#parts;
    if (rulesSideOf(context.settings) === 'remote') await this.#readRemoteRules();
    else await context.filter.reset();
    try {
      await this.#begin();
    } catch (error) {
      if (!hasCode(error, 'unsupported')) throw error;
      this.failed(error);
    }
    this.#parts.context.emit({ type: 'watcher-ready' });
    // Whoever hears of it may stop everything: nobody would end this again.
    if (!context.stopSignal.aborted) this.#stalls.start();
  }

  /** Events may be missing: the watch set is built anew, then everything is compared. */
  failed(error: TowlineError): void {
    const { context } = this.#parts;
    if (error.code !== 'unsupported') {
      context.log.info('the folder is watched anew', { reason: error.message });
    } else if (!this.#saidLimit) {
      this.#saidLimit = true;
      context.emit({ type: 'notice', level: 'warn', code: 'watch-limit', message: error.message });
    }
    void this.rebuild();
  }

  /** Builds the watch set anew, as often as it takes, and reports the gap. */
  rebuild(): Promise<void> {
    this.#rebuilding ??= this.#rebuild().finally(() => {
      this.#rebuilding = null;
    });
    return this.#rebuilding;
  }

  async close(): Promise<void> {
    this.#stalls.close();
    await this.#watcher?.close();
  }

  /** Rule files of the other side can only be read over the link, for as long as that takes. */
  async #readRemoteRules(): Promise<void> {
    const { link, filter, clock, stopSignal } = this.#parts.context;
    for (let waitMs = rebuildMs; ; waitMs = Math.min(rebuildMaxMs, waitMs * 2)) {
      await link.ready(stopSignal);
      try {
        await filter.reset();
        return;
      } catch (error) {
        if (!hasCode(error, 'network')) throw error;
        await pause(clock, waitMs, stopSignal);
      }
    }
  }

  async #begin(): Promise<void> {
    const { newWatcher, onEvent, context } = this.#parts;
    const { filter, stopSignal } = context;
    const watcher = newWatcher();
    this.#watcher = watcher;
    await watcher.start(
      {
        event: onEvent,
        error: (error) => this.failed(error),
        excludes: (path, kind) => !filter.isRuleFile(path) && filter.excludes(path, kind),
      },
      stopSignal,
    );
  }

  async #rebuild(): Promise<void> {
    const { context, onGap } = this.#parts;
    for (let waitMs = rebuildMs; !context.stopSignal.aborted; waitMs = Math.min(rebuildMaxMs, waitMs * 2)) {
      try {
        await this.#watcher?.close();
        await this.#begin();
        break;
      } catch (error) {
        const gone = hasCode(error, 'not-found');
        context.log.debug('the folder cannot be watched', { error: asTowlineError(error).message });
        if (!gone) onGap();
        await pause(context.clock, gone ? rootMs : waitMs, context.stopSignal);
      }
    }
    if (!context.stopSignal.aborted) onGap();
  }
}
