import type { PairOptions } from '../config/options.js';
import type { StorageRemote } from '../remote/storage-remote.js';
import type { Throttle } from '../transfer/throttle.js';

/** What a pair is put together from. */
export interface PairParts {
  readonly pair: PairOptions;
  /** What stands for `pair.remote`: the same name, or the storage that bears it. */
  readonly remote: string | StorageRemote;
  readonly throttle: Throttle;
}
