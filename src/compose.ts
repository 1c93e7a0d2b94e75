/** The one place where the real adapters are put together. */
import { homedir } from 'node:os';
import { listenerOf, type RunHooks } from './compose/hooks.js';
import { foldingSides } from './compose/names.js';
import type { PairParts } from './compose/pair-parts.js';
import { checkTransport, engineOptions, onceByRsync } from './compose/rsync.js';
import {
  isOtherMode,
  localPlace,
  localRoot,
  localSide,
  type Purpose,
  settingsOf,
  wishesOf,
} from './compose/settings.js';
import { ToClose } from './compose/to-close.js';
import type { PairOptions } from './config/options.js';
import { type ResolvedOptions, resolveOptions } from './config/resolve.js';
import { TowlineError } from './core/errors.js';
import { writtenSidesOf } from './core/policy.js';
import { createSettler } from './core/settle.js';
import { Agent } from './engine/agent.js';
import { Claims } from './engine/claims.js';
import { type Context, policyOf, rulesSideOf } from './engine/context.js';
import { DeletionLog } from './engine/deletion-log.js';
import type { AgentListener, SyncResult } from './engine/events.js';
import { createFilterBook } from './engine/filter-book.js';
import { Gate } from './engine/gate.js';
import { Hooks } from './engine/hooks.js';
import { Lanes } from './engine/lanes.js';
import { Ledger, noLedger } from './engine/ledger.js';
import { StatusBoard } from './engine/status-board.js';
import { Resolutions } from './engine/resolutions.js';
import { Temps } from './engine/temps.js';
import type { Commands, Log } from './ports.js';
import type { Watcher } from './ports-watch.js';
import type { OpenRemote, Remote } from './remote/contract.js';
import { resolveRemote } from './remote.js';
import { runLocalCommand } from './serve/local-command.js';
import { openControl } from './serve/open-control.js';
import { type AgentRecord, beginRecord, noRecord } from './serve/record.js';
import { nativeCryptoActive } from './ssh/native.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { setAsideFact } from './state/facts.js';
import { openState, type OpenedState } from './state/open.js';
import { throwIfAborted } from './storage/checked.js';
import { inspectRoot } from './storage/local/root.js';
import { readOnly } from './storage/read-only.js';
import { systemClock } from './system-clock.js';
import { hashesOf } from './transfer/gathered-hashes.js';
import type { Throttle } from './transfer/throttle.js';
import { Verifier } from './transfer/verify.js';
import { createChokidarWatcher } from './watch/chokidar-watcher.js';
import { createRemoteWatcher } from './watch/remote-inotify.js';

/** So many paths that both sides have are worth one look of a shell over there, from the beginning. */
const largeEntries = 1_000;

/** A one-shot command gives up after this many failed connections in a row. */
const attemptsOnce = 3;

export interface OpenPair {
  readonly agent: Agent;
  readonly context: Context;
  readonly stateLost: boolean;
  readonly record: AgentRecord;
  /** A one-shot run, by the transport asked for. */
  once(): Promise<SyncResult>;
  interrupt(): void;
  close(): Promise<void>;
}

/**
 * Puts a pair together; nothing goes to the server yet. Whatever is wrong with the options is said before anything is made
 * or changed.
 * @throws `configuration`, `unsupported`, `locked`, `state`
 */
export async function openPair(parts: PairParts, hooks: RunHooks, purpose: Purpose): Promise<OpenPair> {
  const { pair: options, throttle } = parts;
  const env = hooks.env ?? process.env;
  const asked = resolveOptions(options);
  await checkTransport({ ...options, remote: parts.remote }, asked, purpose, env);
  const resolved = engineOptions(asked, purpose);
  const place = await localPlace(options, resolved, purpose);
  throwIfAborted(hooks.signal);
  const remote = await resolveRemote({ ...options, remote: parts.remote }, place, env, hooks.prompts);
  refuseHopeless(options, resolved, remote);
  const root = await localRoot(options, resolved, purpose);
  const pairIdentity = { localRealPath: root, ...remote.identity };
  const folder = stateFolder({
    stateDir: options.stateDir,
    env,
    home: env.HOME ?? homedir(),
    pair: pairIdentity,
  });
  const lock = purpose === 'plan' ? null : await acquireLock(folder);
  const opened = new ToClose();
  opened.push(() => lock?.release());
  try {
    const state = await openState({ folder, label: `${root} → ${remote.label}` });
    opened.push(() => state.close());
    return await assemble(
      { options, resolved, hooks, purpose, root, folder, target: remote, state, throttle },
      opened,
    );
  } catch (error) {
    await opened.close();
    throw error;
  }
}

interface Materials {
  readonly options: PairOptions;
  readonly resolved: ResolvedOptions;
  readonly hooks: RunHooks;
  readonly purpose: Purpose;
  readonly root: string;
  readonly folder: string;
  readonly target: Remote;
  readonly state: OpenedState;
  readonly throttle: Throttle;
}

async function assemble(materials: Materials, opened: ToClose): Promise<OpenPair> {
  const { options, resolved, hooks, purpose, root, folder, target, state } = materials;
  const log = hooks.log ?? silence;
  const soft = new AbortController();
  const hard = new AbortController();
  const writes = writtenSidesOf(resolved.mode);
  const near = await localSide(options, root, writes.includes('local'), purpose);
  const far = target.open({
    log,
    mayWrite: writes.includes('remote') && purpose !== 'plan',
    large: (await state.base.count()) >= largeEntries,
    ...(purpose === 'watch' ? {} : { giveUpAfter: attemptsOnce }),
  });
  opened.push(() => far.close());
  const { link } = far;
  const wishes = wishesOf(resolved);
  const settings = settingsOf(resolved, wishes, purpose);
  const ruled = rulesSideOf(settings) === 'local' ? near : far.storage;
  const { local, remote } = foldingSides({
    near,
    far: writes.includes('remote') ? far.storage : readOnly(far.storage),
    writes,
    excludes: (path, kind) => filter.excludes(path, kind),
    state,
    anew: purpose === 'watch',
    log,
  });
  const filter = createFilterBook({ ...resolved, ...wishes }, ruled, () =>
    [local, remote].some(({ capabilities }) => capabilities.names?.foldsCase === true),
  );
  const real = new Ledger(state, systemClock);
  const temps = new Temps(state.partials, real, systemClock, log, state.agentId);
  const modeTrust = { trusted: (await state.facts.get<string>('modeRule')) === settings.modeRuleText };
  const board = new StatusBoard(systemClock);
  const pair = { local: root, remote: target.label, mode: settings.mode };
  const record =
    purpose === 'plan' ? noRecord : await beginRecord({ facts: state.facts, clock: systemClock, log, pair });
  const tell = listenerOf(hooks, systemClock);
  const emit: AgentListener = (event) => {
    board.note(event);
    if (event.type === 'scan-end') record.scanned(event);
    tell(event);
  };
  const hashes = hashesOf({ local, remote });
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
    filter,
    claims: new Claims(),
    ledger: purpose === 'plan' ? noLedger : real,
    temps,
    lanes: new Lanes(resolved.concurrency),
    deletions: new DeletionLog(),
    gate: new Gate(),
    throttle: materials.throttle,
    hashes,
    verifier: settings.verify === 'checksum' ? new Verifier({ local, remote }, hashes, hard.signal) : null,
    modeTrust,
    resolutions: new Resolutions(state.facts),
    remoteAhead: { ms: 0 },
    otherMode: { was: await isOtherMode(state, settings.mode) },
    policy: () => policyOf(context),
  };
  const stateLost = (await state.facts.get(setAsideFact)) !== null;
  sayFirst(emit, state);
  const commands: Commands = {
    run: (side, run) => (side === 'local' ? runLocalCommand(root, run, systemClock) : far.run(run)),
  };
  const agent = new Agent({
    context,
    wind: (reason) => soft.abort(reason),
    abort: (reason) => hard.abort(reason),
    newWatcher: () => createChokidarWatcher({ root }),
    newSettler: () => createSettler({ settleMs: resolved.settleMs, settleMaxMs: resolved.settleMaxMs }),
    rescanMs: resolved.rescanMs,
    newRemoteWatcher: remoteWatcher(far, target.label),
    remotePollMs: resolved.remotePollMs,
    persistent: purpose === 'watch',
    board,
    pid: process.pid,
    throttle: context.throttle,
    ...(resolved.afterSync.length === 0
      ? {}
      : { newHooks: (waits) => new Hooks({ ...waits, context, hooks: resolved.afterSync, commands }) }),
    stateLost,
  });
  const env = hooks.env ?? process.env;
  const server =
    hooks.control === true ? await openControl({ folder, control: agent.control, env, log }) : null;
  opened.push(() => server?.close());
  const runs = {
    runOnce: () => agent.runOnce(),
    stop: () => agent.stop(),
    summary: () => agent.summary(),
  };
  const byRsync = { ...runs, context, options, resolved, root, label: target.label, env, commands };
  return {
    agent,
    context,
    once: resolved.transport === 'rsync' ? () => onceByRsync(byRsync) : runs.runOnce,
    stateLost,
    record,
    interrupt: () => {
      const reason = new TowlineError('interrupted', 'stopped');
      soft.abort(reason);
      hard.abort(reason);
    },
    close: () => opened.close(),
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

/** Follows the remote side as it changes, where a shell there may be used. */
function remoteWatcher({ inotify }: OpenRemote, root: string): (() => Watcher) | null {
  return inotify === null ? null : () => createRemoteWatcher({ exec: inotify, root });
}

/** What was asked for and this kind of remote can never do is a wrong option, said before anything is touched. */
function refuseHopeless(options: PairOptions, { mode, afterSync }: ResolvedOptions, remote: Remote): void {
  const against = (what: string, hint: string) =>
    new TowlineError('configuration', `${remote.label} ${what}`, { host: remote.label, hint });
  if (!remote.can.commands && afterSync.some(({ where }) => where === 'remote')) {
    throw against(
      'runs no commands, and a hook is to run there',
      'Let the hook run here ("where": "local"), or leave it out',
    );
  }
  if (writtenSidesOf(mode).includes('local')) return;
  if (!remote.can.modes && options.chmod !== undefined)
    throw against('keeps no modes, and chmod is to set them there', 'Leave chmod out');
  if (!remote.can.fsync && options.fsync === true)
    throw against('cannot be told to force files to disk, and fsync asks for that', 'Leave fsync out');
}

const silence: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
