/**
 * A session of the library: single files, carried whole to and from one directory of a server, over one connection.
 *
 * It uses what the agent uses (the file lane, temps on record), so a call that was cut short, even by the end of the
 * process, goes on where it was when it is made again.
 */
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path';
import { sameTimeAcross } from './core/compare.js';
import type { Entry, Side } from './core/entry.js';
import { TowlineError, hasCode } from './core/errors.js';
import { Ledger } from './engine/ledger.js';
import { Temps } from './engine/temps.js';
import { PathTemps } from './engine/transfer-temps.js';
import type { Link, Log, Storage } from './ports.js';
import { resolveRemote } from './remote.js';
import type { Prompts } from './ssh/prompts.js';
import type { SecretOptions } from './ssh/secret-sources.js';
import { acquireLock } from './state/lock.js';
import { stateFolder } from './state/location.js';
import { openState } from './state/open.js';
import { createLocalStorage } from './storage/local/storage.js';
import { systemClock } from './system-clock.js';
import { transferFile } from './transfer/file-lane.js';
import { createThrottle, type Throttle } from './transfer/throttle.js';

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

export interface FileOptions {
  /** Go on with what an earlier call left, and over a lost link. Default: true. */
  readonly resume?: boolean;
  /** Ends the call with `interrupted`; what was sent is kept for the next one. */
  readonly signal?: AbortSignal;
  /** How much of the file is over there by now, bytes; starts again when an attempt does. */
  readonly progress?: (bytes: number) => void;
}

export interface FileCarried {
  /** Bytes that were carried: 0 when the destination was complete already. */
  readonly bytes: number;
  readonly size: number;
}

/** A connection to one directory of a server. Calls may run concurrently, but for calls with the same destination. */
export interface Session {
  /**
   * Puts a local file at `remote`, a path below the session's directory whose parent exists. Readers see the old version
   * or the new one, whole. A destination of the same size and time (or content) is left alone.
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
/** Failures of the link in one call that carried nothing further. */
const idleFailuresMax = 5;

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
    const opened = far.open({ log, giveUpAfter: attemptsMax });
    undo.push(() => opened.close());
    const { storage: remote, link } = opened;
    await link.ready(options.signal);
    const ledger = new Ledger(state, systemClock);
    undo.push(() => ledger.flush());
    const temps = new Temps(state.partials, ledger, systemClock, log, state.agentId);
    const local = createLocalStorage({ root: parse(resolve('.')).root, writable: true });
    await temps.sweep('local', local);
    await temps.sweepRemote(remote);
    return new FileSession({ local, remote, link, temps, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly local: Storage;
  readonly remote: Storage;
  readonly link: Link;
  readonly temps: Temps;
  readonly close: () => Promise<void>;
}

interface Carriage {
  readonly from: Storage;
  readonly source: string;
  readonly to: Storage;
  readonly side: Side;
  readonly destination: string;
  readonly options: FileOptions;
}

class FileSession implements Session {
  readonly #parts: Parts;
  readonly #throttle: Throttle = createThrottle({ clock: systemClock, kibPerSecond: null });
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async writeFile(local: string, remote: string, options: FileOptions = {}): Promise<FileCarried> {
    const { local: from, remote: to } = this.#parts;
    const source = await pathFromRoot(local);
    return this.#track(this.#carry({ from, source, to, side: 'remote', destination: remote, options }));
  }

  async readFile(remote: string, local: string, options: FileOptions = {}): Promise<FileCarried> {
    const { local: to, remote: from } = this.#parts;
    const destination = await pathFromRoot(local);
    return this.#track(this.#carry({ from, source: remote, to, side: 'local', destination, options }));
  }

  async close(): Promise<void> {
    this.#ended.abort(new TowlineError('interrupted', 'the session was closed'));
    await Promise.allSettled(this.#underWay);
    await this.#parts.close();
  }

  async #track(work: Promise<FileCarried>): Promise<FileCarried> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }

  async #carry(carriage: Carriage): Promise<FileCarried> {
    const { resume = true, signal: wish } = carriage.options;
    const signal = wish === undefined ? this.#ended.signal : AbortSignal.any([this.#ended.signal, wish]);
    let furthest = 0;
    let idle = 0;
    for (;;) {
      let there = 0;
      try {
        throwIfEnded(signal);
        return await this.#attempt(carriage, signal, (bytes) => (there = bytes));
      } catch (error) {
        throwIfEnded(signal);
        idle = there > furthest ? 0 : idle + 1;
        furthest = Math.max(furthest, there);
        if (!resume || !hasCode(error, 'network') || idle >= idleFailuresMax) throw error;
        await this.#parts.link.ready(signal);
      }
    }
  }

  async #attempt(
    carriage: Carriage,
    signal: AbortSignal,
    told: (bytes: number) => void,
  ): Promise<FileCarried> {
    const { from, source, to, side, destination, options } = carriage;
    const present = await entryAt(to, destination);
    const size = await this.#sizeIfComplete(carriage, present, signal);
    if (size !== null) return { bytes: 0, size };
    const { temps } = this.#parts;
    const names = new PathTemps({ temps, side, storage: to, path: destination }, null);
    if (options.resume === false) await temps.takeUp(side, destination, to, null);
    let bytes = 0;
    try {
      const done = await transferFile({
        from: { openSource: () => from.openSource(source), clockOffsetMs: () => from.clockOffsetMs() },
        to,
        path: destination,
        expected: present,
        attributes: ({ mode, mtimeMs }) => ({ mode, mtimeMs }),
        sync: false,
        now: () => systemClock.now(),
        temps: names,
        progress: (more) => {
          bytes += more;
          told(bytes);
          options.progress?.(bytes);
        },
        throttle: this.#throttle,
        signal,
      });
      return { bytes: done.bytes, size: done.source.size };
    } finally {
      names.end();
    }
  }

  /** The size of the source when the destination is it already: the same size and time, or the same content. */
  async #sizeIfComplete(
    carriage: Carriage,
    present: Entry | null,
    signal: AbortSignal,
  ): Promise<number | null> {
    const { from, source, to, destination } = carriage;
    if (present?.kind !== 'file') return null;
    const wanted = await entryAt(from, source);
    if (wanted?.kind !== 'file' || wanted.size !== present.size) return null;
    if (sameTimeAcross(wanted.mtimeMs, present.mtimeMs)) return wanted.size;
    const hashes = await Promise.all([from.hash(source, signal), to.hash(destination, signal)]);
    return hashes[0] === hashes[1] ? wanted.size : null;
  }
}

async function entryAt(storage: Storage, path: string): Promise<Entry | null> {
  const [seen] = await storage.observe([path]);
  if (seen instanceof TowlineError) throw seen;
  return seen ?? null;
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

function throwIfEnded(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const reason: unknown = signal.reason;
  throw reason instanceof TowlineError
    ? reason
    : new TowlineError('interrupted', 'stopped', { cause: reason });
}

const nothing = () => undefined;
const silence: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
