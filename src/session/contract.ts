/** What a session of the library is, and what it is told. */
import type { CarryOptions, FileCarried } from '../engine/carry-file.js';
import type { HashOptions } from '../engine/hash-tree.js';
import type { ListedEntry, ListOptions } from '../engine/list-tree.js';
import type { FileProgress, Progress } from '../engine/progress.js';
import type { Bwlimit } from '../library/bwlimit.js';
import type { ConnectOptions } from '../library/open-storage.js';

/** How a session connects, and what all its calls share. */
export interface SessionOptions extends ConnectOptions {
  /** Where is kept what is to be continued. Default: `$XDG_STATE_HOME/towline`. */
  readonly stateDir?: string;
  /** Content of all calls together, KiB/s; a `Bwlimit` can be shared. Default: unlimited. `setBwlimit` changes it. */
  readonly bwlimit?: number | Bwlimit;
  /** Files carried or read at once; further calls wait for their turn, in the order they were made. From 1 to 256. Default: 32. */
  readonly concurrency?: number;
  /** Hears of each step of each file of `writeFile` and `readFile`. What it throws is logged, and harms nobody. */
  readonly progress?: (progress: Progress) => void;
}

/** How one file is carried. */
export interface FileOptions extends Omit<CarryOptions, 'progress'> {
  /** Hears of each step of this file. What it throws is logged, and harms nobody. */
  readonly progress?: (progress: FileProgress) => void;
  /** Ends the call with `interrupted`; what was sent is kept for the next one. */
  readonly signal?: AbortSignal;
}

/**
 * A connection to one directory of a server. All remote paths are relative to it, `''` is the directory itself. Calls may run
 * concurrently, but for calls with the same destination, and go on over a lost link.
 */
export interface Session extends AsyncDisposable {
  /**
   * Puts a local file at `remote`, a path below the session's directory whose parent exists. Readers see the old version
   * or the new one, whole, and the rename comes last (unless `atomic` is false). A destination of the same size and time
   * (or content) is left alone: the result says so.
   * @throws `vanished`, `changing`, `changed`, `exists`, `no-space`, `permission`, `name`, `not-found`, `unsupported`
   * (`atomic: false` on WebDAV), `network`, `interrupted`
   */
  writeFile(local: string, remote: string, options?: FileOptions): Promise<FileCarried>;
  /** The other way round, with the same promises. */
  readFile(remote: string, local: string, options?: FileOptions): Promise<FileCarried>;
  /**
   * Lists a directory, or with `recursive` all that is below it, entry by entry as they come, in the order of their bytes,
   * component by component; of a file it tells the file itself. What Towline keeps for itself (`.towline…`) is left out.
   * @throws `not-found`, `name`, `permission`, `network`, `interrupted`
   */
  list(remote?: string, options?: ListOptions): AsyncIterable<ListedEntry>;
  /**
   * SHA-256, hex, of all regular files below a directory (or of one file), by their paths relative to the session's directory.
   * The server computes them where it has a shell with sha256sum; elsewhere the contents are read, under `bwlimit`. A file
   * that goes away meanwhile is left out.
   * @throws as `list`; `changed` for a file that does not hold still
   */
  hash(remote?: string, options?: HashOptions): Promise<Map<string, string>>;
  /**
   * Bounds the content of all calls from now on, those under way included.
   * @param kibPerSecond KiB/s, 1 or more; `null` or 0: no limit
   * @throws `configuration`
   */
  setBwlimit(kibPerSecond: number | null): void;
  /** Ends the calls under way with `interrupted`, and the connection. */
  close(): Promise<void>;
}
