/** What the streams of a scan carry: the two sides' listings and the base's rows, in the order of `comparePaths`. */
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
  /** A temp of some agent lies here; `mtimeMs` by this side's clock. Never part of the tree. */
  | { readonly type: 'temp'; readonly path: string; readonly mtimeMs: number };

/** One row of the base. */
export interface BaseRow {
  readonly path: string;
  readonly pair: BasePair;
}
