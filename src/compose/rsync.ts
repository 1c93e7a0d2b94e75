/** A one-shot push or pull whose contents rsync carries: put together here, so that the engine knows nothing of it. */
import type { PairOptions } from '../config/options.js';
import type { ResolvedOptions } from '../config/resolve.js';
import { otherSide } from '../core/entry.js';
import { hasCode, TowlineError } from '../core/errors.js';
import { folds } from '../core/fold.js';
import { sourceSideOf } from '../core/policy.js';
import { tempName } from '../core/tempname.js';
import type { Agent } from '../engine/agent.js';
import { type Context, rulesSideOf, storageOf } from '../engine/context.js';
import { problemOf, type SyncResult } from '../engine/events.js';
import { makeRoot } from '../engine/make-root.js';
import type { Commands, ScanRequest, Storage } from '../ports.js';
import { type Carried, carryByRsync } from '../rsync/carry.js';
import { createDriver } from '../rsync/driver.js';
import { requireRsync } from '../rsync/installed.js';
import type { StorageRemote } from '../remote/storage-remote.js';
import { type RsyncServer, remoteFolder } from '../rsync/server.js';
import { checkServer } from '../rsync/server-check.js';
import { isTarget, parseTarget } from '../ssh/target.js';
import { isWebdavTarget } from '../storage/webdav/target.js';
import type { Purpose } from './settings.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Refuses `transport: rsync` where it cannot work, before anything is touched.
 * @throws `configuration`, `unsupported`
 */
export async function checkTransport(
  options: Omit<PairOptions, 'remote'> & { readonly remote: string | StorageRemote },
  resolved: ResolvedOptions,
  purpose: Purpose,
  env: Env,
): Promise<void> {
  if (resolved.transport !== 'rsync') return;
  if (purpose === 'watch') {
    throw new TowlineError('configuration', 'transport rsync does not go with watch: it runs once', {
      hint: 'Leave it out, or repeat a push with --every',
    });
  }
  const { remote } = options;
  if (typeof remote !== 'string' || isWebdavTarget(remote) || !isTarget(remote)) {
    const host = typeof remote === 'string' ? remote : remote.storage.label;
    throw new TowlineError('configuration', `transport rsync needs a server with SSH, and ${host} is none`, {
      host,
      hint: 'Leave it out, or write [USER@]HOST:PATH',
    });
  }
  remoteFolder(serverOf({ ...options, remote }));
  await requireRsync(wayOf(resolved), env);
}

/** What is left to the engine: contents were compared and carried already. A plan of ours compares as rsync would. */
export function engineOptions(resolved: ResolvedOptions, purpose: Purpose): ResolvedOptions {
  if (resolved.transport !== 'rsync' || purpose === 'plan') return resolved;
  return { ...resolved, compare: 'mtime+size' };
}

export interface RsyncParts {
  readonly context: Context;
  readonly options: PairOptions;
  readonly resolved: ResolvedOptions;
  /** The local folder, real path. */
  readonly root: string;
  readonly label: string;
  readonly env: Env;
  readonly commands: Commands;
  /** The engine's own run; it is ended where it is not to run. */
  readonly agent: Pick<Agent, 'runOnce' | 'stop' | 'summary'>;
}

/**
 * rsync carries what differs, and a run of our own follows: it deletes (under the guard), learns what both sides agree on,
 * and names what rsync left out, path by path. Where a file is not the same on both sides in the end, that run is left out:
 * it would go by size and time.
 */
export async function onceByRsync(parts: RsyncParts): Promise<SyncResult> {
  const { context, agent } = parts;
  const startedMs = context.clock.now();
  const carried = await carry(parts).catch(async (error: unknown) => {
    // What ended the link says more than that it is over.
    const { state } = context.link;
    await agent.stop();
    throw state.name === 'halted' ? state.error : error;
  });
  if (carried.incomplete !== null) {
    context.emit({ type: 'notice', level: 'warn', code: 'rsync', message: carried.incomplete.message });
  }
  if (carried.failed.length === 0) {
    return together(await agent.runOnce(), carried, parts.resolved, context.clock.now() - startedMs);
  }
  await agent.stop();
  return together(agent.summary(), carried, parts.resolved, context.clock.now() - startedMs);
}

async function carry(parts: RsyncParts): Promise<Carried> {
  const { context, options, resolved, label, commands } = parts;
  const { stopSignal: signal, clock, log } = context;
  const way = wayOf(resolved);
  const source = storageOf(context, rulesSideOf(context.settings));
  const destination = storageOf(context, otherSide(rulesSideOf(context.settings)));
  await makeRoot(context);
  refuseFolding(destination);
  const temp = tempName(context.agentId, 'rsync');
  await destination.removeTemps([temp]);
  await destination.makeDirectory(temp, 0o700);
  try {
    await checkServer(commands, way === 'push' ? temp : null, label, signal);
    const run = {
      way,
      local: parts.root,
      server: { ...serverOf(options), label },
      tempName: temp,
      partialName: tempName(context.agentId, 'partial'),
      bwlimit: context.throttle.kibPerSecond,
      chmod: resolved.modeRuleText,
      fsync: resolved.fsync,
    };
    const carried = await carryByRsync({
      driver: createDriver({ run, env: parts.env, clock, log, signal }),
      source,
      destination,
      request: () => requestOf(context),
      verify: (options.verify ?? 'checksum') === 'checksum',
      onTransfer: (path, size, ok) => {
        const file = { path, size, action: way === 'push' ? 'upload' : 'download' } as const;
        context.emit(
          ok === undefined ? { type: 'transfer-start', ...file } : { type: 'transfer-end', ...file, ok },
        );
      },
      ready: () => context.link.ready(signal),
      log,
      signal,
    });
    await destination.removeTemps([temp]);
    return carried;
  } catch (error) {
    // An rsync that was cut off may still be moving what it has from there to where the next run looks for it. The next scan
    // finds the directory, as ours that nobody uses.
    if (!hasCode(error, 'network', 'interrupted')) await destination.removeTemps([temp]);
    throw error;
  }
}

/** The same paths as a scan of the engine's. */
async function requestOf({ filter, stopSignal }: Context): Promise<ScanRequest> {
  await filter.reset();
  const ruleFiles = { names: filter.ruleFileNames, found: filter.found };
  return { under: '', excludes: filter.excludes, ruleFiles, signal: stopSignal };
}

/** rsync would write two names into one file. */
function refuseFolding({ capabilities, label }: Storage): void {
  if (!folds(capabilities.names)) return;
  throw new TowlineError('unsupported', `${label} takes some names for one, which rsync does not know`, {
    host: label,
    hint: 'Leave out --transport rsync',
  });
}

function wayOf({ mode }: ResolvedOptions): 'push' | 'pull' {
  return sourceSideOf(mode) === 'local' ? 'push' : 'pull';
}

function serverOf(options: PairOptions): RsyncServer {
  const { host, user, port, path } = parseTarget(options.remote);
  return {
    host,
    user,
    port: options.port ?? port,
    path,
    identityFiles: options.identityFiles ?? [],
    ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
    acceptNew: options.acceptNew ?? false,
    label: options.remote,
  };
}

/** Problems listed: see `SyncResult`. */
const problemsMax = 1_000;

/** What rsync did and what the engine did after it, as one run. */
function together(
  engine: SyncResult,
  carried: Carried,
  resolved: ResolvedOptions,
  durationMs: number,
): SyncResult {
  const { transferred, bytes, directories, metadata, failed } = carried;
  const problems = failed.map(({ path, error }) => problemOf(path, error));
  // What rsync had just carried was found the same.
  const skipped = Math.max(0, engine.skipped - transferred - directories - metadata);
  const push = wayOf(resolved) === 'push';
  return {
    ...engine,
    transferred: engine.transferred + transferred,
    skipped,
    directories: engine.directories + directories,
    metadata: engine.metadata + metadata,
    bytesSent: engine.bytesSent + (push ? bytes : 0),
    bytesReceived: engine.bytesReceived + (push ? 0 : bytes),
    failed: engine.failed + problems.length,
    problems: [...engine.problems, ...problems].slice(0, problemsMax),
    durationMs: Math.round(durationMs),
  };
}
