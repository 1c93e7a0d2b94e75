/** The demo from curtain to curtain. */
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, hasCode } from '../../core/errors.js';
import type { AgentEvent, RunningAgent, startSftpServer } from '../../index.js';
import type { CliContext } from '../context.js';
import { lineWriter } from '../linewriter.js';
import { textLog } from '../log.js';
import { aborted, interruption } from '../signals.js';
import { Account } from './account.js';
import { awaitArrival, makeEdit, readFiles, writeFiles } from './files.js';
import { editOf, sampleFiles } from './script.js';
import { buildStage, type Stage } from './stage.js';

export interface DemoOptions {
  /** Ends after this many edits. Default: goes on until it is interrupted. */
  readonly rounds?: number;
  /** Time between two edits. */
  readonly pauseMs: number;
}

/**
 * Runs the demo until it is interrupted or its rounds are over.
 * @returns the exit code: 0 when everything arrived whole, else 1
 * @throws TowlineError when the server or the agent cannot start, or the agent halted
 */
export async function runDemo(
  context: CliContext,
  options: DemoOptions,
  startServer: typeof startSftpServer,
): Promise<number> {
  const lines = lineWriter(context, { json: false, verbose: 0, quiet: false }, false);
  const account = new Account(lines);
  const stop = interruption(context, () => account.stopping());
  try {
    const stage = await buildStage(startServer);
    try {
      account.opening(stage);
      await writeFiles(stage.localFolder, sampleFiles());
      await play(context, stage, account, options, stop.signal);
    } finally {
      await stage.dispose();
    }
    account.closing(stage);
    return account.fine ? exitCodes.done : exitCodes.someFailed;
  } finally {
    stop.dispose();
  }
}

async function play(
  context: CliContext,
  stage: Stage,
  account: Account,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<void> {
  const log = textLog(lineWriter(context, { json: false, verbose: 0, quiet: false }, false), 'error');
  const onEvent = (event: AgentEvent) => account.event(event, context.now().getTime());
  let agent: RunningAgent | null = null;
  try {
    const started = awaitArrival(stage.serverFolder, new Map(), sampleFiles(), signal);
    // Told apart from the agent's own failure, which comes first and is the one to report.
    started.catch(() => undefined);
    agent = await context.watch(stage.pair, { log, onEvent, signal, env: context.env });
    await Promise.race([perform(stage, account, started, options, signal), failure(agent), aborted(signal)]);
  } catch (error) {
    // Being interrupted is how a demo ends.
    if (!signal.aborted || !(error === signal.reason || hasCode(error, 'interrupted'))) throw error;
  } finally {
    await agent?.stop();
  }
}
