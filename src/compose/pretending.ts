/** For a plan: two sides and a base on which a rename changes nothing but what is seen at its names from then on. */
import type { Entry, Side } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import { ancestorsOf } from '../core/path.js';
import { RenamedPaths } from '../core/renamed.js';
import type { Storage } from '../ports.js';
import type { BaseStore, State } from '../ports-state.js';
import { readOnly } from '../storage/read-only.js';

interface Pair extends Readonly<Record<Side, Storage>> {
  readonly state: State;
}

/** The same pair: every other change of a side is refused, and the base keeps nothing. Listings and contents are as they are. */
export function pretending({ local, remote, state }: Pair): Pair {
  const known = new RenamedPaths();
  return {
    local: side(local, known),
    remote: side(remote, known),
    state: { ...state, base: base(state.base, known), close: () => state.close() },
  };
}

const newDirectory: Entry = { kind: 'directory', size: 0, mtimeMs: 0, mode: 0o755 };

function side(storage: Storage, known: RenamedPaths): Storage {
  const here = new RenamedPaths();
  /** Directories that would have been made for what was renamed. */
  const made = new Set<string>();
  const { withSpelling } = storage;
  const observe: Storage['observe'] = async (paths, signal) => {
    const places = paths.map((path) => here.placeOf(path));
    const seen = await storage.observe(
      places.filter((place) => place !== null),
      signal,
    );
    let next = 0;
    return places.map((place, index) => {
      const there = place === null ? null : (seen[next++] ?? null);
      return there === null && made.has(paths[index]!) ? newDirectory : there;
    });
  };
  const move: Storage['move'] = (from, to, expected) => {
    if (here.placeOf(from) === null)
      return Promise.reject(new TowlineError('changed', `'${from}' is renamed already`, { path: from }));
    for (const above of ancestorsOf(to)) made.add(above);
    here.add(from, to);
    known.add(from, to);
    return Promise.resolve(expected);
  };
  return Object.assign(readOnly(storage), {
    observe,
    move,
    ...(withSpelling === undefined ? {} : { withSpelling: withSpelling.bind(storage) }),
  });
}

function base(store: BaseStore, known: RenamedPaths): BaseStore {
  return {
    scan: (under, signal) => store.scan(under, signal),
    get: async (paths) => {
      const places = paths.map((path) => known.placeOf(path));
      const rows = await store.get(places.filter((place) => place !== null));
      let next = 0;
      return places.map((place) => (place === null ? null : (rows[next++] ?? null)));
    },
    commit: () => Promise.resolve(),
    byInode: async (dev, ino) => (await store.byInode(dev, ino)).map((place) => known.nameAt(place)),
    byRemoteRevision: async (size, mtimeMs, limit) =>
      (await store.byRemoteRevision(size, mtimeMs, limit)).map((place) => known.nameAt(place)),
    count: () => store.count(),
  };
}
