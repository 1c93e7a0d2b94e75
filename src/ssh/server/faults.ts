/** The ways in which the embedded server can be told to misbehave: those that real servers and links have shown. */
import type { Attributes } from '../channel.js';
import type { RequestKind } from './request.js';
import type { Status } from './reply.js';

/** A request as a fault sees it. */
export interface SeenRequest {
  readonly kind: RequestKind;
  /** Absolute, as clients see it; of a handle, the path it was opened with; `''` where there is none. */
  readonly path: string;
  /** The new path of a rename, the text of a link; else `''`. */
  readonly target: string;
  /** Flags of OPEN, offset of READ and WRITE; else 0. */
  readonly flags: number;
  readonly offset: number;
  /** Bytes of READ and WRITE; else 0. */
  readonly length: number;
  /** Counts the requests of all sessions since the server started, from 1. */
  readonly number: number;
  /** The same among those of this kind. */
  readonly numberOfKind: number;
}

/** An item of a listing that is not there. */
export interface FakeItem {
  /** As it goes over the wire; bytes for what is not UTF-8. */
  readonly name: string | Buffer;
  /** With the file type bits. Default: a regular file, `0o100644`. */
  readonly mode?: number;
  readonly size?: number;
  /** In place of all of these, as they go over the wire. */
  readonly attributes?: Attributes;
}

/** Each knob is independent; none given: the server behaves as OpenSSH does. */
export interface Faults {
  /** Answers with this status instead of doing it. */
  readonly refuse?: (request: SeenRequest) => Status | undefined;
  /** Destroys the connection: before it is done, or after (so that only the reply is lost). */
  readonly dropConnection?: (request: SeenRequest) => 'before' | 'after' | undefined;
  /** Closes the channel alone, before the request is done; the connection lives on. */
  readonly closeChannel?: (request: SeenRequest) => boolean;
  /** Does it and never answers. */
  readonly loseReply?: (request: SeenRequest) => boolean;
  /** Waits for the promise before doing it: a slow server, or a gate that the test opens. */
  readonly delay?: (request: SeenRequest) => Promise<unknown> | undefined;
  /** Runs neighbouring READs and WRITEs of a session last first, as servers with several workers may. */
  readonly outOfOrder?: boolean;
  /** SETSTAT, FSETSTAT and lsetstat are unsupported (8). */
  readonly noSetstat?: boolean;
  /** A WRITE above 32 KiB, or not where the last one ended, fails (4). */
  readonly sequentialWritesOnly?: boolean;
  /** An OPEN for READ and WRITE at once fails (4). */
  readonly refuseReadWriteOpens?: boolean;
  /** `A` and `a` are one name; the first spelling stays. */
  readonly foldCase?: boolean;
  /** With `foldCase`: a RENAME that changes the case alone says that it was done and does nothing, as Linux does. */
  readonly stickyCase?: boolean;
  /** Names are kept in this form, whatever form they come in; `any`: in the form they came in, and found by each. */
  readonly normalize?: 'NFC' | 'NFD' | 'any';
  /** Added to the listing of a directory (its absolute path). */
  readonly addToListing?: (directory: string) => readonly FakeItem[];
  /** What LSTAT and STAT tell of a path, in place of the truth. */
  readonly tellAttributes?: (path: string) => Attributes | undefined;
  /** What READLINK tells of a path, whatever is there. */
  readonly tellLink?: (path: string) => Buffer | undefined;
  /** Whatever would change something is denied (3). */
  readonly readOnly?: boolean;
  /** Taken off the mode of all that is created. Default: the process's own umask. */
  readonly umask?: number;
  /** Permission bits that the server keeps; others are taken off silently, whoever sets them. Default: all. */
  readonly modeMask?: number;
  /** What statvfs tells as free, bytes. */
  readonly freeBytes?: number;
}
