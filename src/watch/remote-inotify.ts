/** The watcher of a remote folder: `inotifywait` there, over a channel of the connection that is there already. */
import { randomUUID } from 'node:crypto';
import { asTowlineError, TowlineError } from '../core/errors.js';
import type { WatchHandlers, Watcher } from '../ports-watch.js';
import type { CommandStream, StartStream } from '../ports-stream.js';
import { Backlog } from './backlog.js';
import { Calm } from './calm.js';
import { EventReader, type RemoteEvent } from './remote-events.js';

export interface RemoteWatcherOptions {
  /** Starts a script in the remote root, where the server has inotifywait. */
  readonly exec: StartStream;
  /** The remote root for people: `dev@box:/srv/app`. */
  readonly root: string;
}

/** A burst is over when no event came for a second; one that never calms is reported all the same. */
const overflowCalm = { quietMs: 1_000, maxMs: 10_000 };
/** Setting up watches reads the whole tree there. */
const setUpMs = 10 * 60_000;

/** How the script ends when there is no such root, as exec-script.ts does. */
const noDirectory = 126;

/** What changes; what is only read does not matter. A file that is written for hours is seen by `modify`. */
const watched = [
  'modify',
  'attrib',
  'close_write',
  'moved_from',
  'moved_to',
  'create',
  'delete',
  'delete_self',
  'move_self',
  'unmount',
].join(',');

/** What inotifywait says on its standard error once every directory is watched. */
const establishedText = 'Watches established';

/**
 * A watcher of the remote root, started once. `start` rejects with `unsupported` (no shell, no inotifywait, too few
 * watches allowed), `not-found` (no such folder), `network`, `interrupted` (closed before it was ready) or the signal's
 * reason. `handlers.error` is called at most once: with `network` when the channel or the connection went, `not-found` when
 * the root went away, `unsupported` when inotifywait ended, `internal` when events may have been lost. It is over then;
 * until a new one is started changes are only found by scans.
 *
 * A directory that appears gives `addDir`; what was put into it before it was watched gives nothing: the caller looks below.
 * On the server it ends with us (see `CommandStream`).
 */
export function createRemoteWatcher(options: RemoteWatcherOptions): Watcher {
  return new RemoteWatcher(options);
}

class RemoteWatcher implements Watcher {
  readonly #options: RemoteWatcherOptions;
  readonly #ready = Promise.withResolvers<undefined>();
  readonly #stop = new AbortController();
  readonly #backlog = new Backlog();
  readonly #overflowCalm = new Calm({ ...overflowCalm, onCalm: () => this.#fail(this.#overflowed()) });
  #handlers: WatchHandlers | null = null;
  #stream: CommandStream | null = null;
  #said = '';
  #isReady = false;
  #over = false;

  constructor(options: RemoteWatcherOptions) {
    this.#options = options;
    // `close` before `start` rejects it with nobody listening.
    this.#ready.promise.catch(() => undefined);
  }

  async start(handlers: WatchHandlers, signal?: AbortSignal): Promise<void> {
    const { root } = this.#options;
    if (this.#handlers !== null) throw new TowlineError('internal', `${root} is watched already`);
    this.#handlers = handlers;
    signal?.throwIfAborted();
    const abort = (): void => this.#ready.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(() => this.#fail(this.#tooSlow()), setUpMs);
    try {
      void this.#watch();
      await this.#ready.promise;
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#overflowCalm.cancel();
    const reason = new TowlineError(
      'interrupted',
      `watching ${this.#options.root} was ended before it began`,
    );
    this.#ready.reject(reason);
    this.#stop.abort(reason);
    await Promise.allSettled([this.#stream?.ended]);
  }

  /** From the beginning to the end; never rejects. */
  async #watch(): Promise<void> {
    const mark = randomUUID();
    const reader = new EventReader(mark);
    try {
      const stream = await this.#options.exec(scriptOf(mark), {
        signal: this.#stop.signal,
        onStderr: (text) => this.#heard(text),
      });
      this.#stream = stream;
      for await (const piece of stream.stdout) for (const event of reader.add(piece)) this.#tell(event);
      const { code, stderr } = await stream.ended;
      this.#fail(this.#ended(code, stderr));
    } catch (error) {
      this.#fail(asTowlineError(error));
    }
  }

  #heard(text: string): void {
    this.#said = (this.#said + text).slice(-saidMax);
    if (this.#isReady) {
      // It could not watch a new directory, or worse.
      this.#fail(this.#complained(text));
    } else if (this.#said.includes(establishedText)) {
      this.#isReady = true;
      this.#ready.resolve(undefined);
    }
  }

  #tell(event: RemoteEvent): void {
    if (this.#over) return;
    if (event.type === 'queue') {
      this.#backlog.queueMax = event.max;
      return;
    }
    if (event.type === 'gone') {
      this.#fail(this.#gone());
      return;
    }
    if (this.#backlog.event(performance.now())) this.#overflowCalm.touch();
    const { kind, path, isDirectory } = event;
    if (this.#handlers?.excludes(path, isDirectory ? 'directory' : 'file') === false) {
      this.#handlers.event(kind, path);
    }
  }

  #fail(error: TowlineError): void {
    if (this.#over) return;
    this.#over = true;
    this.#overflowCalm.cancel();
    this.#stop.abort(error);
    if (this.#isReady) this.#handlers?.error(error);
    else this.#ready.reject(error);
  }

  // ------------------------------------------------------------------------------------------ words

  #ended(code: number | null, stderr: string): TowlineError {
    const { root } = this.#options;
    if (code === noDirectory) return this.#gone();
    const serverText = stderr.trim();
    const said = serverText === '' ? '' : `: ${serverText}`;
    return new TowlineError('unsupported', `inotifywait ended while it watched ${root}${said}`, {
      path: root,
      serverText,
      hint: 'Install inotify-tools on the server and raise fs.inotify.max_user_watches there; until then it is compared from time to time',
    });
  }

  #gone(): TowlineError {
    const { root } = this.#options;
    const hint = 'it is watched again when it is back';
    return new TowlineError('not-found', `the folder ${root} is not there any more`, { path: root, hint });
  }

  #complained(text: string): TowlineError {
    const { root } = this.#options;
    const serverText = text.trim();
    const what = `changes below ${root} may have been missed: inotifywait said "${serverText}"`;
    return new TowlineError('internal', what, {
      path: root,
      serverText,
      hint: 'everything is compared again',
    });
  }

  #overflowed(): TowlineError {
    const { root } = this.#options;
    const what = `a burst of events may have overflowed the server's queue: changes below ${root} may have been missed`;
    return new TowlineError('internal', what, { path: root, hint: 'everything is compared again' });
  }

  #tooSlow(): TowlineError {
    const { root } = this.#options;
    const what = `${root} is not watched after ${String(setUpMs / 60_000)} minutes`;
    return new TowlineError('unsupported', what, { path: root, hint: 'Exclude large folders' });
  }
}

/** Characters of standard error that are kept. */
const saidMax = 4096;

/**
 * Our own names are nobody's business, and a temp is written thousands of times: they are left out there already. The
 * kernel does not tell that the root was removed while it is anybody's working directory, so it is left first.
 */
function scriptOf(mark: string): string {
  return [
    'root=$PWD',
    `printf '|${mark}\\nROOT|%s|${mark}\\nQUEUE|' "$root"`,
    'cat /proc/sys/fs/inotify/max_queued_events 2>/dev/null',
    `printf '|${mark}\\n'`,
    `pattern=$(printf %s "\${root%/}" | sed 's/[].[^$*+?(){}|\\]/\\\\&/g')`,
    'cd /',
    `exec inotifywait -m -r --format '%e|%w%f|${mark}' -e ${watched} --exclude "^$pattern/(.*/)?[.]towline" "$root"`,
  ].join('; ');
}
