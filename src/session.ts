/**
 * A session of the library: single files, carried whole to and from one directory of a server, over one connection.
 *
 * It uses what the agent uses (the file lane, temps on record), so a call that was cut short, even by the end of the
 * process, goes on where it was when it is made again.
 */
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path';
import { TowlineError } from './core/errors.js';
import {
  type CarryCall,
  carryFile,
  type CarryOptions,
  type CarryParts,
  type FileCarried,
} from './engine/carry-file.js';
import { Ledger } from './engine/ledger.js';
import { Temps } from './engine/temps.js';
import type { Log, Storage } from './ports.js';
import { resolveRemote } from './remote.js';
import type { Prompts } from './ssh/prompts.js';
import type { SecretOptions } from './ssh/secret-sources.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { openState } from './state/open.js';
import { createLocalStorage } from './storage/local/storage.js';
import { systemClock } from './system-clock.js';
import { createThrottle } from './transfer/throttle.js';

export interface SessionOptions extends SecretOptions {
  readonly port?: number;
  /** Most preferred first. */
  readonly identityFiles?: readonly string[];
  /** Another ssh_config. */
  readonly sshConfig?: string;
  /** Add an unknown host's key to known_hosts instead of refusing. */
  readonly acceptNew?: boolean;
  /** Where is kept what is to be continued. Default: `$XDG_STATE_HOME/towline`. */
  readonly stateDir?: string;
  /** Somebody who can be asked for passwords and about an unknown host. Default: nobody. */
  readonly prompts?: Prompts;
  /** Default: silence. */
  readonly log?: Log;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
}

export interface FileOptions extends CarryOptions {
  /** Ends the call with `interrupted`; what was sent is kept for the next one. */
  readonly signal?: AbortSignal;
}

/** A connection to one directory of a server. Calls may run concurrently, but for calls with the same destination. */
export interface Session {
  /**
   * Puts a local file at `remote`, a path below the session's directory whose parent exists. Readers see the old version
   * or the new one, whole, and the rename comes last (unless `atomic` is false). A destination of the same size and time
   * (or content) is left alone: the result says so.
   * @throws `vanished`, `changing`, `changed`, `exists`, `no-space`, `permission`, `name`, `not-found`, `network`,
   * `interrupted`
   */
  writeFile(local: string, remote: string, options?: FileOptions): Promise<FileCarried>;
  /** The other way round, with the same promises. */
  readFile(remote: string, local: string, options?: FileOptions): Promise<FileCarried>;
  close(): Promise<void>;
}

/** Connections that failed in a row before a call gives up. */
const attemptsMax = 3;

/**
 * Connects to `[user@]host:path`, `http[s]://[user@]host/path` or a folder of this machine (which must exist).
 * @throws `configuration`, `authentication`, `host-key`, `network`, `locked` (another session of this machine's user works
 * there), `state`, `interrupted`
 */
export async function connect(target: string, options: SessionOptions = {}): Promise<Session> {
  const env = options.env ?? process.env;
  const log = options.log ?? silence;
  const far = await resolveRemote({ ...options, remote: target }, null, env, options.prompts);
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
    const throttle = createThrottle({ clock: systemClock, kibPerSecond: null });
    return new FileSession({ local, remote, link, temps, throttle, clock: systemClock, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts extends CarryParts {
  readonly local: Storage;
  readonly remote: Storage;
  readonly close: () => Promise<void>;
}

class FileSession implements Session {
  readonly #parts: Parts;
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async writeFile(local: string, remote: string, options: FileOptions = {}): Promise<FileCarried> {
    const { local: from, remote: to } = this.#parts;
    const source = await pathFromRoot(local);
    return this.#carry({ from, source, to, side: 'remote', destination: remote }, options);
  }

  async readFile(remote: string, local: string, options: FileOptions = {}): Promise<FileCarried> {
    const { local: to, remote: from } = this.#parts;
    const destination = await pathFromRoot(local);
    return this.#carry({ from, source: remote, to, side: 'local', destination }, options);
  }

  async close(): Promise<void> {
    this.#ended.abort(new TowlineError('interrupted', 'the session was closed'));
    await Promise.allSettled(this.#underWay);
    await this.#parts.close();
  }

  #carry(call: Omit<CarryCall, 'signal' | 'options'>, options: FileOptions): Promise<FileCarried> {
    const { signal: wish } = options;
    const signal = wish === undefined ? this.#ended.signal : AbortSignal.any([this.#ended.signal, wish]);
    const carried = carryFile(this.#parts, { ...call, options, signal });
    const tracked = carried.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }
}

/** A local path as the storage of the whole machine names it; links on the way are followed, the file itself is no link. */
async function pathFromRoot(local: string): Promise<string> {
  const absolute = resolve(local);
  let folder: string;
  try {
    folder = await realpath(dirname(absolute));
  } catch (error) {
    throw new TowlineError('not-found', `the folder of ${absolute} cannot be reached`, {
      path: absolute,
      hint: 'Make it, or check the permissions of the folders above it',
      cause: error,
    });
  }
  const path = join(folder, basename(absolute));
  return relative(parse(path).root, path).split(sep).join('/');
}

const nothing = () => undefined;
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
