/** The demo from curtain to curtain. */
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, hasCode } from '../../core/errors.js';
import type { AgentEvent, startSftpServer } from '../../index.js';
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

const flags = { json: false, verbose: 0, quiet: false };

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
  const account = new Account(lineWriter(context, flags, false));
  const stop = interruption(context, () => account.stopping());
  try {
    const stage = await buildStage(startServer);
    try {
      account.opening(stage);
      await writeFiles(stage.localFolder, sampleFiles());
      account.touching(sampleFiles());
      await play(context, stage, account, options, stop.signal);
    } catch (error) {
      // Being interrupted is how a demo ends.
      if (!stop.signal.aborted || !hasCode(error, 'interrupted')) throw error;
    } finally {
      await stage.dispose();
    }
    account.closing(stage);
    return account.fine ? exitCodes.done : exitCodes.someFailed;
  } finally {
    stop.dispose();
  }
}

/** Starts the agent, lets the edits run beside it, and stops it. */
async function play(
  context: CliContext,
  stage: Stage,
  account: Account,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<void> {
  const watching = Promise.withResolvers<undefined>();
  const onEvent = (event: AgentEvent) => {
    account.event(event, context.now().getTime());
    if (event.type === 'watching') watching.resolve(undefined);
  };
  const log = textLog(lineWriter(context, flags, false), 'error');
  const agent = await context.watch(stage.pair, { log, onEvent, signal, env: context.env });
  const over = new AbortController();
  const acting = act(stage, account, watching.promise, options, AbortSignal.any([signal, over.signal]));
  try {
    await Promise.race([acting, agent.done]);
  } finally {
    over.abort();
    // What it says when it is cut short is of no interest; a failure of its own has ended the race.
    await Promise.allSettled([acting]);
    await agent.stop();
  }
}

/** The first sync, then one edit after the other. */
async function act(
  stage: Stage,
  account: Account,
  watching: Promise<undefined>,
  options: DemoOptions,
  signal: AbortSignal,
): Promise<void> {
  const sample = sampleFiles();
  account.firstSync(await awaitArrival(stage.serverFolder, new Map(), sample, signal));
  await Promise.race([watching, aborted(signal)]);
  for (let round = 0; round < (options.rounds ?? Infinity); round++) {
    await pause(options.pauseMs, signal);
    const edit = editOf(round);
    const before = await readFiles(stage.localFolder, edit.after.keys());
    account.touching(edit.after);
    await makeEdit(stage.localFolder, edit);
    account.edited(edit, await awaitArrival(stage.serverFolder, before, edit.after, signal));
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
