/**
 * A side that may take several names for one (core/fold.ts), made to speak of them as the other side spells them: so that
 * all above it goes on comparing paths as they are.
 *
 * Whether the side folds at all is found out with the first `ensureRoot`, the call that comes before anything is written,
 * and remembered with the pair: a plan has to write nothing. A side that keeps all names apart is passed through.
 */
import type { Entry, Kind } from '../core/entry.js';
import { asTowlineError, TowlineError } from '../core/errors.js';
import { canBeRespelled, type Folding, folds } from '../core/fold.js';
import { nameOf, parentOf } from '../core/path.js';
import type { ScanItem } from '../core/stream.js';
import type { Capabilities, Log, Observed, ScanRequest, Storage } from '../ports.js';
import { namesIn, OtherNames, spellingBy } from './other-names.js';
import { probeNames } from './probe-names.js';

export interface FoldingOptions {
  readonly storage: Storage;
  /** The side whose spelling counts. */
  readonly other: Pick<Storage, 'scan'>;
  readonly excludes: (path: string, kind: Kind) => boolean;
  /** True while the other side folds too and its names are told as this side spells them. */
  readonly yields: () => boolean;
  /** What earlier runs found out. */
  readonly recall: () => Promise<Folding | null>;
  readonly remember: (folding: Folding) => Promise<void>;
  /** A name for the probe that was never used: core/tempname.ts. */
  readonly probe: () => string;
  /** Find out anew although earlier runs did. */
  readonly anew: boolean;
  readonly log: Log;
}

/** See above. Errors of `recall` and `remember` come out of the calls that need them. */
export function createFoldingStorage(options: FoldingOptions): Storage {
  const { storage, other, excludes } = options;
  const known = new Known(options);

  async function* scan(request: ScanRequest): AsyncGenerator<ScanItem[], void, undefined> {
    const folding = await known.folding();
    if (options.yields() || !folds(folding)) {
      yield* storage.scan(request);
      return;
    }
    const spelling = spellingBy(other, folding, request.signal);
    for await (const batch of storage.scan({ ...request, spelling })) {
      yield batch.map((item) =>
        item.type === 'entry' ? { ...item, entry: mendable(storage, folding, item.path, item.entry) } : item,
      );
    }
  }

  async function observe(paths: readonly string[], signal?: AbortSignal): Promise<Observed[]> {
    const folding = await known.folding();
    const seen = await storage.observe(paths, signal);
    if (options.yields() || !folds(folding)) return seen;
    const names = new OtherNames(other, folding, excludes, signal);
    return Promise.all(
      seen.map(async (observed, index) => {
        const path = paths[index]!;
        if (observed === null || observed instanceof TowlineError || path === '') return observed;
        const spelled = await names.spelled(path);
        if (spelled.type === 'unclear') return spelled.error;
        return spelled.type === 'other' ? null : observed;
      }),
    );
  }

  async function withSpelling(found: readonly { path: string; entry: Entry }[]): Promise<Entry[]> {
    const folding = await known.folding();
    if (options.yields() || !folds(folding)) return found.map(({ entry }) => entry);
    const spelling = spellingBy(other, folding);
    const stored = new Map<string, Map<string, string>>();
    for (const directory of new Set(found.map(({ path }) => parentOf(path) ?? ''))) {
      const spellings = await spelling(directory, await namesIn(storage, directory));
      stored.set(directory, new Map([...spellings].map(([kept, name]) => [name, kept])));
    }
    return found.map(({ path, entry }) => {
      const kept = stored.get(parentOf(path) ?? '')?.get(nameOf(path));
      return kept === undefined ? entry : mendable(storage, folding, path, { ...entry, spelling: kept });
    });
  }

  return {
    ...storage,
    get capabilities(): Capabilities {
      const names = known.now;
      return names === null ? storage.capabilities : { ...storage.capabilities, names };
    },
    ensureRoot: async (request) => {
      await storage.ensureRoot(request);
      await known.findOut();
    },
    scan,
    observe,
    withSpelling,
  };
}

/** The entry, its spelling left out where nothing can be done about it. */
function mendable(storage: Storage, folding: Folding, path: string, entry: Entry): Entry {
  const { spelling, ...rest } = entry;
  if (spelling === undefined) return entry;
  return storage.respell !== undefined && canBeRespelled(spelling, nameOf(path), folding) ? entry : rest;
}

/** What is known of the side's names. */
class Known {
  now: Folding | null = null;
  readonly #options: FoldingOptions;
  #recalled: Promise<void> | null = null;
  #isFresh = false;

  constructor(options: FoldingOptions) {
    this.#options = options;
  }

  async folding(): Promise<Folding | null> {
    this.#recalled ??= this.#options.recall().then((folding) => {
      this.now ??= folding;
    });
    await this.#recalled;
    return this.now;
  }

  /** By a probe, where it is not known (or is to be known anew). What cannot be found out stays as it was. */
  async findOut(): Promise<void> {
    const { storage, probe, anew, remember, log } = this.#options;
    const before = await this.folding();
    if (this.#isFresh || (before !== null && !anew)) return;
    const found = await probeNames(storage, probe());
    if (found === null) {
      log.debug('which names the side takes for one could not be found out');
      return;
    }
    this.#isFresh = true;
    this.now = found;
    if (before?.foldsCase === found.foldsCase && before.normalizes === found.normalizes) return;
    try {
      await remember(found);
    } catch (error) {
      // The next run finds it out again.
      log.warn('what the side does with names could not be put on record', {
        error: asTowlineError(error).message,
      });
    }
  }
}
