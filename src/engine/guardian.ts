import {
  type DeletionWindow,
  type Hold,
  type RootState,
  currentWindow,
  extendWindow,
  guard,
} from '../core/guard.js';
import type { Side } from '../core/entry.js';
import { entryAt } from '../transfer/entry-at.js';
import { type Context, deletingSides, type RootIdentity, storageOf } from './context.js';

/** A directory that could not be listed. */
export interface Unlisted {
  readonly side: Side;
  readonly path: string;
}

/**
 * Writes down what was reviewed, as held or not, before anybody reviews again: holds are let go when nothing is held, and
 * what was held a moment later would be held for ever.
 */
type Park = (held: boolean) => Promise<void>;

async function parked(holds: readonly Hold[], park: Park): Promise<readonly Hold[]> {
  await park(holds.length > 0);
  return holds;
}

const windowFact = 'deletions';
/** Which directory the local root was after the last whole scan. */
export const rootFact = 'root';
const knownFact = 'destinationCount';

/**
 * Asks the guard (core/guard.ts) on behalf of whoever wants to delete, remembers what was deleted lately, and tells when
 * the holds in force change.
 */
export class Guardian {
  readonly #context: Context;
  #stateLost: boolean;
  #holds: readonly Hold[] = [];
  #unlisted: readonly Unlisted[] = [];
  #pending = 0;
  /** Deletions that were let go and are not counted in the window yet. */
  #inProgress = 0;
  #turn: Promise<void> = Promise.resolve();
  #allowed = false;

  constructor(context: Context, stateLost: boolean) {
    this.#context = context;
    this.#stateLost = stateLost;
  }

  get holds(): readonly Hold[] {
    return this.#holds;
  }

  /** Directories that could not be listed, as the last whole scan found them. */
  set unlisted(directories: readonly Unlisted[]) {
    this.#unlisted = directories;
  }

  get unlisted(): readonly Unlisted[] {
    return this.#unlisted;
  }

  /**
   * A person said that what is held may go.
   * @throws `network` when the causes could not be looked at: then nothing is allowed
   */
  async allow(): Promise<void> {
    const [wasAllowed, wasLost] = [this.#allowed, this.#stateLost];
    this.#allowed = true;
    this.#stateLost = false;
    try {
      await this.recheck();
    } catch (error) {
      this.#allowed = wasAllowed;
      this.#stateLost = wasLost;
      throw error;
    }
  }

  /** What was allowed has gone: from here on the limits hold again, counted from zero. */
  async endAllowance(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#noteDeletions();
      this.#allowed = false;
      this.#context.deletions.forget();
      await this.#context.state.facts.set(windowFact, null);
    });
  }

  /** The whole of what waits to be deleted, after a full scan. Returns the holds that keep it back. */
  reviewAll(pending: number, park: Park): Promise<readonly Hold[]> {
    return this.#inTurn(async () => parked(await this.#review(pending), park));
  }

  /** More that is to be deleted, beside what is held already. Returns the holds that keep it back. */
  reviewMore(more: number, park: Park): Promise<readonly Hold[]> {
    return this.#inTurn(async () => parked(await this.#review(this.#waiting + more), park));
  }

  /**
   * The same for a batch that deletes at once: what is let go counts from now on, for other batches too, until `done`.
   */
  admit(more: number, park: Park): Promise<readonly Hold[]> {
    return this.#inTurn(async () => {
      const holds = await this.#review(this.#waiting + more);
      if (holds.length === 0) this.#inProgress += more;
      return parked(holds, park);
    });
  }

  /** A batch that was let go has carried out its `admitted` deletions, or has given up. */
  done(admitted: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#noteDeletions();
      this.#inProgress -= admitted;
    });
  }

  /** Looks again at the causes of the holds in force. */
  recheck(): Promise<readonly Hold[]> {
    return this.#inTurn(async () => {
      if (this.#holds.length === 0) return this.#holds;
      // What was held may have come back: rows that are put again are held no more.
      const { held } = await this.#context.state.queue.counts();
      return this.#review(held === 0 ? 0 : this.#pending);
    });
  }

  /** What is held back now. */
  get #waiting(): number {
    return this.#holds.length > 0 ? this.#pending : 0;
  }

  /** One review after the other: two batches must not both take the last of what the limit allows. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** Counts what was deleted (and what came back) since the last call. */
  async #noteDeletions(): Promise<void> {
    const { deletions, clock, state } = this.#context;
    const balance = deletions.takeBalance();
    if (balance === 0) return;
    const window = await state.facts.get<DeletionWindow>(windowFact);
    if (currentWindow(window, clock.now()) === null) deletions.forget();
    await state.facts.set(windowFact, extendWindow(window, balance, await this.#known(), clock.now()));
  }

  /**
   * Whether what both sides agreed on is gone from a side altogether, with its root or in it, and nobody said that this is meant.
   * Never where one side is right: what it lacks is told by the other one.
   */
  async hasLost(side: Side): Promise<boolean> {
    const { settings, state } = this.#context;
    if (this.#allowed || !settings.delete || deletingSides(settings).length < 2) return false;
    if ((await state.base.count()) === 0) return false;
    return (await this.#rootStateOf(side)) !== 'present';
  }

  /** Notes how many paths the destination holds and which directory the root is, after a scan that saw everything. */
  async seen(destinationCount: number): Promise<void> {
    const { facts } = this.#context.state;
    await facts.set(knownFact, destinationCount);
    const root = await this.#context.inspectRoot();
    if (root !== null) await facts.set(rootFact, root);
  }

  /** The roots of the sides whose silence deletes on the other one: the first that is not as it should be. */
  async #rootState(): Promise<RootState> {
    for (const side of deletingSides(this.#context.settings)) {
      const state = await this.#rootStateOf(side);
      if (state !== 'present') return state;
    }
    return 'present';
  }

  #rootStateOf(side: Side): Promise<RootState> {
    return side === 'local' ? this.#localRootState() : this.#remoteRootState();
  }

  async #remoteRootState(): Promise<RootState> {
    const { remote, signal } = this.#context;
    if ((await entryAt(remote, '', signal)) === null) return 'missing';
    return (await this.#isEmpty('remote')) ? 'emptied' : 'present';
  }

  async #localRootState(): Promise<RootState> {
    const now = await this.#context.inspectRoot();
    if (now === null) return 'missing';
    const was = await this.#context.state.facts.get<RootIdentity>(rootFact);
    if (was?.mountPoint === true && !now.mountPoint) return 'unmounted';
    return (await this.#isEmpty('local')) ? 'emptied' : 'present';
  }

  async #isEmpty(side: Side): Promise<boolean> {
    const { filter, signal } = this.#context;
    for await (const batch of storageOf(this.#context, side).scan({
      under: '',
      excludes: filter.excludes,
      signal,
    })) {
      // What an interrupted transfer left is nobody's content.
      if (batch.some(({ type }) => type !== 'temp')) return false;
    }
    return true;
  }

  async #known(): Promise<number> {
    const { base, facts } = this.#context.state;
    return Math.max(await base.count(), (await facts.get<number>(knownFact)) ?? 0);
  }

  async #review(pending: number): Promise<readonly Hold[]> {
    const { state, clock, settings } = this.#context;
    this.#pending = pending;
    if (pending === 0) return this.#change([]);
    const window = currentWindow(await state.facts.get<DeletionWindow>(windowFact), clock.now());
    const holds = guard({
      root: await this.#rootState(),
      pending: pending + this.#inProgress,
      known: await this.#known(),
      window,
      maxDelete: settings.maxDelete,
      // What the destination does not show is not deleted from it: only the source's silence could be misread.
      unlisted: this.#unlisted
        .filter(({ side }) => deletingSides(settings).includes(side))
        .map(({ path }) => path),
      allowed: this.#allowed,
      stateLost: this.#stateLost,
    });
    return this.#change(holds);
  }

  /** Tells of other holds than before; what was held goes when there are none any more. */
  async #change(holds: readonly Hold[]): Promise<readonly Hold[]> {
    const text = (list: readonly Hold[]) =>
      list.map(({ cause, message }) => `${cause} ${message}`).join('\n');
    const changed = text(holds) !== text(this.#holds);
    this.#holds = holds;
    if (holds.length === 0) await this.#context.state.queue.release();
    if (changed) this.#context.emit({ type: 'holds', holds });
    return holds;
  }
}
