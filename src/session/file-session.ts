/** The calls of a session. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, parse, relative, resolve, sep } from 'node:path';
import { shielded } from '../compose/shielded.js';
import { checkCall, checkPath } from '../config/check-call.js';
import { resolveBwlimit } from '../config/resolve.js';
import { throwIfAborted, unlessAborted } from '../core/abort.js';
import { TowlineError } from '../core/errors.js';
import { type CarryCall, carryFile, type CarryParts, type FileCarried } from '../engine/carry-file.js';
import { type HashOptions, hashTree } from '../engine/hash-tree.js';
import type { Lanes } from '../engine/lanes.js';
import { type ListedEntry, type ListOptions, listTree } from '../engine/list-tree.js';
import { type Progress, ProgressMeter } from '../engine/progress.js';
import type { Link, Storage } from '../ports.js';
import { systemClock } from '../system-clock.js';
import type { FileOptions, Session, SessionOptions } from './contract.js';

/** What a session works with. */
export interface SessionParts extends CarryParts {
  readonly link: Link;
  readonly local: Storage;
  readonly remote: Storage;
  readonly lanes: Lanes;
  readonly close: () => Promise<void>;
}

type Told = Pick<SessionOptions, 'log' | 'progress'>;
type Carried = Omit<CarryCall, 'signal' | 'options'>;

/** Carries, lists and hashes over one connection. */
export class FileSession implements Session {
  readonly #parts: SessionParts;
  readonly #options: Told;
  readonly #meter = new ProgressMeter(systemClock);
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(parts: SessionParts, options: Told) {
    this.#parts = parts;
    this.#options = options;
  }

  async writeFile(local: string, remote: string, options: FileOptions = {}): Promise<FileCarried> {
    checkFileCall(local, remote, options);
    const { local: from, remote: to } = this.#parts;
    return this.#carry(options, async () => {
      const source = await pathFromRoot(local);
      return { from, source, to, side: 'remote', destination: remote };
    });
  }

  async readFile(remote: string, local: string, options: FileOptions = {}): Promise<FileCarried> {
    checkFileCall(local, remote, options);
    const { local: to, remote: from } = this.#parts;
    return this.#carry(options, async () => {
      const destination = await pathFromRoot(local);
      return { from, source: remote, to, side: 'local', destination };
    });
  }

  list(remote = '', options: ListOptions = {}): AsyncIterable<ListedEntry> {
    checkPath(remote);
    checkCall(options, { recursive: 'boolean', onProblem: 'function', signal: 'signal' });
    const { remote: storage, link } = this.#parts;
    return listTree({ storage, link }, remote, { ...options, signal: this.#until(options.signal) });
  }

  async hash(remote = '', options: HashOptions = {}): Promise<Map<string, string>> {
    checkPath(remote);
    checkCall(options, { progress: 'function', onProblem: 'function', signal: 'signal' });
    const { remote: storage, link, throttle, lanes } = this.#parts;
    const signal = this.#until(options.signal);
    return this.#track(hashTree({ storage, link, throttle, lanes }, remote, { ...options, signal }));
  }

  setBwlimit(kibPerSecond: number | null): void {
    this.#parts.throttle.set(resolveBwlimit(kibPerSecond ?? 0));
  }

  async close(): Promise<void> {
    this.#ended.abort(new TowlineError('interrupted', 'the session was closed'));
    await Promise.allSettled(this.#underWay);
    await this.#parts.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #until(wish: AbortSignal | undefined): AbortSignal {
    return wish === undefined ? this.#ended.signal : AbortSignal.any([this.#ended.signal, wish]);
  }

  /** Gets in line at once, so that calls have their turns in the order they were made. */
  async #carry(options: FileOptions, prepare: () => Promise<Carried>): Promise<FileCarried> {
    const signal = this.#until(options.signal);
    const begun = Promise.withResolvers<undefined>();
    const carried = this.#parts.lanes.run(0, async () => {
      throwIfAborted(signal);
      begun.resolve(undefined);
      const call = await prepare();
      return this.#measured(call, options, (progress) =>
        carryFile(this.#parts, { ...call, options: { ...options, progress }, signal }),
      );
    });
    const tracked = this.#track(carried);
    // Whoever gives up need not wait for a turn.
    await unlessAborted(Promise.race([begun.promise, tracked]), signal);
    return tracked;
  }

  async #measured(
    { side, source, destination }: Carried,
    options: FileOptions,
    carry: (progress: (bytes: number, size: number) => void) => Promise<FileCarried>,
  ): Promise<FileCarried> {
    const [action, path] =
      side === 'remote' ? (['upload', destination] as const) : (['download', source] as const);
    const { log, progress } = this.#options;
    const tellAll = progress && shielded('progress', progress, log);
    const tellOne = options.progress && shielded('progress', options.progress, log);
    const tell = (step: Progress) => {
      tellOne?.(step.file);
      tellAll?.(step);
    };
    const file = this.#meter.begin(path, action, 0);
    let ok = false;
    try {
      const done = await carry((bytes, size) => tell(file.note(bytes, size)));
      ok = true;
      // What was complete already had no steps.
      file.note(done.size, done.size);
      return done;
    } finally {
      const last = file.end(ok);
      if (ok) tell(last);
      this.#meter.settle();
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
    return tracked;
  }
}

function checkFileCall(local: string, remote: string, options: FileOptions): void {
  checkPath(local);
  checkPath(remote);
  checkCall(options, { atomic: 'boolean', resume: 'boolean', progress: 'function', signal: 'signal' });
}

/** A local path as the storage of the whole machine names it; links on the way are followed, the file itself is no link. */
async function pathFromRoot(local: string): Promise<string> {
  const absolute = resolve(local);
  let folder: string;
  try {
    folder = await realpath(dirname(absolute));
  } catch (error) {
    throw new TowlineError('not-found', `the folder of ${absolute} cannot be reached`, {
      path: absolute,
      hint: 'Make it, or check the permissions of the folders above it',
      cause: error,
    });
  }
  const path = join(folder, basename(absolute));
  return relative(parse(path).root, path).split(sep).join('/');
}
