import type { SFTPWrapper } from 'ssh2';
import { TowlineError } from '../core/errors.js';
import type { Clock } from '../ports.js';
import { ByteWindow } from './byte-window.js';
import type { Attributes, DirectoryItem, FileSystemSpace, Handle, SftpChannel } from './channel.js';
import { DataTransfer } from './data.js';
import { announcedBy } from './extensions.js';
import { paired } from './paired.js';
import { ReplyDeadline } from './reply-deadline.js';
import { about, type Done, Requests, type Subject } from './requests.js';
import { spaceOf } from './space.js';
import { sftpStatus, statusOf, unsupportedError } from './status.js';

export interface ChannelOptions {
  /** `[user@]host` for messages. */
  readonly label: string;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly slowRequestTimeoutMs: number;
  readonly windowBytes: number;
  /** Called once when the channel died by itself; `silentMs` is 0 when the server closed it. */
  readonly died: (error: TowlineError, silentMs: number) => void;
}

/** Flags of SSH_FXP_OPEN. */
const openFlags = { read: 0x01, write: 0x02, create: 0x08, exclusive: 0x20 } as const;

/** An open SFTP channel of ssh2, made safe: see `SftpChannel`. */
export class Ssh2Channel implements SftpChannel {
  readonly extensions: ReadonlyMap<string, string>;
  readonly maxWriteBytes: number;
  readonly maxReadBytes: number;

  readonly #sftp: SFTPWrapper;
  readonly #options: ChannelOptions;
  readonly #deadline: ReplyDeadline;
  readonly #requests: Requests;
  readonly #window: ByteWindow;
  readonly #data: DataTransfer;
  /** Of which path a handle is, for messages. */
  readonly #paths = new WeakMap<Handle, string>();

  constructor(sftp: SFTPWrapper, options: ChannelOptions) {
    ({
      extensions: this.extensions,
      maxWriteBytes: this.maxWriteBytes,
      maxReadBytes: this.maxReadBytes,
    } = announcedBy(sftp));
    this.#sftp = sftp;
    this.#options = options;
    this.#window = new ByteWindow(options.clock, options.windowBytes);
    this.#deadline = new ReplyDeadline({
      clock: options.clock,
      limitMs: options.requestTimeoutMs,
      slowLimitMs: options.slowRequestTimeoutMs,
      expired: (ms) => this.#die(`${options.label} has not answered for ${Math.round(ms / 1000)} s`, ms),
    });
    const closed = () => this.#die(`${options.label} closed the SFTP channel`, 0);
    this.#requests = new Requests(options.label, this.#deadline, closed);
    this.#data = new DataTransfer(sftp, this.#requests, this.#window);
    // The handler for errors stays for ever: they may come after the end.
    sftp.on('error', (error: Error) =>
      this.#die(`the SFTP channel to ${options.label} broke: ${error.message}`, 0, error),
    );
    sftp.on('end', closed);
    sftp.on('close', closed);
  }

  get open(): boolean {
    return this.#requests.failure === null;
  }

  /** When the server last answered, ms since 1970. */
  get lastReplyMs(): number {
    return this.#deadline.lastReplyMs;
  }

  /** How many requests were answered so far. */
  get replies(): number {
    return this.#deadline.replies;
  }

  /** How many requests wait for their answer. */
  get underWay(): number {
    return this.#deadline.underWay;
  }

  /** Rejects all requests under way and to come with `error`: the connection below is gone. Does not call `died`. */
  fail(error: TowlineError): void {
    this.#requests.fail(error);
    this.#window.fail(error);
  }

  // ------------------------------------------------------------------------------------------ Handles

  openRead(path: string): Promise<Handle> {
    return this.#open('open', path, openFlags.read, {});
  }

  createExclusive(path: string, mode: number): Promise<Handle> {
    return this.#open('create', path, openFlags.write | openFlags.create | openFlags.exclusive, { mode });
  }

  openWrite(path: string): Promise<Handle> {
    return this.#open('open for writing', path, openFlags.write, {});
  }

  openDirectory(path: string): Promise<Handle> {
    return this.#opened(path, about('list', path), (done) => this.#sftp.opendir(path, done));
  }

  closeHandle(handle: Handle): Promise<void> {
    return this.#plain(this.#on('close', handle, true), (done) => this.#sftp.close(handle, done));
  }

  write(handle: Handle, data: Buffer, offset: number): Promise<{ acknowledged: Promise<void> }> {
    return this.#data.write(this.#on('write', handle), handle, data, offset, this.maxWriteBytes);
  }

  read(handle: Handle, offset: number, length: number): Promise<Buffer> {
    return this.#data.read(this.#on('read', handle), handle, offset, length, this.maxReadBytes);
  }

  fstat(handle: Handle): Promise<Attributes> {
    return this.#requests.send(this.#on('look at', handle), (done: Done<Attributes>) =>
      this.#sftp.fstat(handle, done),
    );
  }

  fsetstat(handle: Handle, attributes: Attributes): Promise<void> {
    return this.#plain(this.#on('set attributes of', handle), (done) =>
      this.#sftp.fsetstat(handle, paired(attributes), done),
    );
  }

  copyData(from: Handle, to: Handle, offset: number, length: number): Promise<void> {
    return this.#extended('copy-data', this.#on('copy into', to, true), (done) =>
      this.#sftp.ext_copy_data(from, offset, length, to, offset, done),
    );
  }

  fsync(handle: Handle): Promise<void> {
    return this.#extended('fsync@openssh.com', this.#on('flush', handle, true), (done) =>
      this.#sftp.ext_openssh_fsync(handle, done),
    );
  }

  readDirectory(handle: Handle): Promise<DirectoryItem[] | null> {
    return this.#requests.send(this.#on('list', handle), (done: Done<DirectoryItem[] | null>) =>
      this.#sftp.readdir(handle, (error, list) => {
        if (error && statusOf(error) === sftpStatus.endOfFile) done(null, null);
        else if (error) done(error, null);
        else
          done(
            null,
            list.map((one) => ({ name: one.filename, attributes: one.attrs })),
          );
      }),
    );
  }

  // ------------------------------------------------------------------------------------------ Paths

  lstat(path: string): Promise<Attributes> {
    return this.#requests.send(about('look at', path), (done: Done<Attributes>) =>
      this.#sftp.lstat(path, done),
    );
  }

  lstatOrNull(path: string): Promise<Attributes | null> {
    return this.#requests.send(about('look at', path), (done: Done<Attributes | null>) =>
      this.#sftp.lstat(path, (error, attributes) =>
        error && statusOf(error) === sftpStatus.noSuchFile ? done(null, null) : done(error, attributes),
      ),
    );
  }

  stat(path: string): Promise<Attributes> {
    return this.#requests.send(about('look at', path), (done: Done<Attributes>) =>
      this.#sftp.stat(path, done),
    );
  }

  setstat(path: string, attributes: Attributes): Promise<void> {
    return this.#plain(about('set attributes of', path), (done) =>
      this.#sftp.setstat(path, paired(attributes), done),
    );
  }

  lsetstat(path: string, attributes: Attributes): Promise<void> {
    return this.#extended('lsetstat@openssh.com', about('set attributes of', path), (done) =>
      this.#sftp.ext_openssh_lsetstat(path, paired(attributes), done),
    );
  }

  makeDirectory(path: string, attributes: Attributes): Promise<void> {
    return this.#plain(about('make directory', path), (done) =>
      this.#sftp.mkdir(path, paired(attributes), done),
    );
  }

  removeDirectory(path: string): Promise<void> {
    return this.#plain(about('remove directory', path), (done) => this.#sftp.rmdir(path, done));
  }

  removeFile(path: string): Promise<void> {
    return this.#plain(about('remove', path), (done) => this.#sftp.unlink(path, done));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#plain(about(`rename ${from} to`, to), (done) => this.#sftp.rename(from, to, done));
  }

  posixRename(from: string, to: string): Promise<void> {
    return this.#extended('posix-rename@openssh.com', about(`rename ${from} to`, to), (done) =>
      this.#sftp.ext_openssh_rename(from, to, done),
    );
  }

  makeSymlink(path: string, target: string): Promise<void> {
    return this.#plain(about('make link', path), (done) => this.#sftp.symlink(target, path, done));
  }

  readSymlink(path: string): Promise<string> {
    return this.#requests.send(about('read link', path), (done: Done<string>) =>
      this.#sftp.readlink(path, done),
    );
  }

  realPath(path: string): Promise<string> {
    return this.#requests.send(about('resolve', path), (done: Done<string>) =>
      this.#sftp.realpath(path, done),
    );
  }

  async space(path: string): Promise<FileSystemSpace> {
    const subject = about('ask for free space at', path);
    const missing = this.#missing('statvfs@openssh.com', '2', path);
    if (missing !== null) throw missing;
    const answer = await this.#requests.send(subject, (done: Done<unknown>) =>
      this.#sftp.ext_openssh_statvfs(path, (error, info: unknown) => done(error, info)),
    );
    return spaceOf(answer, this.#options.label);
  }

  // ------------------------------------------------------------------------------------------ Inside

  #open(operation: string, path: string, flags: number, attributes: Attributes): Promise<Handle> {
    return this.#opened(path, about(operation, path), (done) =>
      this.#sftp.open(path, flags, attributes, done),
    );
  }

  #opened(path: string, subject: Subject, start: (done: Done<Handle>) => void): Promise<Handle> {
    return this.#requests.send<Handle>(subject, (done) =>
      start((error, handle) => {
        if (!error) this.#paths.set(handle, path);
        done(error, handle);
      }),
    );
  }

  /** A request that is answered by a status alone. */
  #plain(subject: Subject, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return this.#requests.send<undefined>(subject, (done) => start((error) => done(error, undefined)));
  }

  /** The same with an extension, which ssh2 throws about when it was not announced. */
  #extended(
    name: string,
    subject: Subject,
    start: (done: (error?: Error | null) => void) => void,
  ): Promise<void> {
    const missing = this.#missing(name, '1', subject.path);
    return missing === null ? this.#plain(subject, start) : Promise.reject(missing);
  }

  #missing(name: string, version: string, path: string | undefined): TowlineError | null {
    return this.extensions.get(name) === version ? null : unsupportedError(name, path, this.#options.label);
  }

  #on(operation: string, handle: Handle, slow = false): Subject {
    return { operation, path: this.#paths.get(handle), slow };
  }

  #die(what: string, silentMs: number, cause?: Error): void {
    if (!this.open) return;
    const error = new TowlineError('network', what, { host: this.#options.label, cause });
    this.fail(error);
    this.#sftp.end();
    this.#options.died(error, silentMs);
  }
}
