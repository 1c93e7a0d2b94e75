/** Looks at everything a pair needs, one thing after the other, and says what is wrong and what to do. Changes nothing. */
import { throwIfAborted } from './core/abort.js';
import { checkCall } from './config/check-call.js';
import { type ResolvedOptions, resolveOptions } from './config/resolve.js';
import { asTowlineError, hasCode, type TowlineError } from './core/errors.js';
import { silence } from './core/silence.js';
import { type Check, type Diagnosis, Report } from './diagnose/check.js';
import { checkExec } from './diagnose/exec.js';
import { checkHost } from './diagnose/host.js';
import { checkLocalFolder } from './diagnose/local-folder.js';
import { checkLogin } from './diagnose/login.js';
import { checkMachine } from './diagnose/machine.js';
import { checkRemoteFolder } from './diagnose/remote-folder.js';
import { checkExtensions, checkRoundTrip } from './diagnose/server.js';
import { checkAgent, checkStateFolder } from './diagnose/state-folder.js';
import { plainOptions, type SyncOptions } from './library/sync-options.js';
import type { Log } from './ports.js';
import { type Connection, createConnection } from './ssh/connection.js';
import { Handshake } from './ssh/handshake.js';
import { createIdentity, type Identity } from './ssh/identity.js';
import type { Prompts } from './ssh/prompts.js';
import { isTarget, parseTarget, type Target } from './ssh/target.js';
import { stateFolder } from './state/location.js';
import { isWebdavTarget } from './storage/webdav/target.js';
import { systemClock } from './system-clock.js';

/** As for a sync; without `local`, only the server is looked at. */
export interface DiagnoseOptions extends Omit<SyncOptions, 'local'> {
  /** The local folder. */
  readonly local?: string;
}

/** What a diagnosis may be given beside its options. */
export interface DiagnoseHooks {
  /** Called with each check as it is made. */
  readonly onCheck?: (check: Check) => void;
  /** Default: silence. */
  readonly log?: Log;
  /** Ends it: what was made on the server is removed, then the call rejects with `interrupted`. */
  readonly signal?: AbortSignal;
  /** Somebody who can be asked for passwords and about an unknown host. Default: nobody. */
  readonly prompts?: Prompts;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Checks this machine, the way to the server, the server, and both folders. What is wrong is in the result, with what to
 * do about it. Nothing is changed on either side: what is tried on the server is tried on temps that are removed again.
 * Only an unknown host key that is accepted (`acceptNew`, ssh_config, a person) is written to known_hosts, as ssh does.
 * @throws `interrupted`; `configuration` for hooks that are none
 */
export async function diagnose(options: DiagnoseOptions, hooks: DiagnoseHooks = {}): Promise<Diagnosis> {
  checkCall(hooks, { onCheck: 'function', log: 'any', signal: 'signal', prompts: 'any', env: 'any' });
  const report = new Report(hooks.onCheck ?? (() => undefined));
  const signal = hooks.signal ?? new AbortController().signal;
  try {
    signal.throwIfAborted();
    checkMachine(report);
    await checkPair({ options, hooks, report, signal });
  } catch (error) {
    throwIfAborted(signal);
    report.fail('doctor', asTowlineError(error));
  }
  return report.diagnosis;
}

interface Parts {
  readonly options: DiagnoseOptions;
  readonly hooks: DiagnoseHooks;
  readonly report: Report;
  readonly signal: AbortSignal;
}

async function checkPair(parts: Parts): Promise<void> {
  const { options, report, signal } = parts;
  const resolved = orFailed(report, 'options', () =>
    resolveOptions(plainOptions({ ...options, local: options.local ?? '.' }).pair),
  );
  const target = targetOf(report, options.remote);
  const identity = target === null ? null : await identify(parts, target);
  if (resolved === null) return;
  if (identity !== null && target !== null) {
    checkHost(report, identity.resolved);
    await checkServer(parts, { identity, target, resolved });
  }
  signal.throwIfAborted();
  if (options.local === undefined) return;
  const root = await checkLocalFolder(report, options.local, resolved, signal);
  if (root === null || identity === null || target === null) {
    report.skip('state-folder', 'not looked for: its name depends on both sides');
    return;
  }
  const folder = folderOf(parts, root, identity, target);
  await checkStateFolder(report, folder);
  await checkAgent(report, folder);
}

/** Of remotes that are no SSH servers only our own side is looked at. */
function targetOf(report: Report, remote: SyncOptions['remote']): Target | null {
  if (typeof remote !== 'string') {
    report.skip('target', "the remote is the program's own: only SSH servers are looked at");
    return null;
  }
  if (!isWebdavTarget(remote) && isTarget(remote)) {
    return orFailed(report, 'target', () => parseTarget(remote));
  }
  const what = isWebdavTarget(remote) ? 'a WebDAV server' : 'a folder of this machine';
  report.skip('target', `the remote is ${what}: only SSH servers are looked at`);
  return null;
}

function orFailed<T>(report: Report, name: string, work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    report.fail(name, asTowlineError(error));
    return null;
  }
}

async function identify({ options, hooks, report }: Parts, target: Target): Promise<Identity | null> {
  try {
    return await createIdentity({
      target,
      acceptNew: options.acceptNew ?? false,
      env: hooks.env ?? process.env,
      secrets: options,
      ...(hooks.prompts === undefined ? {} : { prompts: hooks.prompts }),
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.identityFiles === undefined ? {} : { identityFiles: [options.identityFiles].flat() }),
      ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
    });
  } catch (error) {
    report.fail('host', asTowlineError(error));
    return null;
  }
}

/** One attempt may meet a moment at which the server is too busy. */
const attemptsMax = 2;

interface Server {
  readonly identity: Identity;
  readonly target: Target;
  readonly resolved: ResolvedOptions;
}

async function checkServer(parts: Parts, server: Server): Promise<void> {
  const { hooks, report, signal } = parts;
  const { identity } = server;
  const handshake = new Handshake();
  const link = createConnection({
    label: identity.label,
    connect: async () => handshake.observe(await identity.connect()),
    classify: (error) => identity.classify(error),
    reconsider: (error) => identity.reconsider(error),
    clock: systemClock,
    log: hooks.log ?? silence,
    giveUpAfter: attemptsMax,
  });
  try {
    const startMs = performance.now();
    const error = await whyNotReady(link, signal);
    if (error === null) await writeDown(report, identity);
    await checkLogin(report, {
      resolved: identity.resolved,
      handshake,
      error,
      durationMs: Math.round(performance.now() - startMs),
    });
    if (error === null) await checkChannels(parts, server, link);
    else report.skip('remote-folder', 'not looked at: there is no connection');
  } finally {
    await link.close();
  }
}

async function writeDown(report: Report, identity: Identity): Promise<void> {
  try {
    await identity.accepted();
  } catch (error) {
    report.warnOf('known-hosts-file', asTowlineError(error), 'Make it writable');
  }
}

async function whyNotReady(link: Connection, signal: AbortSignal): Promise<TowlineError | null> {
  try {
    await link.ready(signal);
    return null;
  } catch (error) {
    throwIfAborted(signal);
    return asTowlineError(error);
  }
}

/** The connection stands. Losing it is a finding, too. */
async function checkChannels({ report, signal }: Parts, server: Server, link: Connection): Promise<void> {
  try {
    const channel = await link.channel('transfer');
    checkExtensions(report, channel);
    await checkRoundTrip(report, channel);
    await checkExec(report, link, signal);
    const { target, resolved } = server;
    await checkRemoteFolder(report, {
      session: link,
      link,
      path: target.path,
      mkpath: resolved.mkpath,
      signal,
    });
  } catch (error) {
    if (signal.aborted || !hasCode(error, 'network', 'protocol')) throw error;
    report.fail('connection', error);
  }
}

function folderOf({ options, hooks }: Parts, root: string, identity: Identity, target: Target): string {
  const env = hooks.env ?? process.env;
  const { user, hostName: host, port } = identity.resolved;
  const pair = { localRealPath: root, user, host, port, path: target.path };
  return stateFolder({ stateDir: options.stateDir, env, pair });
}
