import { type Change, bytesOf, isDeletion, writtenSide } from '../core/action.js';
import type { Side } from '../core/entry.js';
import { type TowlineError, asTowlineError, hasCode } from '../core/errors.js';
import { ancestorsOf } from '../core/path.js';
import { applyChange } from './apply.js';
import { type Applied, isSettled, nothing, pairAfter, type Settled } from './applied.js';
import { BatchNotes } from './batch-notes.js';
import type { Holder } from './claims.js';
import { type Undecided, decideByContents } from './contents.js';
import type { Context } from './context.js';
import { decideAnew } from './decide-anew.js';
import { Directories } from './directories.js';
import { type Moved, tryMove } from './moves.js';
import { MovesAcross } from './moves-across.js';
import { planPartOf } from './planned.js';
import { Renames } from './renames.js';
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
  readonly #notes: BatchNotes;
  readonly #report: (outcome: Outcome) => void;
  readonly #directories: Record<Side, Directories>;
  readonly #underWay = new Set<Promise<void>>();
  #next: PromiseWithResolvers<undefined> | null = null;
  /** Directories that could not be made: nothing below them can be done. */
  readonly #failedDirectories = new Map<string, TowlineError>();
  readonly #across: MovesAcross;
  readonly #renames = new Renames();

  constructor(context: Context, holder: Holder, tally: Tally, report: (outcome: Outcome) => void) {
    this.#context = context;
    this.#holder = holder;
    this.#report = report;
    this.#directories = {
      local: new Directories(context, 'local'),
      remote: new Directories(context, 'remote'),
    };
    this.#notes = new BatchNotes(context, tally, this.#directories);
    this.#across = new MovesAcross(context, holder);
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
    this.#tell(mine);
    this.#across.expect(mine);
    const temps = await this.#reserveTemps(mine);
    for (const level of directoriesByDepth(mine)) {
      await this.#context.lanes.each(level, (change) => this.#perform(change, null));
    }
    for (const item of mine) {
      if (item.type === 'make-directory') continue;
      while (this.#underWay.size >= underWayMax) await this.#oneEnds();
      const run =
        item.type === 'contents'
          ? this.#compare(item)
          : this.#context.lanes.run(bytesOf(item), () => this.#perform(item, temps.get(item.path) ?? null));
      const tracked: Promise<void> = run.finally(() => this.#ended(tracked));
      this.#underWay.add(tracked);
    }
  }

  /** What it renamed instead of carrying it over. */
  get renames(): Renames {
    return this.#renames;
  }

  /** One promise for all who wait: to race thousands of them for each path would cost more than the paths. */
  #oneEnds(): Promise<undefined> {
    this.#next ??= Promise.withResolvers<undefined>();
    return this.#next.promise;
  }

  #ended(run: Promise<void>): void {
    this.#underWay.delete(run);
    this.#next?.resolve(undefined);
    this.#next = null;
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

  /** What is not decided yet is told when it is. */
  #tell(work: readonly (Work | Settled)[]): void {
    const part = planPartOf(work);
    if (part.actions.length > 0) this.#context.emit({ type: 'plan', ...part });
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

  /** Outside of the lanes, so that many contents are hashed in one go. Never rejects: the outcome is reported. */
  async #compare(work: Undecided): Promise<void> {
    const { path } = work;
    let decided: Change | Settled;
    try {
      await this.#context.gate.passed();
      this.#requireGoing(path, null);
      const now = await this.#current(work);
      decided = now.type === 'contents' ? await decideByContents(this.#context, now) : now;
      this.#tell([decided]);
    } catch (error) {
      this.#settle({ path, type: 'failed', error: asTowlineError(error) }, Promise.resolve());
      return;
    }
    const bytes = isSettled(decided) ? 0 : bytesOf(decided);
    await this.#context.lanes.run(bytes, () => this.#perform(decided, null));
  }

  /** Never rejects: the outcome is reported. */
  async #perform(work: Work | Settled, temp: string | null): Promise<void> {
    const { path } = work;
    let committed: Promise<void> = Promise.resolve();
    let outcome: Outcome;
    try {
      await this.#context.gate.passed();
      this.#requireGoing(path, temp);
      const done = await this.#do(await this.#unused(temp, this.#current(work)), temp);
      if (done.again.length > 0) await this.#lookAgain(done.again);
      await this.#context.resolutions.settled(path);
      if (done.pair !== undefined) committed = this.#context.ledger.commit(path, done.pair);
      outcome = { path, type: 'done', dirty: done.dirty };
    } catch (thrown) {
      const error = asTowlineError(thrown);
      if (work.type === 'make-directory') this.#failedDirectories.set(path, error);
      outcome = { path, type: 'failed', error };
    }
    this.#settle(outcome, committed);
  }

  /** The place in the lane is free again while the commit gathers others. */
  #settle(outcome: Outcome, committed: Promise<void>): void {
    const { path } = outcome;
    const reported = committed
      .then(
        () => this.#report(outcome),
        (error: unknown) => this.#report({ path, type: 'failed', error: asTowlineError(error) }),
      )
      .finally(() => {
        this.#context.claims.release(path, this.#holder);
        this.#ended(reported);
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

  /** Of what was renamed meanwhile nothing is as it was listed: not below its new name, and not under the old one. */
  async #current(work: Work | Settled): Promise<Work | Settled> {
    if (!this.#renames.outdated(work.path)) return work;
    return decideAnew(this.#context, work.path);
  }

  async #do(work: Work | Settled, temp: string | null): Promise<Applied> {
    switch (work.type) {
      case 'contents': {
        const decided = await this.#unused(temp, decideByContents(this.#context, work));
        this.#tell([decided]);
        return this.#do(decided, temp);
      }
      case 'none':
      case 'adopt':
        if (temp !== null) this.#context.temps.gone(temp);
        this.#notes.settled(work);
        return { ...nothing, pair: pairAfter(work, this.#context.clock.now()) };
      default:
        return this.#change(work, temp);
    }
  }

  async #change(change: Change, given: string | null): Promise<Applied> {
    if (isDeletion(change) && this.#renames.tookAway(change.path)) return nothing;
    const moved = await this.#unused(given, this.#tryMove(change));
    if (moved !== null) {
      if (given !== null) this.#context.temps.gone(given);
      this.#renames.add(moved);
      this.#notes.moved(moved);
      return { ...nothing, again: moved.again };
    }
    const carries = change.type === 'upload' || change.type === 'download';
    if (!carries && given !== null) this.#context.temps.gone(given);
    const temp = carries ? (given ?? (await this.#freshTemp(change))) : null;
    return this.#apply(change, temp);
  }

  async #tryMove(change: Change): Promise<Moved | null> {
    return (await tryMove(this.#context, change, this.#holder)) ?? this.#across.try(change);
  }

  /** A step before the temp is used: when it fails, nobody will use it. */
  async #unused<T>(temp: string | null, step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      if (temp !== null) this.#context.temps.gone(temp);
      throw error;
    }
  }

  /** Paths that an action left to be decided anew. */
  async #lookAgain(paths: readonly string[]): Promise<void> {
    const sinceMs = this.#context.clock.now();
    await this.#context.state.queue.put(paths.map((path) => ({ path, cause: 'retry', sinceMs })));
  }

  async #apply(change: Change, temp: string | null): Promise<Applied> {
    const directories = this.#directories[writtenSide(change)];
    let done: Applied;
    try {
      done = await applyChange(this.#context, change, temp);
    } catch (error) {
      if (!hasCode(error, 'permission') || !(await directories.open(change.path))) throw error;
      done = await applyChange(this.#context, change, temp === null ? null : await this.#freshTemp(change));
    }
    this.#notes.done(change, done);
    if (done.aside === undefined) return done;
    const aside = await this.#apply(done.aside, null);
    return { ...aside, again: [...aside.again, ...done.again] };
  }

  /** A temp's name is used once: a second try needs another. */
  async #freshTemp(change: Change): Promise<string> {
    return (await this.#context.temps.reserve(writtenSide(change), [change.path]))[0]!;
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
