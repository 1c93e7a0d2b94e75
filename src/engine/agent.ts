/** The agent: one sync of everything, and then (in `watch`) every change as it settles, until it is stopped. */
import { TowlineError, asTowlineError, endsAll } from '../core/errors.js';
import type { Settler } from '../core/settle.js';
import type { LinkState } from '../ports.js';
import { Control } from './agent-control.js';
import { Attention } from './attention.js';
import type { Context } from './context.js';
import { problemOf, type SyncResult } from './events.js';
import { Guardian } from './guardian.js';
import type { Hooks, HookWaits } from './hooks.js';
import { Intake } from './intake.js';
import { recheck } from './recheck.js';
import { retryProblems } from './retry-problems.js';
import { makeRoot } from './make-root.js';
import { followsRemote, RemoteFollower } from './remote-follower.js';
import { Runner } from './runner.js';
import { ScanLoop } from './scan-loop.js';
import { Scanner } from './scanner.js';
import type { StatusBoard } from './status-board.js';
import type { AgentControl } from './status.js';
import type { Tally } from './tally.js';
import { Totals } from './totals.js';
import { WatchSet, type WatchSetParts } from './watch-set.js';

/** How often the causes of holds are looked at again. */
const recheckMs = 5_000;
/** A clean stop waits this long for what is in flight, and then this long: a temp that could not be removed is on record. */
const stopMs = 3_500;
const cutMs = 500;
const problemsListed = 1_000;

export interface AgentParts {
  readonly context: Context;
  /** Aborts `context.stopSignal`: nothing new is begun. */
  readonly wind: (reason: TowlineError) => void;
  /** Aborts `context.signal`: work in flight is given up. */
  readonly abort: (reason: TowlineError) => void;
  /** A new watcher, as often as one is needed. */
  readonly newWatcher: WatchSetParts['newWatcher'];
  readonly settler: Settler;
  readonly rescanMs: number;
  /** See `RemoteFollower`. */
  readonly newRemoteWatcher: WatchSetParts['newWatcher'] | null;
  readonly remotePollMs: number;
  readonly board: StatusBoard;
  /** What is to be run after changes. Default: nothing. */
  readonly newHooks?: (waits: HookWaits) => Hooks;
  readonly pid: number;
  /** It goes on for months: what keeps it from working is waited out, where a one-shot run would give up. */
  readonly persistent: boolean;
  /** The state had to be set aside: nobody knows what was deleted. */
  readonly stateLost: boolean;
}

export class Agent {
  /** What can be asked of it while it runs. */
  readonly control: AgentControl;
  readonly #parts: AgentParts;
  readonly #context: Context;
  readonly #guardian: Guardian;
  readonly #attention: Attention;
  readonly #scanner: Scanner;
  readonly #runner: Runner;
  readonly #intake: Intake;
  readonly #totals: Totals;
  readonly #cleanUp: (() => void)[] = [];
  readonly #watchSet: WatchSet;
  readonly #scans: ScanLoop;
  readonly #hooks: Hooks | null;
  readonly #follower: RemoteFollower | null;
  #stopping: Promise<void> | null = null;
  #failure: TowlineError | null = null;
  #begun = false;
  readonly #ended = Promise.withResolvers<void>();
  #cancelRecheck: (() => void) | null = null;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const { context } = parts;
    this.#context = context;
    this.#totals = new Totals(context.clock);
    this.#guardian = new Guardian(context, parts.stateLost);
    this.#attention = new Attention(context, (error) => this.#fail(error));
    this.#scanner = new Scanner(context, this.#guardian, this.#attention);
    this.#runner = new Runner({
      context,
      guardian: this.#guardian,
      attention: this.#attention,
      scanner: this.#scanner,
      onBatch: (tally) => this.#batchEnded(tally),
      onFailure: (error) => this.#fail(asTowlineError(error)),
    });
    this.#scans = new ScanLoop({
      context,
      scanner: this.#scanner,
      persistent: parts.persistent,
      onDone: (tally) => {
        this.#batchEnded(tally);
        this.#runner.kick();
        if (parts.persistent) this.#background(this.#sweepWhenDrained());
      },
    });
    this.#intake = new Intake({
      context,
      settler: parts.settler,
      onRows: () => this.#runner.kick(),
      onRules: () => this.#background(this.#scans.request('rules')),
      onOverflow: () => this.#background(this.#scans.request('overflow')),
    });
    const stages = { runner: this.#runner, scans: this.#scans, intake: this.#intake };
    this.#hooks = parts.newHooks?.(stages) ?? null;
    const follower = {
      context,
      newWatcher: parts.newRemoteWatcher,
      pollMs: parts.remotePollMs,
      onRows: () => this.#runner.kick(),
      onScan: (cause: string) => this.#background(this.#scans.request(cause)),
    };
    this.#follower = followsRemote(context.settings) ? new RemoteFollower(follower) : null;
    this.#watchSet = new WatchSet({
      context,
      newWatcher: parts.newWatcher,
      onEvent: (kind, path) => this.#intake.note(kind, path),
      onGap: () => this.#background(this.#scans.request('watcher')),
    });
    this.control = new Control({
      ...parts,
      ...stages,
      attention: this.#attention,
      guardian: this.#guardian,
      scanner: this.#scanner,
      result: () => this.result(),
    });
    this.#cleanUp.push(context.link.onState((state) => this.#linkChanged(state)));
  }

  /**
   * Syncs everything once.
   * @throws `network` when the link cannot be had (any more), `authentication`, `host-key`, `interrupted`, `state`
   */
  async runOnce(): Promise<SyncResult> {
    try {
      await this.#begin();
      await retryProblems(this.#context, problemsListed);
      await this.#scans.request('start');
      this.#context.stopSignal.throwIfAborted();
      await this.#runner.drained();
      await this.#hooks?.idle();
      this.#context.stopSignal.throwIfAborted();
      await this.#context.temps.sweepAll(this.#context);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      await this.#shutDown();
    }
    if (this.#failure !== null) throw this.#failure;
    return this.result();
  }

  /**
   * Watches and syncs until `stop`.
   * @throws when it halts: `authentication`, `host-key`, `state`
   */
  async watch(): Promise<void> {
    try {
      await this.#watchSet.start();
      await this.#begin();
      await retryProblems(this.#context, problemsListed);
      this.#runner.kick();
      await this.#scans.request('start');
      this.#context.emit({ type: 'watching' });
      this.#follower?.start();
      this.#scans.every(this.#parts.rescanMs, (scan) => this.#background(scan));
      this.#scheduleRecheck();
      await this.#ended.promise;
    } catch (error) {
      if (this.#stopping === null) throw this.#failure ?? error;
    } finally {
      await this.#shutDown();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Ends it: work in flight is finished or parked within five seconds. */
  async stop(): Promise<void> {
    this.#ended.resolve();
    this.#runner.fail(new TowlineError('interrupted', 'stopped'));
    await this.#shutDown();
  }

  /** The numbers up to now. */
  async result(): Promise<SyncResult> {
    const rows = await this.#context.state.queue.problems(problemsListed);
    const failed = rows.map(({ path, problem }) => problemOf(path, problem!));
    return this.#totals.result([...this.#scanner.problems, ...failed], this.#guardian.holds);
  }

  /** The same without asking the queue: problems of single paths are those told in this run. */
  summary(): SyncResult {
    return this.#totals.result(
      [...this.#scanner.problems, ...this.#attention.problems],
      this.#guardian.holds,
    );
  }

  async #begin(): Promise<void> {
    this.#begun = true;
    await makeRoot(this.#context);
    await this.#context.temps.sweepBoth(this.#context);
  }

  #batchEnded(tally: Tally): void {
    this.#totals.add(tally);
    this.#hooks?.note(tally);
  }

  /** What can still be continued after everything was sent is of no use. */
  async #sweepWhenDrained(): Promise<void> {
    await this.#runner.drained();
    await this.#context.temps.sweepAll(this.#context);
  }

  #scheduleRecheck(): void {
    // It may be stopped by whoever hears that it watches, or during a look: nobody would cancel the next one.
    if (this.#stopping !== null) return;
    this.#cancelRecheck = this.#context.clock.timer(recheckMs, () => {
      const parts = { guardian: this.#guardian, scanner: this.#scanner, watchSet: this.#watchSet };
      const looked = recheck({ ...parts, scans: this.#scans, runner: this.#runner });
      this.#background(looked.finally(() => this.#scheduleRecheck()));
    });
  }

  #linkChanged(state: LinkState): void {
    this.#context.emit({ type: 'link', state });
    // A dry run never begins: it leaves the queue, and the temps of whoever works, alone.
    if (state.name === 'ready' && this.#begun) {
      this.#background(this.#context.temps.sweepBoth(this.#context));
      this.#runner.kick();
    } else if (state.name === 'halted') {
      this.#fail(state.error);
    } else if (state.name === 'closed' && this.#stopping === null) {
      this.#runner.fail(new TowlineError('network', 'the connection was closed'));
    }
  }

  #fail(error: TowlineError): void {
    if (this.#stopping !== null || this.#failure !== null) return;
    this.#failure = error;
    this.#parts.wind(error);
    this.#parts.abort(error);
    this.#runner.fail(error);
    this.#ended.resolve();
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      const typed = asTowlineError(error);
      if (this.#stopping !== null || typed.code === 'interrupted') return;
      if (typed.code === 'network') this.#context.log.debug('waits for the link', { error: typed.message });
      else if (this.#passes(typed)) {
        // It was asked for by a timer or an event, which come again.
        this.#context.log.warn('a check could not be made and is made again later', { error: typed.message });
      } else this.#fail(typed);
    });
  }

  /** Whether an agent that goes on for months waits for this to pass. */
  #passes({ code }: TowlineError): boolean {
    return this.#parts.persistent && !endsAll(code) && code !== 'internal';
  }

  #shutDown(): Promise<void> {
    this.#stopping ??= this.#doShutDown();
    return this.#stopping;
  }

  async #doShutDown(): Promise<void> {
    const { clock, ledger, link } = this.#context;
    this.#ended.resolve();
    this.#context.gate.open();
    this.#parts.wind(new TowlineError('interrupted', 'stopped'));
    this.#cancelRecheck?.();
    await Promise.all([this.#watchSet.close(), this.#follower?.close()]);
    let cancelCut: (() => void) | null = null;
    const cancel = clock.timer(stopMs, () => {
      this.#parts.abort(new TowlineError('interrupted', 'stopped'));
      cancelCut = clock.timer(cutMs, () => void link.close());
    });
    try {
      await this.#intake.close();
      await Promise.all([this.#runner.stop(), this.#scans.close(), this.#hooks?.idle()]);
      await ledger.flush();
    } finally {
      cancel();
      (cancelCut as (() => void) | null)?.();
      for (const undo of this.#cleanUp) undo();
    }
  }
}
