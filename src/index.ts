/**
 * Towline as a library: keeps a remote directory in step with a local one over plain SFTP.
 *
 * This file is the public API, and the one place where the real adapters are put together.
 */
import { homedir } from 'node:os';
import type { PairOptions } from './config/options.js';
import { type ResolvedOptions, resolveOptions } from './config/resolve.js';
import { TowlineError } from './core/errors.js';
import { createSettler } from './core/settle.js';
import { Agent } from './engine/agent.js';
import { Claims } from './engine/claims.js';
import { type Context, policyOf, type Settings } from './engine/context.js';
import { DeletionLog } from './engine/deletion-log.js';
import { dryRun } from './engine/dry-run.js';
import type { AgentListener, SyncResult } from './engine/events.js';
import { createFilterBook } from './engine/filter-book.js';
import { Lanes } from './engine/lanes.js';
import { Ledger, noLedger } from './engine/ledger.js';
import { Temps } from './engine/temps.js';
import type { Log } from './ports.js';
import { createConnection } from './ssh/connection.js';
import { createIdentity, type Identity } from './ssh/identity.js';
import { nativeCryptoActive } from './ssh/native.js';
import { parseTarget, type Target } from './ssh/target.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { setAsideFact } from './state/facts.js';
import { openState, type OpenedState } from './state/open.js';
import { inspectRoot, resolveRoot } from './storage/local/root.js';
import { createLocalStorage } from './storage/local/storage.js';
import { createSftpStorage } from './storage/sftp/storage.js';
import { systemClock } from './system-clock.js';
import { createChokidarWatcher } from './watch/chokidar-watcher.js';

export type { PairOptions, RuleOption } from './config/options.js';
export { TowlineError, type ErrorCode } from './core/errors.js';
export type { Hold, HoldCause } from './core/guard.js';
export type {
  AgentEvent,
  AgentListener,
  BatchSummary,
  PlannedAction,
  Problem,
  SyncResult,
} from './engine/events.js';
export type { LinkState, Log } from './ports.js';
export { startSftpServer, type SftpServer, type SftpServerOptions } from './ssh/server/server.js';

/** What a caller may give beside the options, and hear. */
export interface RunHooks {
  /** Default: silence. */
  readonly log?: Log;
  readonly onEvent?: AgentListener;
  /** Ends the run: cleanly, within five seconds; a one-shot call then rejects with `interrupted`. */
  readonly signal?: AbortSignal;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** An agent that was started. */
export interface RunningAgent {
  /** Settles when it has ended; rejects with a `TowlineError` when it halted (authentication, host key, state). */
  readonly done: Promise<void>;
  /** Ends it: what is in flight is finished or parked within five seconds. */
  stop(): Promise<void>;
  /** The numbers up to now. */
  summary(): SyncResult;
}

/**
 * Makes the remote folder follow the local one, once.
 * @throws `configuration`, `authentication`, `host-key`, `network`, `locked`, `state`, `permission` (the remote root),
 * `interrupted`. Paths that fail are no rejection: they are in the result.
 */
export async function push(options: PairOptions, hooks: RunHooks = {}): Promise<SyncResult> {
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
 * Tells by `planned` events what `push` would do, and changes nothing.
 * @throws as `push` does
 */
export async function planPush(options: PairOptions, hooks: RunHooks = {}): Promise<SyncResult> {
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
 * Starts an agent that makes the remote folder follow the local one until it is stopped. A link that cannot be had is
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
  return { done, stop: () => pair.agent.stop().then(() => done), summary: () => pair.agent.summary() };
}

type Purpose = 'once' | 'plan' | 'watch';

/** A one-shot command gives up after this many failed connections in a row. */
const attemptsOnce = 3;

interface OpenPair {
  readonly agent: Agent;
  readonly context: Context;
  readonly stateLost: boolean;
  interrupt(): void;
  close(): Promise<void>;
}

async function openPair(options: PairOptions, hooks: RunHooks, purpose: Purpose): Promise<OpenPair> {
  const resolved = resolveOptions(options);
  const target = parseTarget(options.remote);
  const root = await resolveRoot(options.local);
  hooks.signal?.throwIfAborted();
  const env = hooks.env ?? process.env;
  const identity = await createIdentity({
    target,
    acceptNew: resolved.acceptNew,
    env,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.identityFiles === undefined ? {} : { identityFiles: options.identityFiles }),
    ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
  });
  const { user, hostName: host, port } = identity.resolved;
  const pairIdentity = { localRealPath: root, user, host, port, path: target.path };
  const folder = stateFolder({
    stateDir: options.stateDir,
    env,
    home: env.HOME ?? homedir(),
    pair: pairIdentity,
  });
  const lock = purpose === 'plan' ? null : await acquireLock(folder);
  let state: OpenedState | null = null;
  try {
    state = await openState({ folder, label: `${root} → ${identity.label}:${target.path}` });
    return await assemble({ options, resolved, hooks, purpose, root, target, identity, state }, async () => {
      await state?.close();
      lock?.release();
    });
  } catch (error) {
    await state?.close();
    lock?.release();
    throw error;
  }
}

interface Materials {
  readonly options: PairOptions;
  readonly resolved: ResolvedOptions;
  readonly hooks: RunHooks;
  readonly purpose: Purpose;
  readonly root: string;
  readonly target: Target;
  readonly identity: Identity;
  readonly state: OpenedState;
}

async function assemble(materials: Materials, release: () => Promise<void>): Promise<OpenPair> {
  const { options, resolved, hooks, purpose, root, target, identity, state } = materials;
  const log = hooks.log ?? silence;
  const soft = new AbortController();
  const hard = new AbortController();
  const local = createLocalStorage({ root, label: options.local });
  const label = `${identity.label}:${target.path}`;
  const link = createConnection({
    label: identity.label,
    connect: () => identity.connect(),
    classify: (error) => identity.classify(error),
    clock: systemClock,
    log,
    ...(purpose === 'watch' ? {} : { giveUpAfter: attemptsOnce }),
  });
  const remote = createSftpStorage({ session: link, root: target.path, label, clock: systemClock });
  const real = new Ledger(state, systemClock);
  const settings = settingsOf(resolved, purpose);
  const trustModes = (await state.facts.get<string>('modeRule')) === settings.modeRuleText;
  const emit: AgentListener = (event) => hooks.onEvent?.(event);
  const context: Context = {
    local,
    remote,
    link,
    state,
    clock: systemClock,
    log,
    emit,
    settings,
    agentId: state.agentId,
    inspectRoot: () => inspectRoot(root),
    stopSignal: soft.signal,
    signal: hard.signal,
    filter: createFilterBook(resolved, local),
    claims: new Claims(),
    ledger: purpose === 'plan' ? noLedger : real,
    temps: new Temps(state.partials, real, systemClock, log, state.agentId),
    lanes: new Lanes(),
    deletions: new DeletionLog(),
    policy: () => policyOf(settings, remote, trustModes),
  };
  const stateLost = (await state.facts.get(setAsideFact)) !== null;
  sayFirst(emit, state);
  const forgetAccepted = recordHostKeys(link, identity, log);
  const agent = new Agent({
    context,
    wind: (reason) => soft.abort(reason),
    abort: (reason) => hard.abort(reason),
    newWatcher: () => createChokidarWatcher({ root }),
    newSettler: () => createSettler({ settleMs: resolved.settleMs, settleMaxMs: resolved.settleMaxMs }),
    rescanMs: resolved.rescanMs,
    stateLost,
  });
  return {
    agent,
    context,
    stateLost,
    interrupt: () => {
      const reason = new TowlineError('interrupted', 'stopped');
      soft.abort(reason);
      hard.abort(reason);
    },
    close: async () => {
      forgetAccepted();
      await link.close();
      await release();
    },
  };
}

function settingsOf(resolved: ResolvedOptions, purpose: Purpose): Settings {
  return {
    mode: 'push',
    delete: resolved.delete,
    maxDelete: resolved.maxDelete,
    compare: resolved.compare,
    afresh: purpose !== 'watch' && resolved.compare === 'checksum',
    // Forcing is for one run: while watching it would send everything again at every scan.
    force: resolved.force && purpose !== 'watch',
    modeRule: resolved.modeRule,
    modeRuleText: resolved.modeRuleText,
    sync: resolved.fsync,
    parents: resolved.mkpath,
  };
}

function sayFirst(emit: AgentListener, state: OpenedState): void {
  if (state.setAside !== null) {
    emit({
      type: 'notice',
      level: 'warn',
      code: 'state-set-aside',
      message: `the state was damaged and is kept as ${state.setAside}; both sides are compared anew and nothing is deleted`,
    });
  }
  if (!nativeCryptoActive()) {
    emit({
      type: 'notice',
      level: 'info',
      code: 'native-crypto',
      message:
        "ssh2's native crypto is not built for this Node: SSH is slower (npm rebuild ssh2 cpu-features)",
    });
  }
}

/** A host key that was accepted is written down once the connection is ready. */
function recordHostKeys(link: ReturnType<typeof createConnection>, identity: Identity, log: Log): () => void {
  return link.onState((state) => {
    if (state.name !== 'ready') return;
    identity.accepted().catch((error: unknown) => {
      log.warn('the host key could not be written to known_hosts', {
        error: error instanceof Error ? error.message : String(error),
      });
    });
  });
}

const silence: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal?.aborted === true) listener();
  signal?.addEventListener('abort', listener, { once: true });
  return () => signal?.removeEventListener('abort', listener);
}
