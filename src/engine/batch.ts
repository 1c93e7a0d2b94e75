import { type Change, bytesOf, writtenSide } from '../core/action.js';
import type { Side } from '../core/entry.js';
import type { TowlineError } from '../core/errors.js';
import { asTowlineError, hasCode } from '../core/errors.js';
import { ancestorsOf } from '../core/path.js';
import { type Applied, applyChange } from './apply.js';
import type { Holder } from './claims.js';
import { type Undecided, bytesToRead, decideByContents } from './contents.js';
import type { Context } from './context.js';
import { Directories } from './directories.js';
import type { Tally } from './tally.js';

/** Changes accepted before the one who submits has to wait. */
const underWayMax = 2_000;

export type Work = Change | Undecided;

/** How one path ended. */
export type Outcome =
  | { readonly path: string; readonly type: 'done'; readonly dirty: boolean }
  /** Others work on the path: it must be looked at again. */
  | { readonly path: string; readonly type: 'busy' }
  | { readonly path: string; readonly type: 'failed'; readonly error: TowlineError };

/**
 * Carries out changes as they are submitted, in a safe order: directories first, outermost before innermost; then
 * contents and metadata, many at once; at the end the modes and times of the directories that were touched.
 */
export class Batch {
  readonly #context: Context;
  readonly #holder: Holder;
  readonly #tally: Tally;
  readonly #report: (outcome: Outcome) => void;
  readonly #directories: Record<Side, Directories>;
  readonly #underWay = new Set<Promise<void>>();
  /** Directories that could not be made: nothing below them can be done. */
  readonly #failedDirectories = new Map<string, TowlineError>();

  constructor(context: Context, holder: Holder, tally: Tally, report: (outcome: Outcome) => void) {
    this.#context = context;
    this.#holder = holder;
    this.#tally = tally;
    this.#report = report;
    this.#directories = {
      local: new Directories(context, 'local'),
      remote: new Directories(context, 'remote'),
    };
  }

  /**
   * Takes work in the order of paths. Resolves when there is room for more; every path is reported sooner or later.
   * Later calls may rely on the directories of earlier ones.
   */
  async submit(work: readonly Work[]): Promise<void> {
    const mine = work.filter(({ path }) => {
      if (this.#context.claims.claim(path, this.#holder)) return true;
      this.#report({ path, type: 'busy' });
      return false;
    });
    const temps = await this.#reserveTemps(mine);
    for (const level of directoriesByDepth(mine)) {
      await this.#context.lanes.each(level, (change) => this.#perform(change, null));
    }
    for (const item of mine) {
      if (item.type === 'make-directory') continue;
      while (this.#underWay.size >= underWayMax) await Promise.race(this.#underWay);
      const bytes = item.type === 'contents' ? bytesToRead(item) : bytesOf(item);
      const run = this.#context.lanes.run(bytes, () => this.#perform(item, temps.get(item.path) ?? null));
      const tracked: Promise<void> = run.finally(() => this.#underWay.delete(tracked));
      this.#underWay.add(tracked);
    }
  }

  /** Paths taken and not ended yet. */
  get pending(): number {
    return this.#underWay.size;
  }

  /** Resolves when all that was submitted has ended. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Resolves when all that was submitted has ended and the directories are as they should be. */
  async finish(): Promise<void> {
    await this.idle();
    const failed = (path: string, error: TowlineError) => this.#report({ path, type: 'failed', error });
    await this.#directories.remote.finish(failed);
    await this.#directories.local.finish(failed);
    await this.#context.ledger.flush();
  }

  async #reserveTemps(work: readonly Work[]): Promise<Map<string, string>> {
    const temps = new Map<string, string>();
    for (const side of ['remote', 'local'] as const) {
      const type = side === 'remote' ? 'upload' : 'download';
      const paths = work.filter((item) => item.type === type).map(({ path }) => path);
      const names = await this.#context.temps.reserve(side, paths);
      paths.forEach((path, index) => temps.set(path, names[index]!));
    }
    return temps;
  }

  /** Never rejects: the outcome is reported. */
  async #perform(work: Work, temp: string | null): Promise<void> {
    const { path } = work;
    let committed: Promise<void> = Promise.resolve();
    let outcome: Outcome;
    try {
      await this.#context.gate.passed();
      this.#requireGoing(path, temp);
      const done =
        work.type === 'contents' ? await this.#settleContents(work) : await this.#apply(work, temp);
      if (done.pair !== undefined) committed = this.#context.ledger.commit(path, done.pair);
      outcome = { path, type: 'done', dirty: done.dirty };
    } catch (thrown) {
      const error = asTowlineError(thrown);
      if (work.type === 'make-directory') this.#failedDirectories.set(path, error);
      outcome = { path, type: 'failed', error };
    }
    // The place in the lane is free again while the commit gathers others.
    const reported = committed
      .then(
        () => this.#report(outcome),
        (error: unknown) => this.#report({ path, type: 'failed', error: asTowlineError(error) }),
      )
      .finally(() => {
        this.#context.claims.release(path, this.#holder);
        this.#underWay.delete(reported);
      });
    this.#underWay.add(reported);
  }

  /** Nothing is begun any more once we are to stop, or where the directory above could not be made. */
  #requireGoing(path: string, temp: string | null): void {
    const { stopSignal, temps } = this.#context;
    const failed =
      this.#failedDirectories.size === 0
        ? undefined
        : ancestorsOf(path).find((ancestor) => this.#failedDirectories.has(ancestor));
    if (!stopSignal.aborted && failed === undefined) return;
    if (temp !== null) temps.gone(temp);
    stopSignal.throwIfAborted();
    throw this.#failedDirectories.get(failed!)!;
  }

  async #settleContents(undecided: Undecided): Promise<Applied> {
    const idle = { bytes: 0, deleted: 0, kept: [], dirty: false };
    const action = await decideByContents(this.#context, undecided);
    if (action.type === 'none') return { ...idle, pair: undefined };
    if (action.type === 'adopt') {
      const { local, remote } = action;
      return { ...idle, pair: local === null || remote === null ? null : { local, remote, racy: false } };
    }
    const sends = action.type === 'upload' || action.type === 'download';
    const temp = sends ? (await this.#context.temps.reserve(writtenSide(action), [action.path]))[0]! : null;
    return this.#apply(action, temp);
  }

  async #apply(change: Change, temp: string | null): Promise<Applied> {
    const directories = this.#directories[writtenSide(change)];
    let done: Applied;
    try {
      done = await applyChange(this.#context, change, temp);
    } catch (error) {
      if (!hasCode(error, 'permission') || !(await directories.open(change.path))) throw error;
      done = await applyChange(this.#context, change, await this.#freshTemp(change, temp));
    }
    this.#note(change, done, directories);
    return done;
  }

  /** A temp's name is used once: the second try needs another. */
  async #freshTemp(change: Change, used: string | null): Promise<string | null> {
    return used === null ? null : (await this.#context.temps.reserve(writtenSide(change), [change.path]))[0]!;
  }

  #note(change: Change, done: Applied, directories: Directories): void {
    const tally = this.#tally;
    tally.touch(change.path);
    if (change.type !== 'delete-local' && change.type !== 'delete-remote')
      this.#context.deletions.made(change.path);
    tally.bytesSent += done.bytes;
    tally.deleted += done.deleted;
    switch (change.type) {
      case 'upload':
      case 'download':
        tally.transferred++;
        if (change.drift) tally.drifted++;
        directories.changedIn(change.path);
        break;
      case 'make-directory':
        tally.directories++;
        directories.made(change.path);
        directories.changedIn(change.path);
        break;
      case 'set-metadata':
        tally.metadata++;
        break;
      case 'delete-local':
      case 'delete-remote':
        tally.kept += done.kept.length;
        directories.removed(change.path);
        directories.changedIn(change.path);
        for (const path of done.kept) this.#sayKept(path);
        break;
    }
  }

  #sayKept(path: string): void {
    this.#context.emit({
      type: 'notice',
      level: 'info',
      code: 'kept-directory',
      path,
      message: `'${path}' stays on the other side: it holds something that is excluded or cannot be synced`,
    });
  }
}

function directoriesByDepth(work: readonly Work[]): Change[][] {
  const levels: Change[][] = [];
  for (const item of work) {
    if (item.type !== 'make-directory') continue;
    const depth = ancestorsOf(item.path).length;
    (levels[depth] ??= []).push(item);
  }
  return levels.filter((level) => level.length > 0);
}
