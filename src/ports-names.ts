/** What the contracts of ports.ts say of names where a side takes several for one (core/fold.ts). */
import type { Entry } from './core/entry.js';
import type { Folding } from './core/fold.js';

/** Part of `Capabilities`. */
export interface CapabilityNames {
  /** Which names it takes for one; left out while that is not known. */
  readonly names?: Folding;
}

/** Part of `ScanRequest`. */
export interface ScanNames {
  /** What the other side does with names: those of one directory that are one name there are `skipped`, all of them. */
  readonly folding?: Folding;
  /**
   * Asked about each directory (spelled as on the other side) before it is sorted, where this side folds names: which name of
   * the other side these stand for, where that is another one. The entries then come under that name, with `spelling` set.
   */
  readonly spelling?: (directory: string, names: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

/** Part of `Storage`. */
export interface StorageNames {
  /**
   * Of sides that may fold names: has the name of `path` kept as it is spelled there, in place of `stored`, in one step where
   * the side can. Otherwise it is moved through the aside of the temp `name` (core/tempname.ts), from where `removeTemps` of
   * that temp brings it back after a crash.
   * @throws `unsupported` when the side goes on keeping the other spelling; `not-found`, `permission`, `network`
   */
  readonly respell?: (path: string, stored: string, name: string) => Promise<void>;

  /**
   * Of sides that may fold names: the entry of each of these paths with its `spelling`, if that is another one.
   * @throws what listing their directories failed with
   */
  readonly withSpelling?: (
    found: readonly { readonly path: string; readonly entry: Entry }[],
  ) => Promise<Entry[]>;
}
