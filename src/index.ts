/**
 * Towline as a library: keeps two directories in step, one of them on a server, over plain SFTP.
 *
 * This file is the public API; compose.ts puts the real adapters together behind it.
 */
import { checkHooks, type RunHooks } from './compose/hooks.js';
import { openPair } from './compose.js';
import { whenAborted } from './core/abort.js';
import { dryRun } from './engine/dry-run.js';
import type { AgentEvent, PlannedAction, SyncResult } from './engine/events.js';
import { plainOptions, type SyncOptions } from './library/sync-options.js';

export type { RunHooks } from './compose/hooks.js';
export type { AfterSyncOption, PairOptions, RuleOption } from './config/options.js';
export type { Transport } from './config/transport.js';
export type { Compare } from './core/compare.js';
export type { MetadataChange } from './core/action.js';
export type { Entry, Kind, Side } from './core/entry.js';
export { type ErrorCode, type ErrorDetails, TowlineError } from './core/errors.js';
export type { Rule } from './core/filter-rules.js';
export type { Folding } from './core/fold.js';
export type { PathLock } from './core/lock.js';
export {
  conflictPolicies,
  type ConflictPolicy,
  driftPolicies,
  type DriftPolicy,
  type Mode,
  modes,
  type Resolution,
} from './core/policy.js';
export { comparePaths } from './core/path.js';
export type { ScanItem } from './core/stream.js';
export { isOwnName, tempAgentOf } from './core/tempname.js';
export type { Check, CheckState, Diagnosis } from './diagnose/check.js';
export { diagnose, type DiagnoseHooks, type DiagnoseOptions } from './diagnose.js';
export type { Hold, HoldCause } from './core/guard.js';
export type { FileCarried } from './engine/carry-file.js';
export type { HashOptions } from './engine/hash-tree.js';
export type { ListedEntry, ListOptions } from './engine/list-tree.js';
export type {
  AgentEvent,
  AgentListener,
  BatchSummary,
  ConflictEvent,
  FileTransferEnd,
  FileTransferStart,
  NoticeEvent,
  PlannedAction,
  PlanPart,
  Problem,
  SyncResult,
} from './engine/events.js';
export type { FileProgress, Progress, TotalProgress } from './engine/progress.js';
export { type Agent, createAgent } from './library/agent.js';
export type {
  AgentEvents,
  SolvedEvent,
  StateEvent,
  TransferEndEvent,
  TransferEvent,
} from './library/agent-events.js';
export { type Bwlimit, createBwlimit, type Throttle } from './library/bwlimit.js';
export {
  createMemoryStorage,
  type MemoryEdit,
  type MemoryStorage,
  type MemoryStorageOptions,
} from './library/memory-storage.js';
export { type ConnectOptions, type OpenedStorage, openStorage } from './library/open-storage.js';
export { type RunningAgent, watch } from './library/running.js';
export type { OneOrMore, SyncOptions } from './library/sync-options.js';
export { decideConflict } from './conflicts.js';
export {
  explain,
  type EntryShown,
  type Failure,
  type PathExplanation,
  type QueueShown,
  type RuleShown,
} from './explain.js';
export type { Policies } from './engine/policies.js';
export type { AgentControl, AgentState, AgentStatus } from './engine/status.js';
export type {
  Capabilities,
  Link,
  LinkState,
  Log,
  Observed,
  ScanRequest,
  Source,
  Storage,
  Temp,
  TempAttributes,
  TempHint,
} from './ports.js';
export type { CapabilityNames, ScanNames, StorageNames } from './ports-names.js';
export {
  asStatus,
  findPair,
  type KnownPair,
  listPairs,
  pairStatus,
  type PairPlace,
  type PairStatus,
  type RunningStatus,
  type StoppedStatus,
} from './pairs.js';
export type { StorageRemote } from './remote/storage-remote.js';
export { connect } from './session.js';
export type { FileOptions, Session, SessionOptions } from './session/contract.js';
export type { Prompts } from './ssh/prompts.js';
export type { Authorize } from './ssh/server/authorize.js';
export { startSftpServer, type SftpServer, type SftpServerOptions } from './ssh/server/server.js';

/**
 * Brings the two sides in step once, as `mode` says.
 * @throws `configuration`, `unsupported`, `authentication`, `host-key`, `network`, `locked`, `state`, `permission` (a root), `drift`
 * (`onDrift: 'halt'`), `interrupted`. Paths that fail are no rejection: they are in the result.
 */
export async function sync(options: SyncOptions, hooks: RunHooks = {}): Promise<SyncResult> {
  const parts = plainOptions(options);
  checkHooks(hooks);
  const pair = await openPair(parts, hooks, 'once');
  const stop = whenAborted(hooks.signal, () => void pair.agent.stop());
  try {
    return await pair.once();
  } finally {
    stop();
    await pair.close();
  }
}

/** What `sync` would do. */
export interface Plan extends SyncResult {
  /** In the order of paths, deletions last; what replaces a directory follows its deletion. */
  readonly actions: readonly PlannedAction[];
}

/** What `plan` may be given beside its options. */
export interface PlanHooks extends RunHooks {
  /** Whether `actions` are collected: who listens to events of the type `planned` may do without. Default: true. */
  readonly collect?: boolean;
}

/**
 * Tells what `sync` would do, with the sums it would end with, and changes nothing.
 * @throws as `sync` does
 */
export async function plan(options: SyncOptions, hooks: PlanHooks = {}): Promise<Plan> {
  const parts = plainOptions(options);
  checkHooks(hooks);
  const { collect = true, onEvent, ...others } = hooks;
  const actions: PlannedAction[] = [];
  const hear = (event: AgentEvent) => {
    if (collect && event.type === 'planned') actions.push(event.action);
    onEvent?.(event);
  };
  const pair = await openPair(parts, { ...others, onEvent: hear }, 'plan');
  const stop = whenAborted(hooks.signal, () => pair.interrupt());
  try {
    return { ...(await dryRun(pair.context, pair.stateLost)), actions };
  } finally {
    stop();
    await pair.close();
  }
}
