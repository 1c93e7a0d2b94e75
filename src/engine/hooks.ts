import { pause } from '../core/abort.js';
import { asTowlineError, hasCode } from '../core/errors.js';
import { type Filter, createFilter } from '../core/filter.js';
import type { CommandResult, Commands } from '../ports.js';
import { ChangedPaths, inputOf } from './changed-paths.js';
import type { Context } from './context.js';
import { failureOf, type Hook, OutputLog } from './hook-report.js';
import type { Changed } from './tally.js';

/** Those who know when all that was seen is on the other side. */
export interface HookWaits {
  readonly runner: { drained(): Promise<void> };
  readonly scans: { readonly active: boolean; idle(): Promise<void> };
  readonly intake: { readonly pending: number };
}

export interface HooksParts extends HookWaits {
  readonly context: Pick<Context, 'clock' | 'log' | 'emit' | 'link' | 'state' | 'signal' | 'stopSignal'>;
  readonly hooks: readonly Hook[];
  readonly commands: Commands;
}

/** Changes that are still settling join the batch, for at most so long. */
const joinMaxMs = 2_000;
const joinStepMs = 50;
/** A command whose connection was lost is run again; it may have run in part. */
const attemptsMax = 3;
/** What changed and has not been followed by a run to its end. */
const owedFact = 'afterSync';

/**
 * Runs the user's commands after changes: once when the queue has drained, one after the other, never two at once. What
 * changes meanwhile leads to one more run. A run that was cut off is made up for at the next start.
 */
export class Hooks {
  readonly #parts: HooksParts;
  readonly #hooks: readonly { readonly hook: Hook; readonly filter: Filter | null }[];
  /** Not followed by a run yet. */
  #waiting = new ChangedPaths();
  /** What the present run is about. */
  #current = new ChangedPaths();
  #running: Promise<void> | null = null;
  #recalled = false;
  #remembered = Promise.resolve();

  constructor(parts: HooksParts) {
    this.#parts = parts;
    this.#hooks = parts.hooks.map((hook) => ({ hook, filter: filterOf(hook.patterns) }));
  }

  /** A batch ended that changed these paths. The first one, even if it is empty, takes up what an earlier process left. */
  note(changed: Changed): void {
    this.#waiting.add(changed);
    if (this.#recalled && this.#waiting.empty) return;
    if (this.#running === null) this.#running = this.#untilNothingWaits();
    else if (this.#recalled) void this.#remember();
  }

  /** Resolves when nothing runs and nothing waits to be run; never rejects. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
    await this.#remembered;
  }

  async #untilNothingWaits(): Promise<void> {
    const { log } = this.#parts.context;
    try {
      await this.#recall();
      while (!this.#waiting.empty) {
        await this.#settled();
        this.#current = this.#waiting;
        this.#waiting = new ChangedPaths();
        await this.#remember();
        for (const { hook, filter } of this.#hooks) await this.#runIfWanted(hook, filter);
        this.#current = new ChangedPaths();
        await this.#remember();
      }
    } catch (error) {
      // We are to stop, or the run failed as a whole and says so itself: the next start makes up for it.
      log.debug('the commands after the sync wait for the next start', {
        error: asTowlineError(error).message,
      });
    }
    this.#running = null;
  }

  /** Nothing is written while there is nothing to remember: most runs change nothing. */
  async #recall(): Promise<void> {
    if (!this.#recalled) {
      const owed = await this.#parts.context.state.facts.get<Changed>(owedFact);
      this.#recalled = true;
      if (owed !== null) this.#waiting.add(owed);
    }
    if (!this.#waiting.empty) await this.#remember();
  }

  /** Never rejects: the run itself matters more. */
  #remember(): Promise<void> {
    const { state, log } = this.#parts.context;
    const owed = new ChangedPaths();
    owed.add(this.#current.value);
    owed.add(this.#waiting.value);
    this.#remembered = this.#remembered
      .then(() => state.facts.set(owedFact, owed.empty ? null : owed.value))
      .catch((error: unknown) => {
        const { message } = asTowlineError(error);
        log.warn('that commands are to run after the sync could not be written down', { error: message });
      });
    return this.#remembered;
  }

  /** Resolves when all that was seen is on the other side. */
  async #settled(): Promise<void> {
    const { context, runner, scans, intake } = this.#parts;
    const { clock, stopSignal } = context;
    const endMs = clock.now() + joinMaxMs;
    for (;;) {
      stopSignal.throwIfAborted();
      if (scans.active) await scans.idle();
      await runner.drained();
      if (!scans.active && (intake.pending === 0 || clock.now() >= endMs)) return;
      await pause(clock, joinStepMs, stopSignal);
    }
  }

  async #runIfWanted(hook: Hook, filter: Filter | null): Promise<void> {
    const { paths, omitted } = this.#current.value;
    if (filter !== null && omitted === 0 && !paths.some((path) => matches(filter, path))) return;
    const { clock, log, stopSignal, signal } = this.#parts.context;
    const startedMs = clock.now();
    try {
      const result = await this.#run(hook);
      const failure = failureOf(hook, result);
      if (failure !== null) this.#sayFailed(failure);
      log.info('ran the command after the sync', {
        command: hook.command,
        where: hook.where,
        code: result.code,
        durationMs: clock.now() - startedMs,
      });
    } catch (thrown) {
      if (stopSignal.aborted || signal.aborted) throw thrown;
      const { message } = asTowlineError(thrown);
      this.#sayFailed(`the command after the sync could not be run, '${hook.command}': ${message}`);
    }
  }

  async #run(hook: Hook): Promise<CommandResult> {
    const { context, commands } = this.#parts;
    const { command, where, timeoutSeconds } = hook;
    const { stdin, omitted } = inputOf(this.#current.value);
    for (let attempt = 1; ; attempt++) {
      if (where === 'remote') await context.link.ready(context.stopSignal);
      const log = new OutputLog(context.log, hook);
      try {
        return await commands.run(where, {
          command,
          stdin,
          environment: { TOWLINE_PATHS_OMITTED: String(omitted) },
          timeoutMs: timeoutSeconds * 1000,
          signal: context.signal,
          onOutput: (output, text) => log.add(output, text),
        });
      } catch (error) {
        if (!hasCode(error, 'network') || attempt === attemptsMax) throw error;
        context.log.info('the command after the sync was cut off and is run again', { command });
      } finally {
        log.end();
      }
    }
  }

  #sayFailed(message: string): void {
    this.#parts.context.emit({ type: 'notice', level: 'warn', code: 'hook-failed', message });
  }
}

function filterOf(patterns: readonly string[]): Filter | null {
  if (patterns.length === 0) return null;
  const rules = patterns.map((pattern) => ({ type: 'exclude' as const, pattern, source: 'afterSync' }));
  return createFilter({ rules, defaults: false, droppings: false });
}

/** Of a path that is gone nobody knows what it was. */
function matches(filter: Filter, path: string): boolean {
  return filter.excludes(path, 'file') || filter.excludes(path, 'directory');
}
