import { TowlineError, asTowlineError } from '../core/errors.js';
import type { Settler } from '../core/settle.js';
import { isCarriable } from '../core/path.js';
import type { WatchEventKind } from '../core/stream.js';
import type { Observed } from '../ports.js';
import type { Context } from './context.js';

/** A state that could not take rows is tried again after this. */
const putAgainMs = 1_000;
/** A file found empty is looked at once more after the settler's own wait, then it is believed. */
const believedMax = 10_000;

export interface IntakeParts {
  readonly context: Context;
  readonly settler: Settler;
  /** Rows were committed to the queue. */
  readonly onRows: () => void;
  /** A rule file changed: the filter in force is out of date. */
  readonly onRules: () => void;
  /** More changes than can be kept apart: compare everything. */
  readonly onOverflow: () => void;
}

/** Takes the watcher's events, waits until each path has settled, and commits it to the queue. */
export class Intake {
  readonly #parts: IntakeParts;
  #cancelTimer: (() => void) | null = null;
  #timerAtMs = Infinity;
  #flushing: Promise<void> = Promise.resolve();
  readonly #believedEmpty = new Set<string>();
  #closed = false;
  #noted = 0;
  /** The queue took nothing the last time, and that was said. */
  #failing = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** One event of the watcher. Only notes it: nothing is done inside an event handler. */
  note(kind: WatchEventKind, path: string): void {
    // A name that cannot be carried is the scan's to report: it also notices when the name is gone.
    if (this.#closed || path === '' || !isCarriable(path)) return;
    const { context, settler, onRules } = this.#parts;
    if (context.filter.isRuleFile(path)) onRules();
    settler.note(kind, path, context.clock.now());
    this.#noted++;
    this.#schedule();
  }

  /** Commits all that was noted, settled or not, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#flushing;
    await this.#put(this.#parts.settler.due(Infinity));
  }

  /** Commits all that was noted up to now without waiting for quiet. */
  async flush(): Promise<void> {
    await this.#enqueue(Infinity);
  }

  /** Events noted so far. */
  get noted(): number {
    return this.#noted;
  }

  /** Paths that have not settled yet. */
  get pending(): number {
    return this.#parts.settler.size;
  }

  #schedule(): void {
    const { context, settler } = this.#parts;
    const atMs = settler.nextAtMs();
    if (atMs === null || this.#closed) return;
    if (this.#cancelTimer !== null && this.#timerAtMs <= atMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = context.clock.timer(Math.max(0, atMs - context.clock.now()), () => {
      this.#cancelTimer = null;
      void this.#enqueue(context.clock.now());
    });
  }

  #enqueue(nowMs: number): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const { settler } = this.#parts;
      if (settler.overflowed) this.#parts.onOverflow();
      await this.#put(await this.#withoutEmptied(settler.due(nowMs), nowMs));
      this.#schedule();
    });
    return this.#flushing;
  }

  /** Editors truncate, then write: a file that is empty now waits a little longer, once. */
  async #withoutEmptied(due: readonly Due[], nowMs: number): Promise<readonly Due[]> {
    if (nowMs === Infinity || due.length === 0) return due;
    const { settler } = this.#parts;
    const seen = await this.#look(due);
    return due.filter(({ path }, index) => {
      const entry = seen[index];
      const empty =
        entry !== null &&
        entry !== undefined &&
        !(entry instanceof TowlineError) &&
        entry.kind === 'file' &&
        entry.size === 0;
      if (!empty || this.#believedEmpty.delete(path)) return true;
      if (this.#believedEmpty.size >= believedMax) this.#believedEmpty.clear();
      this.#believedEmpty.add(path);
      settler.note('change', path, nowMs, { size: 0 });
      return false;
    });
  }

  /** What cannot be looked at now is no reason to forget that it changed. */
  async #look(due: readonly Due[]): Promise<readonly Observed[]> {
    const { local, log } = this.#parts.context;
    try {
      return await local.observe(due.map(({ path }) => path));
    } catch (error) {
      log.debug('changes go on their way unseen', { error: asTowlineError(error).message });
      return [];
    }
  }

  async #put(due: readonly Due[]): Promise<void> {
    if (due.length === 0) return;
    const { context, onRows } = this.#parts;
    try {
      await context.state.queue.put(due.map(({ path, sinceMs }) => ({ path, cause: 'watch', sinceMs })));
      if (this.#failing) context.log.info('changes can be written to the queue again', { paths: due.length });
      this.#failing = false;
      onRows();
    } catch (error) {
      const fields = { paths: due.length, error: asTowlineError(error).message };
      const message = 'changes could not be written to the queue; it is tried again every second';
      if (this.#failing) context.log.debug(message, fields);
      else context.log.error(message, fields);
      this.#failing = true;
      if (this.#closed) throw error;
      const againMs = context.clock.now() + putAgainMs;
      for (const { path } of due) this.#parts.settler.note('change', path, againMs);
    }
  }
}

interface Due {
  readonly path: string;
  readonly sinceMs: number;
}
