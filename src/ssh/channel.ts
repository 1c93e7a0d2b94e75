/**
 * One SFTP channel as the rest of the program sees it: promises instead of callbacks, typed errors, a deadline on every
 * request, refusal after the channel closed, and a bound on the bytes in flight.
 *
 * Protocol: draft-ietf-secsh-filexfer-02 (SFTP version 3) and the extensions of OpenSSH's PROTOCOL file.
 */
import type { CommandResult } from '../ports.js';
import type { CommandStream, StreamRun } from '../ports-stream.js';

/** Attributes as the wire has them: times in whole seconds, `mode` with the file type bits. Absent: not sent. */
export interface Attributes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly atime?: number;
  readonly mtime?: number;
}

export interface DirectoryItem {
  readonly name: string;
  readonly attributes: Attributes;
  /** Where a symlink points, where the listing told (SFTP's own never does). */
  readonly target?: string;
}

export interface FileSystemSpace {
  /** Bytes a file of ours may still take. */
  readonly freeBytes: number;
  /** The most bytes of one name, where the server told. */
  readonly nameBytesMax?: number;
  /** What tells it from others, where the server told: two directories with different ones are on different file systems. */
  readonly identity?: {
    /** 64 bits, of which those beyond a number's precision are lost. */
    readonly id: number;
    /** Of the whole file system. */
    readonly blocks: number;
    readonly inodes: number;
  };
}

/** A server's handle; opaque. Only valid on the channel that gave it. */
export type Handle = Buffer;

/**
 * All paths are absolute or relative to the server's start directory; all methods send their request before they first
 * yield (so that calls made in one go are one flight, in order) — but for `write` and `read`, which wait for room in the
 * byte window first.
 *
 * Rejections are `TowlineError`: SFTP status 2 `not-found`, 3 `permission`, 8 `unsupported`, 6/7 and a dead channel or a
 * passed deadline `network`; 4 ("Failure") and anything else `protocol` with the server's text — the caller, who knows
 * what it asked for, tells apart what it was.
 */
export interface SftpChannel {
  /** Names of the server's extensions, with their data. */
  readonly extensions: ReadonlyMap<string, string>;
  /** The largest data part of one write and one read, bytes. */
  readonly maxWriteBytes: number;
  readonly maxReadBytes: number;
  /** False once the channel closed: every call rejects with `network`. */
  readonly open: boolean;

  /** Opens for reading. */
  openRead(path: string): Promise<Handle>;
  /** Creates a file that must not exist, for writing only (CREAT|EXCL|WRITE), with this mode. */
  createExclusive(path: string, mode: number): Promise<Handle>;
  /** Opens an existing file for writing only, without truncating. */
  openWrite(path: string): Promise<Handle>;
  closeHandle(handle: Handle): Promise<void>;
  /**
   * Writes all of `data`, in pieces of `maxWriteBytes`.
   * @returns as soon as all of it is sent (room in the window was found): `acknowledged` settles with the server's answer
   */
  write(handle: Handle, data: Buffer, offset: number): Promise<{ acknowledged: Promise<void> }>;
  /** One read of at most `maxReadBytes`; empty at the end of the file; may be short anywhere. */
  read(handle: Handle, offset: number, length: number): Promise<Buffer>;
  fstat(handle: Handle): Promise<Attributes>;
  fsetstat(handle: Handle, attributes: Attributes): Promise<void>;
  /** `copy-data`: the server copies `length` bytes at `offset` of one open file to the same place in another. */
  copyData(from: Handle, to: Handle, offset: number, length: number): Promise<void>;
  /** `fsync@openssh.com`; rejects with `unsupported` where it is not advertised (as all extensions do). */
  fsync(handle: Handle): Promise<void>;

  lstat(path: string): Promise<Attributes>;
  /** The same; nothing there is an answer that is often expected, and no error: `null`. */
  lstatOrNull(path: string): Promise<Attributes | null>;
  stat(path: string): Promise<Attributes>;
  setstat(path: string, attributes: Attributes): Promise<void>;
  /** `lsetstat@openssh.com`: on a symlink itself. */
  lsetstat(path: string, attributes: Attributes): Promise<void>;
  openDirectory(path: string): Promise<Handle>;
  /** The next part of a listing, without `.` and `..`; `null` at its end. Several may be under way at once. */
  readDirectory(handle: Handle): Promise<DirectoryItem[] | null>;
  makeDirectory(path: string, attributes: Attributes): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  /** Plain RENAME: OpenSSH refuses an existing target. */
  rename(from: string, to: string): Promise<void>;
  /** `posix-rename@openssh.com`: replaces the target in one step. */
  posixRename(from: string, to: string): Promise<void>;
  makeSymlink(path: string, target: string): Promise<void>;
  readSymlink(path: string): Promise<string>;
  realPath(path: string): Promise<string>;
  /** `statvfs@openssh.com`. */
  space(path: string): Promise<FileSystemSpace>;
}

/** What a storage over SFTP needs of the connection: channels that are opened anew after each reconnect. */
export interface SftpSession {
  /** `[user@]host` for people. */
  readonly label: string;
  /**
   * The channel of this purpose on the present connection: opened at the first call, opened anew when it died while the
   * connection lives. Rejects with `network` while there is no connection (wait with `Link.ready`).
   */
  channel(purpose: 'transfer' | 'scan'): Promise<SftpChannel>;
}

export interface ExecOptions {
  /** Text without NUL that the command may read; then its standard input ends. Default: nothing. */
  readonly stdin?: string;
  /** Where it runs; relative to the login directory. Default: there. */
  readonly directory?: string;
  /** Default: what the server gives. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Counted from when it runs. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called with each piece of text as it comes. */
  readonly onOutput?: (output: 'stdout' | 'stderr', text: string) => void;
}

/** Runs commands on a channel of their own, on the connection that is there. */
export interface ExecSession {
  /**
   * Runs `command` by the account's shell and resolves when it has ended, whatever its exit code. It ends with us: when
   * its time is over, `signal` is aborted or the connection goes, it gets SIGTERM, and SIGKILL two seconds later, with
   * all it started (where the server is an OpenSSH; see exec-script.ts).
   *
   * A server that runs no commands may refuse (`unsupported`), or say so in an output and an exit code: that a command
   * ran is proven by what it wrote, not by this.
   * @throws `network`, `unsupported`, the signal's reason
   */
  exec(command: string, options: ExecOptions): Promise<CommandResult>;
}

export interface StreamOptions extends StreamRun {
  /** Where it runs; relative to the login directory. Default: there. */
  readonly directory?: string;
  /** Default: what the server gives. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs helpers of ours on channels of their own, on the connection that is there. */
export interface StreamSession {
  /** `[user@]host` for people. */
  readonly label: string;
  /** Which connection this is: what was found out about the server under another number may not hold any more. */
  readonly epoch: number;
  /**
   * Starts `script` by `sh` and gives its output as it comes. It ends with us, as commands of `ExecSession` do; for how
   * long it may run is the caller's business. Without a connection the stream rejects with `network`.
   */
  stream(script: string, options?: StreamOptions): CommandStream;
}
