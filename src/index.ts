/**
 * Towline as a library: keeps two directories in step, one of them on a server, over plain SFTP.
 *
 * This file is the public API; compose.ts puts the real adapters together behind it.
 */
import { openPair, type RunHooks } from './compose.js';
import type { PairOptions } from './config/options.js';
import { dryRun } from './engine/dry-run.js';
import type { SyncResult } from './engine/events.js';
import type { AgentControl } from './engine/status.js';

export type { RunHooks } from './compose.js';
export type { AfterSyncOption, PairOptions, RuleOption } from './config/options.js';
export { TowlineError, type ErrorCode } from './core/errors.js';
export {
  conflictPolicies,
  type ConflictPolicy,
  driftPolicies,
  type DriftPolicy,
  type Mode,
  modes,
  type Resolution,
} from './core/policy.js';
export type { Check, CheckState, Diagnosis } from './diagnose/check.js';
export { diagnose, type DiagnoseHooks, type DiagnoseOptions } from './diagnose.js';
export type { Hold, HoldCause } from './core/guard.js';
export type { CarryOptions, FileCarried } from './engine/carry-file.js';
export type {
  AgentEvent,
  AgentListener,
  BatchSummary,
  PlannedAction,
  Problem,
  SyncResult,
} from './engine/events.js';
export { decideConflict } from './conflicts.js';
export { explain, type EntryShown, type PathExplanation, type RuleShown } from './explain.js';
export type { AgentControl, AgentStatus } from './engine/status.js';
export type { LinkState, Log } from './ports.js';
export {
  asStatus,
  findPair,
  type KnownPair,
  listPairs,
  pairStatus,
  type PairStatus,
  type StoppedStatus,
} from './pairs.js';
export { connect, type FileOptions, type Session, type SessionOptions } from './session.js';
export type { Prompts } from './ssh/prompts.js';
export { startSftpServer, type SftpServer, type SftpServerOptions } from './ssh/server/server.js';

/** An agent that was started. */
export interface RunningAgent {
  /** Settles when it has ended; rejects with a `TowlineError` when it halted (authentication, host key, state). */
  readonly done: Promise<void>;
  /** Ends it: what is in flight is finished or parked within five seconds. */
  stop(): Promise<void>;
  /** The numbers up to now. */
  summary(): SyncResult;
  /** What can be asked of it while it runs. */
  readonly control: AgentControl;
  /**
   * Notes in the state that it is alive: resolves while the event loop turns and the state can be written.
   * @throws `state`
   */
  alive(): Promise<void>;
}

/**
 * Brings the two sides in step once, as `mode` says.
 * @throws `configuration`, `authentication`, `host-key`, `network`, `locked`, `state`, `permission` (a root), `drift`
 * (`onDrift: 'halt'`), `interrupted`. Paths that fail are no rejection: they are in the result.
 */
export async function sync(options: PairOptions, hooks: RunHooks = {}): Promise<SyncResult> {
  const pair = await openPair(options, hooks, 'once');
  const stop = onAbort(hooks.signal, () => void pair.agent.stop());
  try {
    return await pair.agent.runOnce();
  } finally {
    stop();
    await pair.close();
  }
}

/**
 * Tells by `planned` events what `sync` would do, and changes nothing.
 * @throws as `sync` does
 */
export async function plan(options: PairOptions, hooks: RunHooks = {}): Promise<SyncResult> {
  const pair = await openPair(options, hooks, 'plan');
  const stop = onAbort(hooks.signal, () => pair.interrupt());
  try {
    return await dryRun(pair.context, pair.stateLost);
  } finally {
    stop();
    await pair.close();
  }
}

/**
 * Starts an agent that keeps the two sides in step, as `mode` says, until it is stopped. A link that cannot be had is
 * waited for.
 * @throws `configuration`, `locked`, `state` (before it starts)
 */
export async function watch(options: PairOptions, hooks: RunHooks = {}): Promise<RunningAgent> {
  const pair = await openPair(options, hooks, 'watch');
  const stop = onAbort(hooks.signal, () => void pair.agent.stop());
  const done = pair.agent.watch().finally(async () => {
    stop();
    await pair.close();
  });
  // Who only calls `stop` need not listen to `done` too.
  done.catch(() => undefined);
  return {
    done,
    stop: () => pair.agent.stop().then(() => done),
    summary: () => pair.agent.summary(),
    control: pair.agent.control,
    alive: () => pair.record.alive(),
  };
}

function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal?.aborted === true) listener();
  signal?.addEventListener('abort', listener, { once: true });
  return () => signal?.removeEventListener('abort', listener);
}
