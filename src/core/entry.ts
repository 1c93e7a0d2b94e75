/** What a path is. Sockets, devices and FIFOs are not entries: scans report them as skipped. */
export type Kind = 'file' | 'directory' | 'symlink';

/** Which of the two sides of a pair. */
export type Side = 'local' | 'remote';

/** The side across. */
export function otherSide(side: Side): Side {
  return side === 'local' ? 'remote' : 'local';
}

/** One path's metadata on one side, at one moment. */
export interface Entry {
  /** What it is. */
  readonly kind: Kind;
  /** Bytes of content; 0 for directories and symlinks. */
  readonly size: number;
  /** Modification time in milliseconds since 1970, with a fraction where the side has one (SFTP: whole seconds). */
  readonly mtimeMs: number;
  /** Permission bits, `0o7777` at most. */
  readonly mode: number;
  /** Where a symlink points, as written in the link. */
  readonly target?: string;
  /** SHA-256 of the content in hex, where it is known. */
  readonly hash?: string;
  /** Identity on a file system of our own machine. */
  readonly dev?: number;
  /** The inode, which belongs to `dev`. */
  readonly ino?: number;
  /** Time of the last change of content or metadata, ms; local only. */
  readonly ctimeMs?: number;
  /** Entity tag on a WebDAV server: tells two contents of one size and second apart. Never stored, never compared across. */
  readonly etag?: string;
  /**
   * The last component as a side that folds names (core/fold.ts) keeps it, where that is not the path's: the path is spelled
   * as on the other side. Never recorded.
   */
  readonly spelling?: string;
  /** Owner on a server, carried only to keep it when a file is replaced; never compared. */
  readonly uid?: number;
  /** The group, which belongs to `uid`. */
  readonly gid?: number;
}

/** The two entries of a path when both sides last agreed. */
export interface BasePair {
  readonly local: Entry;
  readonly remote: Entry;
  /**
   * The local file was modified so shortly before it was recorded that a later edit may carry the same size and time:
   * the next scan compares its content (`local.hash`) before it trusts the metadata. As git does for its index.
   */
  readonly racy: boolean;
}

/** What is known of one path: its base and its entry on each side (`null`: not there). */
export interface Triple {
  readonly path: string;
  readonly base: BasePair | null;
  readonly local: Entry | null;
  readonly remote: Entry | null;
}
