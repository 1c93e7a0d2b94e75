import { type Action, type Change, bytesOf, writtenSide } from '../core/action.js';
import { TowlineError } from '../core/errors.js';
import type { ScanItem } from '../core/stream.js';
import { type Undecided, decideByContents } from './contents.js';
import type { Context } from './context.js';
import type { PlannedAction, Problem, SyncResult } from './events.js';
import { Guardian } from './guardian.js';
import { plannedOf } from './planned.js';
import { scanPass } from './scan-pass.js';
import { Tally } from './tally.js';
import { Totals } from './totals.js';

/**
 * Compares both sides and tells what a run would do, in the order of paths (deletions last). Changes nothing on either
 * side and nothing in the base.
 */
export async function dryRun(context: Context, stateLost: boolean): Promise<SyncResult> {
  const totals = new Totals(context.clock);
  const tally = new Tally();
  await context.link.ready(context.stopSignal);
  await context.filter.reset();
  await context.resolutions.load();
  const [root] = await context.remote.observe(['']);
  if (root instanceof TowlineError) throw root;
  // Asked for the sake of asking: what is known of its names is known from then on.
  await context.local.observe(['']);
  const planner = new Planner(context, tally);
  const findings = await scanPass(context, '', tally, {
    work: (work) => planner.plan(work),
    progress: () => undefined,
    // A root that does not exist yet would be made: until then there is nothing in it.
    ...(root === null ? { remote: nothing() } : {}),
  });
  const deletions = findings.deletions.reduce((sum, { count }) => sum + count, 0);
  for (const { path, side, count, unknown } of findings.deletions) {
    const reason = unknown ? 'only on the other side' : 'deleted at the source';
    planner.tell({
      action: side === 'local' ? 'delete-local' : 'delete-remote',
      path,
      bytes: 0,
      reason: count > 1 ? `${reason}, ${String(count)} paths` : reason,
    });
  }
  tally.deleted = deletions;
  const guardian = new Guardian(context, stateLost);
  guardian.unlisted = findings.unlisted;
  const holds = await guardian.reviewAll(deletions, () => Promise.resolve());
  totals.add(tally);
  const problems = [...findings.unlisted, ...findings.unsyncable, ...findings.undecided].map(
    ({ path, error }): Problem => {
      return { path, code: error.code, message: error.message };
    },
  );
  return totals.result([...problems, ...planner.problems], holds);
}

async function* nothing(): AsyncGenerator<ScanItem[], void, undefined> {
  // Yields nothing.
}

class Planner {
  readonly problems: Problem[] = [];
  readonly #context: Context;
  readonly #tally: Tally;

  constructor(context: Context, tally: Tally) {
    this.#context = context;
    this.#tally = tally;
  }

  async plan(work: readonly (Change | Undecided)[]): Promise<void> {
    // Compared all at once, and told in order.
    const decided = work.map(async (item) => (item.type === 'contents' ? this.#contents(item) : item));
    for (const action of await Promise.all(decided)) {
      if ('code' in action) this.problems.push(action);
      else if (action.type === 'none' || action.type === 'adopt') this.#tally.skipped++;
      else this.#change(action);
    }
  }

  tell(action: PlannedAction): void {
    this.#context.emit({ type: 'planned', action });
  }

  async #contents(undecided: Undecided): Promise<Action | Problem> {
    try {
      return await decideByContents(this.#context, undecided);
    } catch (error) {
      if (!(error instanceof TowlineError) || error.code === 'network' || error.code === 'interrupted')
        throw error;
      return { path: undecided.path, code: error.code, message: error.message };
    }
  }

  #change(change: Change): void {
    const bytes = bytesOf(change);
    if (change.type === 'upload' || change.type === 'download') this.#tally.transferred++;
    else if (change.type === 'make-directory') this.#tally.directories++;
    else if (change.type === 'set-metadata') this.#tally.metadata++;
    if (writtenSide(change) === 'remote') this.#tally.bytesSent += bytes;
    else this.#tally.bytesReceived += bytes;
    if (change.type === 'set-aside') this.#tally.conflicts++;
    this.tell(plannedOf(change));
  }
}
