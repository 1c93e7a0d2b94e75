/** The watcher on chokidar: hints that something below a folder changed, and one error when hints may be missing. */
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { Kind } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { WatchEventKind } from '../core/stream.js';
import type { WatchHandlers, Watcher } from '../ports-watch.js';
import { Calm } from './calm.js';
import { rootMissing, watchFailure } from './failure.js';
import { FileCheck } from './file-check.js';
import { FolderCheck } from './folder-check.js';
import { type OverflowDetector, createOverflowDetector, readQueueMax } from './overflow.js';

/** A burst is over when no event came for a second; one that never calms is reported all the same. */
const overflowCalm = { quietMs: 1_000, maxMs: 10_000 };
/** Long enough for chokidar to have told what it will tell. */
const folderCalm = { quietMs: 500, maxMs: 5_000 };
/** A little longer than chokidar's own throttling of changes. */
const fileCalm = { quietMs: 60, maxMs: 1_000 };

/**
 * A watcher of the folder `root`, started once. `start` rejects with `not-found` (no such folder), `permission`,
 * `unsupported` (the kernel's limits), `interrupted` (closed before it was ready) or the signal's reason. `handlers.error`
 * is called at most once: with `not-found` when the root went away, `unsupported`, or `internal` (a burst that may have
 * overflowed the kernel's queue, or a failure nobody foresaw); a new watcher is needed then.
 */
export function createChokidarWatcher(options: { readonly root: string }): Watcher {
  return new ChokidarWatcher(options.root);
}

class ChokidarWatcher implements Watcher {
  readonly #rootGiven: string;
  /** Its real path: chokidar does not follow links, not even a root that is one. */
  #root = '';
  #handlers: WatchHandlers | null = null;
  #watcher: FSWatcher | null = null;
  #detector: OverflowDetector = createOverflowDetector();
  readonly #ready = Promise.withResolvers<undefined>();
  #isReady = false;
  #failed = false;
  #closed = false;
  /** How many there were when the kernel's queue became suspect; 0 before. */
  #overflowEvents = 0;
  /** To rebuild amid the burst would only lose more of it. */
  readonly #overflowCalm = new Calm({
    ...overflowCalm,
    onCalm: () => this.#fail(overflowed(this.#overflowEvents, this.#rootGiven)),
  });
  readonly #folders = new FolderCheck((path) => join(this.#root, path));
  readonly #folderCalm = new Calm({ ...folderCalm, onCalm: () => void this.#lookAtFolders() });

  readonly #files = new FileCheck((path) => join(this.#root, path));
  readonly #fileCalm = new Calm({ ...fileCalm, onCalm: () => void this.#lookAtFiles() });

  constructor(root: string) {
    this.#rootGiven = root;
    // `close` before `start` rejects it with nobody listening.
    this.#ready.promise.catch(() => undefined);
  }

  async start(handlers: WatchHandlers, signal?: AbortSignal): Promise<void> {
    if (this.#handlers !== null) throw new TowlineError('internal', `${this.#rootGiven} is watched already`);
    this.#handlers = handlers;
    signal?.throwIfAborted();
    const abort = (): void => this.#ready.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#ready.promise, this.#open()]);
      await this.#ready.promise;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#overflowCalm.cancel();
    this.#folderCalm.cancel();
    this.#fileCalm.cancel();
    this.#ready.reject(
      new TowlineError('interrupted', `watching ${this.#rootGiven} was ended before it began`),
    );
    await this.#watcher?.close();
  }

  async #open(): Promise<void> {
    try {
      this.#root = await realpath(this.#rootGiven);
      if (!(await stat(this.#root)).isDirectory()) throw rootMissing(this.#rootGiven);
      this.#detector = createOverflowDetector({ queueMax: await readQueueMax() });
    } catch (error) {
      throw watchFailure(error, this.#rootGiven);
    }
    if (!this.#closed) this.#watch();
  }

  #watch(): void {
    const watcher = watch(this.#root, {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      awaitWriteFinish: false,
      alwaysStat: false,
      persistent: true,
      // An unreadable folder is the scan's to report; here it would only end the watching of all the others.
      ignorePermissionErrors: true,
      ignored: (path, stats) => this.#ignored(path, stats),
    });
    this.#watcher = watcher;
    watcher.on('ready', () => {
      this.#isReady = true;
      this.#ready.resolve(undefined);
    });
    watcher.on('error', (error) => this.#fail(watchFailure(error, this.#rootGiven)));
    watcher.on('raw', (type, name, details) => this.#raw(type, name, watchedPathOf(details)));
    watcher.on('all', (kind, path) => this.#event(kind, path));
  }

  #event(kind: string, absolute: string): void {
    if (this.#closed || !isEventKind(kind)) return;
    const path = this.#relative(absolute);
    if (path === null) return;
    if (path !== '') {
      this.#folders.told(kind, path);
      this.#files.told(path);
      this.#handlers?.event(kind, path);
    } else if (kind !== 'change') {
      this.#fail(rootMissing(this.#rootGiven));
    }
  }

  #ignored(absolute: string, stats: Stats | undefined): boolean {
    const path = this.#relative(absolute);
    // What is outside is looked at only to wait for a root that is gone, and we do not wait that way.
    if (path === null) return true;
    if (path === '' || this.#handlers === null) return false;
    if (stats === undefined) return this.#excluded(path);
    const excluded = this.#handlers.excludes(path, kindOf(stats));
    if (!excluded && !this.#isReady && stats.isDirectory()) this.#folders.knows(path);
    return excluded;
  }

  /** Whatever it may be. */
  #excluded(path: string): boolean {
    const excludes = this.#handlers?.excludes;
    return excludes !== undefined && excludes(path, 'file') && excludes(path, 'directory');
  }

  /** The path below the root with `/` between components; `''` for the root, `null` outside of it. */
  #relative(absolute: string): string | null {
    if (absolute === this.#root) return '';
    const path = relative(this.#root, absolute);
    if (path === '..' || path.startsWith(`..${sep}`)) return null;
    return sep === '/' ? path : path.replaceAll(sep, '/');
  }

  #fail(error: TowlineError): void {
    if (this.#closed || this.#failed) return;
    this.#failed = true;
    if (this.#isReady) this.#handlers?.error(error);
    else this.#ready.reject(error);
  }

  // ------------------------------------------------------------------------------------------ what chokidar misses

  /** One event of the kernel, whatever chokidar makes of it. */
  #raw(type: string, name: string | null, watchedPath: string | undefined): void {
    if (this.#closed) return;
    if (this.#detector.event(performance.now())) this.#overflowEvents = this.#detector.count;
    if (this.#overflowEvents > 0) this.#overflowCalm.touch();
    if (!this.#isReady || name === null || watchedPath === undefined) return;
    const path = this.#relative(join(watchedPath, name));
    if (path === null || path === '' || this.#excluded(path)) return;
    // A folder's attributes come as `rename` too, a file's as `change`.
    if (type !== 'rename') {
      this.#files.touched(path);
      this.#fileCalm.touch();
      return;
    }
    this.#folders.touched(path);
    this.#folderCalm.touch();
  }

  async #lookAtFiles(): Promise<void> {
    const missed = await this.#files.look();
    if (this.#closed) return;
    for (const path of missed) this.#handlers?.event('change', path);
  }

  async #lookAtFolders(): Promise<void> {
    const { touched, suspects, misjudged } = await this.#folders.look();
    if (this.#closed || this.#handlers === null) return;
    const { excludes, event } = this.#handlers;
    for (const path of [...touched, ...suspects]) {
      if (!excludes(path, 'directory')) event('change', path);
    }
    if (suspects.length > 0) this.#folderCalm.touch();
    const wrong = misjudged.find((path) => !excludes(path, 'directory'));
    if (wrong !== undefined) this.#fail(misjudgedFolder(wrong, this.#rootGiven));
  }
}

function misjudgedFolder(path: string, root: string): TowlineError {
  const what = `${path} below ${root} changed between folder and file in one go: changes in it may have been missed`;
  return new TowlineError('internal', what, { path, hint: 'everything is compared again' });
}

function overflowed(events: number, root: string): TowlineError {
  const what = `a burst of ${events} events may have overflowed the kernel's queue: changes below ${root} may have been missed`;
  return new TowlineError('internal', what, { path: root, hint: 'everything is compared again' });
}

function kindOf(stats: Stats): Kind {
  if (stats.isSymbolicLink()) return 'symlink';
  return stats.isDirectory() ? 'directory' : 'file';
}

function isEventKind(kind: string): kind is WatchEventKind {
  return (
    kind === 'add' || kind === 'change' || kind === 'unlink' || kind === 'addDir' || kind === 'unlinkDir'
  );
}

/** Chokidar types what comes with a raw event as unknown. */
function watchedPathOf(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return undefined;
  return typeof details.watchedPath === 'string' ? details.watchedPath : undefined;
}
