/**
 * A session of the library: single files, carried whole to and from one directory of a server, over one connection.
 *
 * It uses what the agent uses (the file lane, temps on record), so a call that was cut short, even by the end of the
 * process, goes on where it was when it is made again.
 */
import { parse, resolve } from 'node:path';
import { ToClose } from './compose/to-close.js';
import { checkCall } from './config/check-call.js';
import { checkOptions, requireObject } from './config/check-options.js';
import { resolveConcurrency } from './config/resolve.js';
import { silence } from './core/silence.js';
import { Lanes } from './engine/lanes.js';
import { Ledger } from './engine/ledger.js';
import { Temps } from './engine/temps.js';
import { bwlimitOf, isBwlimit } from './library/bwlimit.js';
import { connectKeys, remoteOf } from './library/open-storage.js';
import { attemptsOnce } from './remote/contract.js';
import type { Session, SessionOptions } from './session/contract.js';
import { FileSession } from './session/file-session.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { openState } from './state/open.js';
import { createLocalStorage } from './storage/local/storage.js';
import { systemClock } from './system-clock.js';

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
  const { bwlimit, ...others } = options;
  const checked = { ...(isBwlimit(bwlimit) ? others : options), remote: target };
  checkOptions(checked, ['remote', ...known], ['remote']);
  const { progress, signal } = options;
  checkCall({ progress, signal }, { progress: 'function', signal: 'signal' });
  const throttle = bwlimitOf(bwlimit);
  const lanes = new Lanes(resolveConcurrency(options.concurrency) ?? concurrencyDefault);
  const env = options.env ?? process.env;
  const log = options.log ?? silence;
  const far = await remoteOf(target, options);
  const pair = { localRealPath: 'session', ...far.identity };
  const folder = stateFolder({ stateDir: options.stateDir, env, pair });
  const lock = await acquireLock(folder);
  const toClose = new ToClose();
  toClose.push(() => lock.release());
  try {
    const state = await openState({ folder, label: far.label });
    toClose.push(() => state.close());
    const opened = far.open({ log, giveUpAfter: attemptsOnce, mayWrite: true });
    toClose.push(() => opened.close());
    const { storage: remote, link } = opened;
    await link.ready(options.signal);
    const ledger = new Ledger(state, systemClock);
    toClose.push(() => ledger.flush());
    const temps = new Temps(state.partials, ledger, systemClock, log, state.agentId);
    const local = createLocalStorage({ root: parse(resolve('.')).root, writable: true });
    await temps.sweepBoth({ local, remote });
    const parts = {
      local,
      remote,
      link,
      temps,
      throttle,
      lanes,
      clock: systemClock,
      close: () => toClose.close(),
    };
    return new FileSession(parts, options);
  } catch (error) {
    await toClose.close();
    throw error;
  }
}
