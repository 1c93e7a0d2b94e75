/** The one place where the real adapters are put together. */
import { throwIfAborted } from './core/abort.js';
import { contextOf, type Materials } from './compose/context.js';
import type { RunHooks } from './compose/hooks.js';
import type { PairParts } from './compose/pair-parts.js';
import { checkTransport, engineOptions, onceByRsync } from './compose/rsync.js';
import { localPlace, localRoot, localSide, type Purpose } from './compose/settings.js';
import { ToClose } from './compose/to-close.js';
import type { PairOptions } from './config/options.js';
import { type ResolvedOptions, resolveOptions } from './config/resolve.js';
import { TowlineError } from './core/errors.js';
import { writtenSidesOf } from './core/policy.js';
import { createSettler } from './core/settle.js';
import { silence } from './core/silence.js';
import { Agent } from './engine/agent.js';
import type { Context } from './engine/context.js';
import type { AgentListener, SyncResult } from './engine/events.js';
import { Hooks } from './engine/hooks.js';
import type { Commands } from './ports.js';
import type { Watcher } from './ports-watch.js';
import { attemptsOnce, type OpenRemote, type Remote } from './remote/contract.js';
import { resolveRemote } from './remote.js';
import { runLocalCommand } from './serve/local-command.js';
import { openControl } from './serve/open-control.js';
import type { AgentRecord } from './serve/record.js';
import { nativeCryptoActive } from './ssh/native.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { setAsideFact } from './state/facts.js';
import { openState, type OpenedState } from './state/open.js';
import { systemClock } from './system-clock.js';
import { createChokidarWatcher } from './watch/chokidar-watcher.js';
import { createRemoteWatcher } from './watch/remote-inotify.js';

/** So many paths that both sides have are worth one look of a shell over there, from the beginning. */
const largeEntries = 1_000;

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
    pair: pairIdentity,
  });
  const lock = purpose === 'plan' ? null : await acquireLock(folder);
  const opened = new ToClose();
  opened.push(() => lock?.release());
  try {
    const state = await openState({ folder, label: `${root} → ${remote.label}` });
    opened.push(() => state.close());
    return await assemble(
      { options, resolved, hooks, purpose, root, target: remote, state, throttle },
      folder,
      opened,
    );
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function assemble(materials: Materials, folder: string, opened: ToClose): Promise<OpenPair> {
  const { options, resolved, hooks, purpose, root, target, state } = materials;
  const { log = silence, env = process.env } = hooks;
  const writes = writtenSidesOf(resolved.mode);
  const near = await localSide(options, root, writes.includes('local'), purpose);
  const far = target.open({
    log,
    mayWrite: writes.includes('remote') && purpose !== 'plan',
    large: (await state.base.count()) >= largeEntries,
    ...(purpose === 'watch' ? {} : { giveUpAfter: attemptsOnce }),
  });
  opened.push(() => far.close());
  const { context, board, record, soft, hard } = await contextOf(materials, near, far);
  const stateLost = (await state.facts.get(setAsideFact)) !== null;
  sayFirst(context.emit, state);
  const commands: Commands = {
    run: (side, run) => (side === 'local' ? runLocalCommand(root, run, systemClock) : far.run(run)),
  };
  const agent = new Agent({
    context,
    wind: (reason) => soft.abort(reason),
    abort: (reason) => hard.abort(reason),
    newWatcher: () => createChokidarWatcher({ root }),
    settler: createSettler({ settleMs: resolved.settleMs, settleMaxMs: resolved.settleMaxMs }),
    rescanMs: resolved.rescanMs,
    newRemoteWatcher: remoteWatcher(far, target.label),
    remotePollMs: resolved.remotePollMs,
    persistent: purpose === 'watch',
    board,
    pid: process.pid,
    ...(resolved.afterSync.length === 0
      ? {}
      : { newHooks: (waits) => new Hooks({ ...waits, context, hooks: resolved.afterSync, commands }) }),
    stateLost,
  });
  const server =
    hooks.control === true ? await openControl({ folder, control: agent.control, env, log }) : null;
  opened.push(() => server?.close());
  const byRsync = { agent, context, options, resolved, root, label: target.label, env, commands };
  return {
    agent,
    context,
    once: () => (resolved.transport === 'rsync' ? onceByRsync(byRsync) : agent.runOnce()),
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
