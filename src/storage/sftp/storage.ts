/** A directory of an SFTP server as a `Storage`. */
import type { Capabilities, Clock } from '../../ports.js';
import type { InPlaceStorage } from '../../ports-in-place.js';
import type { SftpSession } from '../../ssh/channel.js';
import { hashSource } from '../hash.js';
import { makeDirectory, move, remove, setMetadata } from './changes.js';
import { readText } from './content.js';
import { ClockOffset } from './clock-offset.js';
import { SftpContext } from './context.js';
import { observe } from './observe.js';
import { respell } from './respell.js';
import { ensureRoot } from './root.js';
import { scan } from './scan.js';
import { FindHistory } from './scan-ahead.js';
import { hashInPlace } from './hash-in-place.js';
import { MomentaryFiles } from './momentary-files.js';
import type { RemoteShell } from './shell/remote-shell.js';
import { openSource } from './source.js';
import { freeBytes } from './space.js';
import { makeSymlink } from './symlink.js';
import { openInPlace } from './in-place.js';
import { resumeTemp } from './resumed-temp.js';
import { createTemp } from './temp.js';
import { removeTemps } from './temps-removal.js';

export interface SftpStorageOptions {
  readonly session: SftpSession;
  /** Absolute, or relative to the directory the login starts in. */
  readonly root: string;
  /** For people: `dev@box:/srv/app`. */
  readonly label: string;
  readonly clock: Clock;
  /** Who sees to what lost links left of our looking. Default: nobody, in this process. */
  readonly momentary?: MomentaryFiles;
  /** Helpers on the server, where it has a shell. Default: SFTP alone does everything. */
  readonly shell?: RemoteShell;
  /** The tree is known to be large (more than a thousand entries): scans ask the shell at once. Default: false. */
  readonly large?: boolean;
}

/**
 * The directory `root` on the session's server. Nothing is sent before the first call; every call uses the session's
 * present channel, so that the storage outlives any number of reconnects (its temps and sources do not). `capabilities`
 * are known once a first call has been answered.
 * @throws `configuration` when the root cannot be named over SFTP
 */
export function createSftpStorage(options: SftpStorageOptions): InPlaceStorage {
  const context = new SftpContext(options.session, options.root, options.clock);
  const { shell, momentary = new MomentaryFiles(options.session) } = options;
  context.clockOffset = new ClockOffset(context, momentary);
  const helper =
    shell === undefined ? null : { shell, history: new FindHistory(options.clock, options.large) };
  return {
    label: options.label,
    get capabilities(): Capabilities {
      return context.capabilities;
    },
    ensureRoot: (request) => ensureRoot(context, request),
    scan: (request) => scan(context, request, helper),
    observe: (paths, signal) => observe(context, paths, signal),
    openSource: (path) => openSource(context, path),
    readText: (path) => readText(context, path),
    createTemp: (path, name) => createTemp(context, path, name),
    resumeTemp: (path, from, to, offset, apart) =>
      resumeTemp(context, path, { from, to, offset, apart: apart === true }),
    openInPlace: (path, expected, offset) => openInPlace(context, path, expected, offset),
    makeDirectory: (path, mode) => makeDirectory(context, path, mode),
    makeSymlink: (path, link, name, expected, lock) => makeSymlink(context, path, link, name, expected, lock),
    setMetadata: (path, expected, change, lock) => setMetadata(context, path, expected, change, lock),
    move: (from, to, expected, lock) => move(context, from, to, expected, lock),
    remove: (path, expected, lock) => remove(context, path, expected, lock),
    removeTemps: (paths) => removeTemps(context, paths),
    respell: (path, stored, name) => respell(context, path, stored, name),
    hash: async (path, signal) => hashSource(await openSource(context, path), path, signal),
    hashInPlace: async (files, signal) =>
      shell === undefined ? null : hashInPlace(context, shell, files, signal),
    freeBytes: (path) => freeBytes(context, path),
    clockOffsetMs: () => context.clockOffset.get(),
  };
}
