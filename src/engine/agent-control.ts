import { pause as pauseFor, whenAborted } from '../core/abort.js';
import type { Resolution } from '../core/policy.js';
import type { LinkState } from '../ports.js';
import { requireConflict } from './resolutions.js';
import type { Attention } from './attention.js';
import type { Context } from './context.js';
import type { Guardian } from './guardian.js';
import type { Intake } from './intake.js';
import type { Runner } from './runner.js';
import type { Scanner } from './scanner.js';
import type { ScanLoop } from './scan-loop.js';
import type { StatusBoard } from './status-board.js';
import type { AgentControl, AgentState, AgentStatus } from './status.js';
import type { SyncResult } from './events.js';

/** The watcher tells of a change within milliseconds; a flush waits this long for silence. */
const quietMs = 100;
const quietRoundsMax = 50;
/** The fact that a damaged state was set aside (see the state adapter). */
const stateLostFact = 'setAside';

export interface ControlParts {
  readonly context: Context;
  readonly attention: Attention;
  readonly guardian: Guardian;
  readonly intake: Intake;
  readonly runner: Runner;
  readonly scanner: Pick<Scanner, 'acceptFilter'>;
  readonly scans: ScanLoop;
  readonly board: StatusBoard;
  readonly pid: number;
  readonly result: () => Promise<SyncResult>;
}

/** What can be asked of a running agent. */
export class Control implements AgentControl {
  readonly #parts: ControlParts;
  readonly #listeners = new Set<Parameters<AgentControl['onState']>[0]>();
  #last: { readonly state: AgentState; readonly link: LinkState } | null = null;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    const changed = () => this.#changed();
    parts.context.link.onState(changed);
    whenAborted(parts.context.stopSignal, changed);
    parts.scans.whenChanged(changed);
    parts.board.whenWatching(changed);
  }

  onState(listener: Parameters<AgentControl['onState']>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async status(): Promise<AgentStatus> {
    const { context, guardian, intake, board, pid, result } = this.#parts;
    const { link, state, clock } = context;
    const counts = await state.queue.counts();
    const totals = await result();
    const { name } = link.state;
    return {
      pid,
      local: context.local.label,
      remote: context.remote.label,
      mode: context.settings.mode,
      state: this.state,
      startedMs: board.startedMs,
      link: {
        state: name,
        epoch: link.state.name === 'ready' ? link.state.epoch : null,
        error: 'error' in link.state ? link.state.error.message : null,
      },
      lagMs: counts.oldestMs === null ? 0 : Math.max(0, clock.now() - counts.oldestMs),
      queue: {
        total: counts.total,
        held: counts.held,
        problems: counts.problems,
        settling: intake.pending,
        inFlight: context.claims.size,
      },
      transfers: board.transfers,
      problems: totals.problems,
      holds: guardian.holds,
      lastScan: board.lastScan,
      bwlimit: context.throttle.kibPerSecond,
      totals,
    };
  }

  pause(): void {
    this.#parts.context.gate.close();
    this.#parts.runner.pause();
    this.#changed();
  }

  async resume({ allowDeletes = false }: { readonly allowDeletes?: boolean } = {}): Promise<void> {
    const { context, guardian, runner, scanner, scans } = this.#parts;
    context.gate.open();
    this.#changed();
    runner.resume();
    if (!allowDeletes) return;
    await guardian.allow();
    await context.state.facts.set(stateLostFact, null);
    runner.kick();
    // What was kept for rules of before is nowhere on record: it is found again.
    const found = (await scanner.acceptFilter()) ? scans.request('asked for') : Promise.resolve();
    void Promise.all([found, runner.drained()]).then(
      () => guardian.endAllowance(),
      () => undefined,
    );
  }

  async flush(): Promise<void> {
    const { context, intake, runner, scans } = this.#parts;
    for (let round = 0; round < quietRoundsMax; round++) {
      const before = intake.noted;
      await pauseFor(context.clock, quietMs, context.stopSignal);
      if (intake.noted === before || context.stopSignal.aborted) break;
    }
    if (scans.active) await scans.idle();
    await intake.flush();
    await runner.drained();
  }

  rescan(): Promise<void> {
    return this.#parts.scans.request('asked for').then(() => this.#parts.runner.drained());
  }

  async resolve(path: string, keep: Resolution): Promise<void> {
    const { context, runner, attention } = this.#parts;
    const { queue } = context.state;
    // Who is told of one may decide it at once: ahead of its row.
    if (!attention.waits(path)) await requireConflict(queue, path);
    await context.resolutions.decide(path, keep);
    await queue.put([{ path, cause: 'retry', sinceMs: context.clock.now() }]);
    await runner.drained();
  }

  limit(kibPerSecond: number | null): void {
    this.#parts.context.throttle.set(kibPerSecond);
  }

  get state(): AgentState {
    const { context, board, scans } = this.#parts;
    if (context.stopSignal.aborted) return 'stopped';
    if (!context.gate.isOpen) return 'paused';
    const { name } = context.link.state;
    if (name === 'halted') return 'halted';
    if (name !== 'ready') return board.watching ? 'waiting' : 'starting';
    if (scans.active) return 'scanning';
    if (board.watching) return 'watching';
    // The first scan is over a moment before that is told; a one-shot run is still carrying what its scan found.
    return board.lastScan === null ? 'starting' : 'scanning';
  }

  #changed(): void {
    const { state } = this;
    const { state: link } = this.#parts.context.link;
    if (this.#last?.state === state && this.#last.link === link) return;
    this.#last = { state, link };
    for (const listener of [...this.#listeners]) listener(state, link);
  }
}
