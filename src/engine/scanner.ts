import type { Side } from '../core/entry.js';
import { asTowlineError, hasCode } from '../core/errors.js';
import { nameOf } from '../core/path.js';
import { tempAgentOf } from '../core/tempname.js';
import type { QueuePut } from '../ports-state.js';
import type { Attention } from './attention.js';
import { Batch, type Outcome, type Work } from './batch.js';
import type { Holder } from './claims.js';
import { type Context, deletingSides, storageOf } from './context.js';
import { type Problem, problemOf } from './events.js';
import { filterChanged, recordFilter, withoutUnknown } from './filter-change.js';
import { goes } from './found-deletions.js';
import type { Guardian } from './guardian.js';
import { withoutLostRoots } from './lost-roots.js';
import { observe } from './observe.js';
import { recordPolicies } from './policies.js';
import { withoutRenamed } from './renames.js';
import { type ScanFindings, scanPass } from './scan-pass.js';
import type { Tally } from './tally.js';

/** Temps of agents we know nothing of are removed when they are older than this by the server's clock. */
const foreignTempMs = 7 * 24 * 60 * 60_000;
/** The mode rule under which the base's modes were made. */
export const modeRuleFact = 'modeRule';
/** The mode the base was made in. */
export const modeFact = 'mode';
const progressMs = 250;

/** Compares whole sides (or what is below one directory), carries out what differs, and parks deletions. */
export class Scanner {
  readonly #context: Context;
  readonly #guardian: Guardian;
  readonly #attention: Attention;
  #problems: readonly Problem[] = [];
  /** The rules are other ones than those on record: what only the other side has may have been excluded under those. */
  #filterChanged = false;

  constructor(context: Context, guardian: Guardian, attention: Attention) {
    this.#context = context;
    this.#guardian = guardian;
    this.#attention = attention;
  }

  /** What the last full scan could not list or cannot carry over. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /**
   * Scans everything.
   * @param tally counts what is done, also where the scan fails in the end
   * @throws `network` when the link went meanwhile: what was left is found by the next scan
   */
  async scanAll(cause: string, tally: Tally): Promise<void> {
    const { emit, clock, filter, state, settings } = this.#context;
    const startedMs = clock.now();
    emit({ type: 'scan-start', cause });
    await filter.reset();
    await recordPolicies(this.#context);
    await this.#prepare();
    const findings = await this.#scan('', {}, tally);
    this.#report(findings, tally);
    await this.#noteFilter();
    await this.#park(findings, tally, true);
    if (findings.unlisted.length === 0) await this.#guardian.seen(this.#heldBy(findings));
    if (findings.unlisted.length === 0 && tally.failed === 0) {
      await state.facts.set(modeRuleFact, settings.modeRuleText);
      this.#context.modeTrust.trusted = true;
    }
    if (findings.unlisted.length === 0 && this.#context.otherMode.was) {
      this.#context.otherMode.was = false;
      await state.facts.set(modeFact, settings.mode);
    }
    await this.#removeForeignTemps(findings);
    const durationMs = clock.now() - startedMs;
    emit({ type: 'scan-end', entries: findings.local + findings.remote, durationMs });
    emit({ type: 'batch', summary: tally.summary('scan', durationMs) });
  }

  /** Scans below one directory, on behalf of the holder of its claim. */
  async scanBelow(path: string, holder: Holder, tally: Tally): Promise<void> {
    const findings = await this.#scan(path, holder, tally);
    const first = findings.unlisted[0] ?? findings.unsyncable[0];
    if (findings.unlisted.length === 0) await this.#park(findings, tally, false);
    if (first !== undefined) throw first.error;
  }

  /** Whether the directories that could not be listed can be now. */
  async canListAgain(): Promise<boolean> {
    const { local, remote, filter, signal } = this.#context;
    for (const { path: under } of this.#guardian.unlisted) {
      const [failure] = [...(await observe(this.#context, [under])).failures.values()];
      if (failure?.code === 'unmounted') return false;
      for (const storage of [local, remote]) {
        try {
          for await (const batch of storage.scan({ under, excludes: filter.excludes, signal })) {
            if (batch.some((item) => item.type === 'failure')) return false;
            break;
          }
        } catch (error) {
          if (hasCode(error, 'not-found')) continue;
          return false;
        }
      }
    }
    return true;
  }

  async #scan(under: string, holder: Holder, tally: Tally): Promise<ScanFindings> {
    const rows: QueuePut[] = [];
    const batch = new Batch(this.#context, holder, tally, (outcome) => this.#note(outcome, rows, tally));
    const { emit, clock, state } = this.#context;
    let toldMs = clock.now();
    const putRows = async () => {
      if (rows.length > 0) await state.queue.put(rows.splice(0));
    };
    try {
      const findings = await scanPass(this.#context, under, tally, {
        work: async (found, seen) => {
          const isThere = (side: Side) => seen[side] > 0;
          const { work, refused } = await withoutLostRoots(this.#context, this.#guardian, found, isThere);
          for (const { path, error } of refused) this.#note({ path, type: 'failed', error }, rows, tally);
          if (under === '') emit({ type: 'scan-found', files: filesIn(work) });
          await batch.submit(work);
          await putRows();
        },
        progress: (entries) => {
          if (clock.now() - toldMs < progressMs) return;
          toldMs = clock.now();
          emit({ type: 'scan-progress', entries, pending: batch.pending });
        },
      });
      if (under === '') emit({ type: 'scan-listed', entries: findings.local + findings.remote });
      await batch.idle();
      const deletions = withoutRenamed(findings.deletions, batch.renames);
      this.#context.staying.found(findings.staying, under === '');
      this.#context.staying.tell(deletions, emit);
      return { ...findings, deletions: deletions.filter(goes) };
    } finally {
      await batch.finish();
      await putRows();
    }
  }

  #note(outcome: Outcome, rows: QueuePut[], tally: Tally): void {
    if (outcome.type === 'done') {
      if (outcome.dirty) rows.push(this.#attention.rowAgain(outcome.path, true));
    } else if (outcome.type === 'busy') {
      rows.push(this.#attention.rowAgain(outcome.path, false));
    } else {
      const row = this.#attention.rowAfterFailure(outcome.path, outcome.error);
      if (row.problem !== undefined) tally.failed++;
      rows.push(row);
    }
  }

  /** Deletions become rows of the queue: held, or due and looked at once more right before they are carried out. */
  async #park(findings: ScanFindings, tally: Tally, everything: boolean): Promise<void> {
    const { state, clock } = this.#context;
    const deletions = this.#filterChanged
      ? withoutUnknown(findings.deletions, tally, this.#context.emit)
      : findings.deletions;
    const nothingKept = deletions.length === findings.deletions.length && findings.unlisted.length === 0;
    if (everything && nothingKept) await this.acceptFilter();
    const count = deletions.reduce((sum, deletion) => sum + deletion.count, 0);
    const sinceMs = clock.now();
    const park = async (held: boolean) => {
      if (held) tally.held += count;
      await state.queue.put(deletions.map(({ path }) => ({ path, cause: 'deletion', sinceMs, held })));
    };
    await (everything ? this.#guardian.reviewAll(count, park) : this.#guardian.reviewMore(count, park));
    await state.queue.put(findings.surviving.map((path) => ({ path, cause: 'scan', sinceMs })));
    const undecided = findings.undecided.map(({ path, error }) =>
      this.#attention.rowAfterFailure(path, error),
    );
    await state.queue.put(undecided);
  }

  /** What the decisions of this scan depend on beside the entries. */
  async #prepare(): Promise<void> {
    const { resolutions, remoteAhead, remote, settings } = this.#context;
    await resolutions.load();
    const compares =
      settings.mode === 'push-backup' || (settings.mode === 'two-way' && settings.conflict === 'newest');
    if (compares) remoteAhead.ms = await remote.clockOffsetMs();
  }

  /** How many paths there are where deletions may happen: the larger side where that is both. */
  #heldBy({ local, remote }: ScanFindings): number {
    const sides = deletingSides(this.#context.settings);
    if (sides.length === 1) return sides[0] === 'local' ? remote : local;
    return Math.max(local, remote);
  }

  async #noteFilter(): Promise<void> {
    this.#filterChanged = await filterChanged(this.#context);
    this.#context.filter.mayHaveChanged = this.#filterChanged;
  }

  /**
   * From here on the rules as they are count: nothing is kept for those before.
   * @returns whether something may have been
   */
  async acceptFilter(): Promise<boolean> {
    const changed = this.#filterChanged;
    await recordFilter(this.#context);
    this.#filterChanged = false;
    this.#context.filter.mayHaveChanged = false;
    return changed;
  }

  #report(findings: ScanFindings, tally: Tally): void {
    const failures = [...findings.unlisted, ...findings.unsyncable];
    this.#guardian.unlisted = findings.unlisted;
    const problems = failures.map(({ path, error }) => problemOf(path, error));
    const known = new Set(this.#problems.map(({ path, message }) => `${path}\0${message}`));
    for (const problem of problems) {
      tally.failed++;
      if (!known.has(`${problem.path}\0${problem.message}`)) this.#context.emit({ type: 'problem', problem });
    }
    const still = new Set(problems.map(({ path }) => path));
    for (const { path } of this.#problems) if (!still.has(path)) this.#context.emit({ type: 'solved', path });
    this.#problems = problems;
  }

  /** Leftovers of other agents go when they are old; our own that nobody uses, at once. */
  async #removeForeignTemps({ temps }: ScanFindings): Promise<void> {
    if (temps.length === 0) return;
    const { clock, log, agentId } = this.#context;
    try {
      for (const side of ['local', 'remote'] as const) {
        const storage = storageOf(this.#context, side);
        const here = temps.filter((temp) => temp.side === side);
        if (here.length === 0) continue;
        const sideNow = clock.now() + (await storage.clockOffsetMs());
        const old = here.filter(
          ({ path, mtimeMs }) => tempAgentOf(nameOf(path)) === agentId || sideNow - mtimeMs > foreignTempMs,
        );
        if (old.length > 0) await storage.removeTemps(old.map(({ path }) => path));
      }
    } catch (error) {
      // They are in nobody's way: the next scan finds them again.
      log.debug('temps left by others could not be removed', { error: asTowlineError(error).message });
    }
  }
}

/** What will be sent, as far as it is decided. */
function filesIn(work: readonly Work[]): { path: string; size: number }[] {
  return work.flatMap((item) =>
    (item.type === 'upload' || item.type === 'download') && item.source.kind === 'file'
      ? [{ path: item.path, size: item.source.size }]
      : [],
  );
}
