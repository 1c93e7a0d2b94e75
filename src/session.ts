/**
 * A session of the library: single files, carried whole to and from one directory of a server, over one connection.
 *
 * It uses what the agent uses (the file lane, temps on record), so a call that was cut short, even by the end of the
 * process, goes on where it was when it is made again.
 */
import { homedir } from 'node:os';
import { parse, resolve } from 'node:path';
import { silence } from './core/silence.js';
import { checkCall } from './config/check-call.js';
import { checkOptions, requireObject } from './config/check-options.js';
import { resolveConcurrency } from './config/resolve.js';
import { Lanes } from './engine/lanes.js';
import { Ledger } from './engine/ledger.js';
import { Temps } from './engine/temps.js';
import { bwlimitOf, isBwlimit } from './library/bwlimit.js';
import { connectKeys } from './library/open-storage.js';
import { resolveRemote } from './remote.js';
import type { Session, SessionOptions } from './session/contract.js';
import { FileSession } from './session/file-session.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { openState } from './state/open.js';
import { createLocalStorage } from './storage/local/storage.js';
import { systemClock } from './system-clock.js';

/** Connections that failed in a row before a call gives up. */
const attemptsMax = 3;
/** Files carried at once. */
const concurrencyDefault = 32;

const known: readonly (keyof SessionOptions)[] = [
  ...connectKeys,
  'stateDir',
  'bwlimit',
  'concurrency',
  'progress',
];

/**
 * Connects to `[user@]host:path`, `http[s]://[user@]host/path` or a folder of this machine (which must exist).
 * @throws `configuration`, `authentication`, `host-key`, `network`, `locked` (another session of this machine's user works
 * there), `state`, `interrupted`
 */
export async function connect(target: string, options: SessionOptions = {}): Promise<Session> {
  requireObject(options);
  const { bwlimit, identityFiles, ...others } = options;
  const checked = { ...(isBwlimit(bwlimit) ? { ...others, identityFiles } : options), remote: target };
  checkOptions(checked, ['remote', ...known], ['remote']);
  const { progress, signal } = options;
  checkCall({ progress, signal }, { progress: 'function', signal: 'signal' });
  const throttle = bwlimitOf(bwlimit);
  const lanes = new Lanes(resolveConcurrency(options.concurrency) ?? concurrencyDefault);
  const env = options.env ?? process.env;
  const log = options.log ?? silence;
  const named = {
    ...others,
    remote: target,
    ...(identityFiles === undefined ? {} : { identityFiles: [identityFiles].flat() }),
  };
  const far = await resolveRemote(named, null, env, options.prompts);
  const pair = { localRealPath: 'session', ...far.identity };
  const folder = stateFolder({ stateDir: options.stateDir, env, home: env.HOME ?? homedir(), pair });
  const lock = await acquireLock(folder);
  const undo: (() => unknown)[] = [() => lock.release()];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const state = await openState({ folder, label: far.label });
    undo.push(() => state.close());
    const opened = far.open({ log, giveUpAfter: attemptsMax, mayWrite: true });
    undo.push(() => opened.close());
    const { storage: remote, link } = opened;
    await link.ready(options.signal);
    const ledger = new Ledger(state, systemClock);
    undo.push(() => ledger.flush());
    const temps = new Temps(state.partials, ledger, systemClock, log, state.agentId);
    const local = createLocalStorage({ root: parse(resolve('.')).root, writable: true });
    await temps.sweepBoth({ local, remote });
    const parts = { local, remote, link, temps, throttle, lanes, clock: systemClock, close };
    return new FileSession(parts, options);
  } catch (error) {
    await close();
    throw error;
  }
}
