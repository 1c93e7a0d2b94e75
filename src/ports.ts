/** The contracts between the engine and the world. Adapters implement them; `index.ts` puts the real ones together. */
import type { MetadataChange } from './core/action.js';
import type { Entry, Kind, Side } from './core/entry.js';
import type { PathLock } from './core/lock.js';
import type { ScanItem } from './core/stream.js';
import type { TowlineError } from './core/errors.js';
import type { LinkState } from './core/link-states.js';
import type { CapabilityNames, ScanNames, StorageNames } from './ports-names.js';

// ---------------------------------------------------------------------------------------------- Storage

/**
 * What a side can do, as data: probed once per connection, never guessed from a server's name. Whoever plans or
 * transfers asks here first; nothing declared missing may surface as an error at run time.
 */
export interface Capabilities extends CapabilityNames {
  /** A rename can replace an existing file in one step. Without it the gap is two requests long. */
  readonly atomicReplace: boolean;
  /** It holds symbolic links. */ readonly symlinks: boolean;
  /** A symlink's own modification time can be set. */
  readonly symlinkTimes: boolean;
  /** Permission bits can be set, and stay. */ readonly modes: boolean;
  /** Modification times of files and directories can be set. */ readonly times: boolean;
  /** Written content can be forced to disk. */
  readonly fsync: boolean;
  /** Free space can be asked for. */
  readonly space: boolean;
  /** A temp that was left can be gone on with (`resumeTemp`). */
  readonly resume: boolean;
  /** Locks that are given count; elsewhere they are left alone. */
  readonly locks: boolean;
  /** Modification times are whole multiples of this, in ms (SFTP: 1000). */
  readonly timeGranularityMs: number;
}

export interface ScanRequest extends ScanNames {
  /** Only what is below this directory (the directory itself is not yielded); `''` for everything. */
  readonly under: string;
  /** Only the children of that directory, and nothing below them. Default: false. */
  readonly flat?: boolean;
  /** Excluded paths are neither yielded nor entered. */
  readonly excludes: (path: string, kind: Kind) => boolean;
  /**
   * Files whose text is wanted before the children of their directory are filtered (`.gitignore`, …): `found` is called
   * for each one, once, before `excludes` is asked about any other path of that directory. Sides that are not the
   * source of the rules leave it out.
   */
  readonly ruleFiles?: {
    /** Of the files, such as `.gitignore`. */ readonly names: readonly string[];
    /** Told of each one. */ readonly found: (directory: string, name: string, text: string) => void;
  };
  /** Ends it: the listing rejects. */ readonly signal?: AbortSignal;
  /** Nothing is done by it: paths that differ are looked at, and full scans see what it misses. Quick counts more than sure. */
  readonly hint?: boolean;
}

/** What is at a path now: an entry, nothing (`null`), or the reason why that cannot be told. */
export type Observed = Entry | null | TowlineError;

/** A file that is open for reading. */
export interface Source {
  /** As it was when it was opened (by its handle). */
  readonly entry: Entry;
  /**
   * What identifies this very content, as opaque text: two sources of one path with the same fingerprint hold the same
   * bytes, as far as the side can tell (dev, ino, size, mtime and ctime in ns on our own machine; size and mtime over SFTP).
   */
  readonly fingerprint: string;
  /** Reads up to `length` bytes at `offset`; a shorter buffer only at the end of the file. The caller keeps it. */
  read(offset: number, length: number): Promise<Buffer>;
  /**
   * Looks at handle and path again: `same` as when opened; `grown` when it is the same file, longer, and nothing says
   * that its beginning changed; `vanished`; else `changed`.
   */
  check(): Promise<'same' | 'grown' | 'changed' | 'vanished'>;
  /** Gives the handle back. */ close(): Promise<void>;
}

/** What a temp is to be like once it is published. */
export interface TempAttributes {
  /** Bytes that must be there: a different size is `protocol`. */
  readonly size: number;
  /** Permission bits. */ readonly mode?: number;
  /** Modification time, ms. */ readonly mtimeMs?: number;
  /** Owner of the file that is replaced: kept where the server allows, silently left where it does not. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Force the content to disk. */ readonly sync: boolean;
  /** Held from before the look at the destination until it is replaced, or the temp discarded or left. */
  readonly lock?: PathLock;
}

/** What is known of a file before its first byte is sent. */
export type TempHint = Pick<TempAttributes, 'size' | 'mtimeMs'>;

/**
 * A new file under a temp name, in the directory of its destination. After any rejection the only calls allowed are
 * `discard` and `leave`, which never reject.
 */
export interface Temp {
  /** Resolves once the data is accepted into the byte window (back-pressure); a failed write rejects here or in `complete`. */
  write(data: Buffer, offset: number): Promise<void>;
  /** How many bytes from the start are acknowledged without a gap. */
  readonly acknowledged: number;
  /**
   * Waits for all writes, sets attributes, closes. In the same flight it looks at the destination.
   * @returns `made`: the temp as the side made it (FSTAT after FSETSTAT); `destination`: what is at the path to be
   * replaced just now
   * @throws `no-space`, `permission`, `protocol` (size differs), `network`
   */
  complete(attributes: TempAttributes): Promise<{ made: Entry; destination: Entry | null }>;
  /**
   * Renames onto the destination. `expected === null` refuses an existing target (`exists`); otherwise replaces it in
   * one step where the side can (a directory in the way is `exists`). What it no longer is (`changed`) is noticed on our
   * own machine; elsewhere `complete` looked.
   */
  publish(expected: Entry | null): Promise<void>;
  /** Closes and removes it; best effort. True when it is certain that the name is gone. */
  discard(): Promise<boolean>;
  /**
   * Waits for the answers to what was written, closes, and leaves it under its name for `resumeTemp`. Never rejects.
   * @returns `acknowledged`, as it is then
   */
  leave(): Promise<number>;
}

/**
 * One side. All paths are relative to its root (core/path.ts) and are checked by the adapter: nothing outside the root
 * is touched, and symlinks are never followed below it.
 *
 * Calls may run concurrently. A failed call has done nothing or all of it, unless said otherwise. Every rejection is a
 * `TowlineError`; `network` means that the outcome is unknown. `changed` means that the path is no longer what the
 * caller expected, or that another agent holds its `lock`, and nothing was done.
 */
export interface Storage extends StorageNames {
  /** For people: `./app`, `dev@box:/srv/app`. */
  readonly label: string;
  /** As far as they are known: asked again for each plan. */ readonly capabilities: Capabilities;
  /** Makes the root directory if it is missing: its last component only, or all with `parents`. Idempotent. */
  ensureRoot(options: { parents: boolean }): Promise<void>;

  /** All entries in the order of `comparePaths`, in batches; of `isOwnName` only temps and locks. Throws when nothing can be listed. */
  scan(request: ScanRequest): AsyncIterable<ScanItem[]>;

  /** The state of many paths at once, in the order given; never follows a symlink at the last component. */
  observe(paths: readonly string[], signal?: AbortSignal): Promise<Observed[]>;

  /** Opens a regular file for reading; never through a symlink. `vanished` when it is not there (any more). */
  openSource(path: string): Promise<Source>;

  /** The text of a small file (at most 1 MiB), or `null` when there is none. */
  readText(path: string): Promise<string | null>;

  /**
   * Creates `name` beside `path`, exclusively, mode 0600.
   * @param hint for sides that have to announce a file ahead of its content; `complete` has the last word
   */
  createTemp(path: string, name: string, hint?: TempHint): Promise<Temp>;

  /**
   * Goes on with the temp `from` left beside `path`: renames it to `to`, a name that was never used (a frozen session which
   * wakes later finds nothing under the name it knows), cuts it to `offset` bytes (`acknowledged`) and opens it.
   * @param apart `to` is to be a copy where what was sent to `from` may still arrive: something else comes now
   * @returns `null` when it cannot be continued (missing, no file, too short, refused): something may be left under either
   * name, and `removeTemps` is to be called with both
   * @throws `network`: it may have either name by now
   */
  resumeTemp(path: string, from: string, to: string, offset: number, apart?: boolean): Promise<Temp | null>;

  /** Makes a directory whose parent exists. `exists` when anything is there. */
  makeDirectory(path: string, mode: number): Promise<Entry>;

  /**
   * Makes a symlink under the temp name `name` and renames it onto `path`, as `Temp.publish` does. `mtimeMs` is set
   * where the side can.
   */
  makeSymlink(
    path: string,
    link: { readonly target: string; readonly mtimeMs: number },
    name: string,
    expected: Entry | null,
    lock?: PathLock,
  ): Promise<Entry>;

  /** Sets mode and/or mtime of a file or directory that is still `expected` (else `changed`). */
  setMetadata(path: string, expected: Entry, change: MetadataChange, lock?: PathLock): Promise<Entry>;

  /**
   * Renames what is at `from` and still `expected` (else `changed`) to `to`, where nothing may be (`exists`) and whose
   * parent exists (`not-found`); a directory goes with all that is in it. Contents, modes and times stay as they are.
   * The lock is that of `from`.
   * @returns the entry under its new name
   */
  move(from: string, to: string, expected: Entry, lock?: PathLock): Promise<Entry>;

  /** Removes a file, a symlink or an empty directory that is still `expected`. Already gone is success. */
  remove(path: string, expected: Entry, lock?: PathLock): Promise<void>;

  /** Removes temps, whatever they hold, and clears their asides. Best effort; returns the paths that are certainly gone. */
  removeTemps(paths: readonly string[]): Promise<string[]>;

  /** SHA-256 of a regular file's content, hex. */
  hash(path: string, signal?: AbortSignal): Promise<string>;

  /**
   * SHA-256, hex, of many regular files (of their first `length` bytes where given), computed where they lie: no content
   * crosses a link. Temps may be asked for by their path. `null` for a file where that failed; `null` altogether when
   * this side cannot do it at all.
   * @throws `network`, the signal's reason
   */
  hashInPlace(
    files: readonly { readonly path: string; readonly length?: number }[],
    signal?: AbortSignal,
  ): Promise<(string | null)[] | null>;

  /** Free bytes for us where `path` lies, or `null` when the side cannot tell. */
  freeBytes(path: string): Promise<number | null>;

  /** This side's clock minus ours, in ms, as far as it is known (0 for our own machine). */
  clockOffsetMs(): Promise<number>;
}

/** The link below a remote storage: a stable handle over changing connections. */
export interface Link {
  /** How it is now. */ readonly state: LinkState;
  /** Resolves when the state is `ready`; rejects when halted, closed or aborted. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Calls back on every change of state, until the returned function is called. */
  onState(listener: (state: LinkState) => void): () => void;
  /** Ends it for good. */
  close(): Promise<void>;
}

export type { LinkState } from './core/link-states.js';

// ---------------------------------------------------------------------------------------------- The rest

/** In ms: `now` since 1970; `monotonic` never goes back, and leaves out what the machine slept. `random`: 0 to below 1. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Calls back once after `ms`, unless the returned function is called first. */
  timer(ms: number, callback: () => void): () => void;
  random(): number;
}

/** Takes what a run says for who looks for a fault; `fields` are data for a program. Never given a secret. */
export interface Log {
  /** Each step. */ debug(message: string, fields?: Record<string, unknown>): void;
  /** What is worth keeping. */ info(message: string, fields?: Record<string, unknown>): void;
  /** What somebody should look at. */ warn(message: string, fields?: Record<string, unknown>): void;
  /** What failed. */ error(message: string, fields?: Record<string, unknown>): void;
}

/** How a command ended that was run here or on the server. */
export interface CommandResult {
  /** Its exit code; `null` when a signal or we ended it. */
  readonly code: number | null;
  /** The signal that ended it, `TERM`, or `null`. */
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** The last 64 Ki characters of each. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandRun {
  /** For a shell, in the root of the side it runs on. */
  readonly command: string;
  /** What it may read; then its standard input ends. */
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
  /** It is ended, with all it started, when it takes longer. */
  readonly timeoutMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
  /** Called with each piece of text as it comes. */
  readonly onOutput: (output: 'stdout' | 'stderr', text: string) => void;
}

/** Runs commands of the user. */
export interface Commands {
  /**
   * Resolves when the command has ended, whatever its exit code.
   * @throws `network` (the link went, or there is none), `unsupported` (the side runs no commands), the signal's reason
   */
  run(side: Side, run: CommandRun): Promise<CommandResult>;
}
