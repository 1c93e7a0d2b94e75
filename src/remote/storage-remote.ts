/** A remote that a program brings along: a storage, in place of a name behind which one is opened. */
import { type ConfigProblem, ConfigurationError } from '../config/problems.js';
import type { Capabilities, Link, Storage } from '../ports.js';
import type { StorageNames } from '../ports-names.js';
import { createLocalLink } from '../storage/local/link.js';
import type { Remote, RemoteIdentity } from './contract.js';
import { noCommands } from './no-commands.js';

/**
 * A storage of the program's own as the remote side. In modes that bring changes here it is listed every `remotePollSeconds`
 * while watching; no commands run there. It is the program's to close.
 */
export interface StorageRemote {
  /** What is synced with; it keeps what the contract of `Storage` says. */
  readonly storage: Storage;
  /**
   * Tells this remote from all others: what was done last time is remembered for this name and the local folder. A storage
   * that begins empty each time (one in memory) wants a fresh name or a fresh `stateDir`, or it looks emptied by somebody.
   */
  readonly name: string;
  /**
   * Of a storage that can lose its connection: says whether it stands. What was cut off with `network` waits for it, and
   * goes on at once while it is `ready`. Default: one that always is, for storages that never reject with `network`.
   */
  readonly connection?: Omit<Link, 'close'>;
}

/** What tells it from every other remote. */
export function storageIdentity(name: string): RemoteIdentity {
  // No server has this port.
  return { user: '', host: 'storage', port: 0, path: name };
}

/** The storage as a remote that is always there. */
export function storageRemote({ storage, name, connection }: StorageRemote): Remote {
  const { label, capabilities } = storage;
  return {
    label,
    identity: storageIdentity(name),
    can: { commands: false, modes: capabilities.modes, fsync: capabilities.fsync },
    open: () => {
      const link = connection === undefined ? createLocalLink(label) : borrowed(connection);
      return { storage, link, inotify: null, run: () => noCommands(label), close: () => link.close() };
    },
  };
}

/** A link that is not ours to close: it goes on, and nobody of ours hears of it any more. */
function borrowed(link: Omit<Link, 'close'>): Link {
  const listening = new Set<() => void>();
  return {
    get state() {
      return link.state;
    },
    ready: (signal) => link.ready(signal),
    onState: (listener) => {
      const forget = link.onState(listener);
      listening.add(forget);
      return () => {
        listening.delete(forget);
        forget();
      };
    },
    close: () => {
      for (const forget of listening) forget();
      listening.clear();
      return Promise.resolve();
    },
  };
}

const methods: Readonly<Record<Exclude<keyof Storage, 'label' | 'capabilities' | keyof StorageNames>, true>> =
  {
    ensureRoot: true,
    scan: true,
    observe: true,
    openSource: true,
    readText: true,
    createTemp: true,
    resumeTemp: true,
    makeDirectory: true,
    makeSymlink: true,
    setMetadata: true,
    move: true,
    remove: true,
    removeTemps: true,
    hash: true,
    hashInPlace: true,
    freeBytes: true,
    clockOffsetMs: true,
  };

const flags: Readonly<Record<Exclude<keyof Capabilities, 'names' | 'timeGranularityMs'>, true>> = {
  atomicReplace: true,
  symlinks: true,
  symlinkTimes: true,
  modes: true,
  times: true,
  fsync: true,
  space: true,
  resume: true,
  locks: true,
};

/**
 * Refuses what is no such remote: types do not bind JavaScript.
 * @throws ConfigurationError naming all that is missing
 */
export function checkStorageRemote(given: object): StorageRemote {
  const problems: ConfigProblem[] = [];
  const demand = (key: string, right: boolean, allowed: string) => {
    if (!right) problems.push({ place: '', key: `remote.${key}`, wrong: `is not ${allowed}` });
  };
  const { storage, name, connection, ...others } = given as Partial<Record<keyof StorageRemote, unknown>>;
  for (const key of Object.keys(others)) {
    const hint = 'Known: storage, name, connection';
    problems.push({ place: '', key: `remote.${key}`, wrong: 'is not a known option', hint });
  }
  demand('name', typeof name === 'string' && name !== '', 'a name that tells this remote from others');
  const ofLink = fieldsOf(connection);
  const isLink = typeof ofLink?.('ready') === 'function' && typeof ofLink('onState') === 'function';
  demand('connection', connection === undefined || isLink, 'a Link');
  const has = fieldsOf(storage);
  demand('storage', has !== null, 'a Storage');
  if (has !== null) {
    demand('storage.label', typeof has('label') === 'string', 'a text for people');
    for (const method of Object.keys(methods))
      demand(`storage.${method}`, typeof has(method) === 'function', 'a method');
    const can = fieldsOf(has('capabilities'));
    for (const flag of Object.keys(flags))
      demand(`storage.capabilities.${flag}`, typeof can?.(flag) === 'boolean', 'true or false');
    const granularity = can?.('timeGranularityMs');
    const positive = typeof granularity === 'number' && granularity > 0;
    demand('storage.capabilities.timeGranularityMs', positive, 'a number of milliseconds above 0');
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return given as StorageRemote;
}

/** Looks up the fields of an object, those of its class included; `null` for what is none. */
function fieldsOf(value: unknown): ((key: string) => unknown) | null {
  if (typeof value !== 'object' || value === null) return null;
  return (key) => Reflect.get(value, key) as unknown;
}
