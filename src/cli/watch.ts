/** `towline watch`: the agent, until it is asked to stop. */
import { asTowlineError, exitCodes, hasCode, type TowlineError } from '../core/errors.js';
import type { AgentEvent, PairOptions, SyncResult } from '../index.js';
import type { CliContext, Log } from './context.js';
import { eventLog } from './eventlog.js';
import { resultObject } from './json.js';
import { doneText } from './lines.js';
import { lineWriter } from './linewriter.js';
import { jsonLog, levelOf, textLog } from './log.js';
import { formatDuration } from './numbers.js';
import type { OutputFlags } from './options.js';
import { promptHooks, startProgress } from './progress.js';
import { serviceReport } from './supervised.js';
import { aborted, interruption } from './signals.js';
import { watchEvents } from './terminal.js';

/** How the agent's life is told: lines on a terminal, JSON lines elsewhere. */
interface Account {
  readonly log: Log;
  readonly onEvent: (event: AgentEvent) => void;
  stopping(): void;
  stopped(totals: SyncResult): void;
  failed(error: TowlineError): void;
}

export interface WatchFlags extends OutputFlags {
  /** As a service it counts as up only after the first sync. */
  readonly readyAfterSync: boolean;
}

/**
 * Runs the command until it is interrupted.
 * @returns its exit code: 0 after a clean stop
 * @throws TowlineError when the agent could not start or halted
 */
export async function runWatch(given: CliContext, options: PairOptions, flags: WatchFlags): Promise<number> {
  const progress = await startProgress(given, flags);
  const { context } = progress;
  const account =
    context.stdout.isTTY && !flags.json
      ? peoplesAccount(context, options, flags)
      : jsonAccount(context, flags);
  const { log } = account;
  const service = serviceReport(context, log, flags.readyAfterSync);
  const tell = progress.listener(account.onEvent);
  const onEvent = (event: AgentEvent) => {
    tell(event);
    service.note(event);
  };
  const stop = interruption(context, () => {
    account.stopping();
    service.stopping();
  });
  try {
    const agent = await context.watch(options, {
      log,
      onEvent,
      signal: stop.signal,
      env: context.env,
      control: true,
      ...promptHooks(context, progress),
    });
    service.attach(agent);
    await Promise.race([agent.done, aborted(stop.signal)]);
    if (stop.signal.aborted) await agent.stop();
    await agent.done;
    account.stopped(agent.summary());
    return exitCodes.done;
  } catch (error) {
    // Being asked to stop is how a watch ends, also before it has begun.
    if (stop.signal.aborted && hasCode(error, 'interrupted')) return exitCodes.done;
    account.failed(asTowlineError(error));
    throw error;
  } finally {
    progress.end();
    stop.dispose();
    await service.close();
  }
}

function peoplesAccount(context: CliContext, options: PairOptions, flags: OutputFlags): Account {
  const lines = lineWriter(context, flags, true);
  return {
    log: textLog(lines, levelOf(flags, 'warn')),
    onEvent: watchEvents(context, lines, options, flags),
    stopping: () => lines.out('stopping (Ctrl-C again to exit at once)', 'faint'),
    stopped: (totals) =>
      lines.out(`stopped: ${doneText(totals) ?? `nothing was sent in ${formatDuration(totals.durationMs)}`}`),
    // Said by the caller, as for every command.
    failed: () => undefined,
  };
}

function jsonAccount(context: CliContext, flags: OutputFlags): Account {
  const log = jsonLog(context.stdout, levelOf(flags, 'info'));
  return {
    log,
    onEvent: eventLog(log),
    stopping: () => log.info('stopping', { event: 'stopping' }),
    stopped: (totals) => log.info('stopped', { event: 'stopped', totals: resultObject(totals) }),
    failed: (error) => log.error(error.message, { event: 'failed', code: error.code }),
  };
}
