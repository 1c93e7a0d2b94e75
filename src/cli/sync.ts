/** One sync, or with `--dry-run` what it would do. */
import { exitCodes } from '../core/errors.js';
import type { AgentEvent, PairOptions, PlannedAction, RunHooks } from '../index.js';
import type { CliContext } from './context.js';
import { eventLog } from './eventlog.js';
import { exitCodeOfResult } from './exit.js';
import { planObject, resultObject, writeObject } from './json.js';
import { lineWriter, type LineWriter } from './linewriter.js';
import { jsonLog, levelOf, textLog } from './log.js';
import type { OutputFlags } from './options.js';
import { promptHooks, startProgress } from './progress.js';
import { showPlanEnd, showPlanned } from './plan.js';
import { interruption } from './signals.js';
import { showResult } from './summary.js';
import { commonEvents } from './terminal.js';

export interface SyncFlags extends OutputFlags {
  readonly dryRun: boolean;
}

/**
 * Runs the command.
 * @returns its exit code
 * @throws TowlineError as `sync` of the library does
 */
export async function runSync(given: CliContext, options: PairOptions, flags: SyncFlags): Promise<number> {
  const progress = await startProgress(given, flags);
  const { context } = progress;
  const lines = lineWriter(context, flags, false);
  const log = flags.json
    ? jsonLog(context.stderr, levelOf(flags, 'warn'))
    : textLog(lines, levelOf(flags, 'warn'));
  const onEvent = progress.listener(flags.json ? eventLog(log) : commonEvents(context, lines, flags));
  const stop = interruption(context, () => {
    if (context.stderr.isTTY) lines.err('stopping (Ctrl-C again to exit at once)', 'faint');
  });
  try {
    const run = flags.dryRun ? dryRun : realRun;
    const prompts = promptHooks(context, progress);
    const hooks = { log, onEvent, signal: stop.signal, env: context.env, ...prompts };
    return await run(context, options, flags, lines, hooks);
  } finally {
    progress.end();
    stop.dispose();
  }
}

type Run = (
  context: CliContext,
  options: PairOptions,
  flags: SyncFlags,
  lines: LineWriter,
  hooks: RunHooks,
) => Promise<number>;

const realRun: Run = async (context, options, flags, lines, hooks) => {
  const result = await context.sync(options, hooks);
  if (!flags.json) showResult(lines, result, options, flags);
  else if (!writeObject(context, resultObject(result))) return exitCodes.someFailed;
  return exitCodeOfResult(result);
};

const dryRun: Run = async (context, options, flags, lines, hooks) => {
  const actions: PlannedAction[] = [];
  const onEvent = (event: AgentEvent) => {
    if (event.type !== 'planned') hooks.onEvent?.(event);
    else if (flags.json) actions.push(event.action);
    else showPlanned(lines, event.action);
  };
  const totals = await context.plan(options, { ...hooks, onEvent, collect: false });
  if (!flags.json) showPlanEnd(lines, totals, options, flags);
  else if (!writeObject(context, planObject(actions, totals))) return exitCodes.someFailed;
  return exitCodeOfResult(totals);
};
