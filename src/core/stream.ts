/**
 * What streams carry: the listings of the two sides and the rows of the base, in the order of `comparePaths`, and the
 * events of a watcher.
 */
import type { BasePair, Entry } from './entry.js';
import type { TowlineError } from './errors.js';

/** One item of a side's listing. */
export type ScanItem =
  | { readonly type: 'entry'; readonly path: string; readonly entry: Entry }
  /** The directory `path` could not be listed (its own entry came before): what is below it is unknown, not empty. */
  | { readonly type: 'failure'; readonly path: string; readonly error: TowlineError }
  /** Something is there that is no entry: a socket, device or FIFO, or a name that cannot be carried. */
  | {
      readonly type: 'skipped';
      readonly path: string;
      readonly reason: 'special' | 'name';
      readonly error: TowlineError;
    }
  /** A temp or a lock of some agent lies here; `mtimeMs` by this side's clock. Never part of the tree. */
  | { readonly type: 'temp'; readonly path: string; readonly mtimeMs: number };

/** One row of the base. */
export interface BaseRow {
  readonly path: string;
  readonly pair: BasePair;
}

/** What a watcher says that happened to a path. */
export type WatchEventKind = 'add' | 'change' | 'unlink' | 'addDir' | 'unlinkDir';
