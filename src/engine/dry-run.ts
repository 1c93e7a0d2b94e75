import {
  type Action,
  type Change,
  bytesOf,
  errorOf,
  isDeletion,
  isUnresolved,
  overwritesChange,
  writtenSide,
} from '../core/action.js';
import { hasCode, TowlineError } from '../core/errors.js';
import { decide } from '../core/mode.js';
import { ancestorsOf, isBelow } from '../core/path.js';
import type { ScanItem } from '../core/stream.js';
import { entryAt } from '../transfer/entry-at.js';
import { isSettled } from './applied.js';
import type { Holder } from './claims.js';
import { type Undecided, decideByContents } from './contents.js';
import { type Context, trusted } from './context.js';
import { decideNow } from './decide-anew.js';
import { type PlannedAction, type Problem, problemOf, type SyncResult } from './events.js';
import { filterChanged, withoutUnknown } from './filter-change.js';
import { Guardian } from './guardian.js';
import { type Deletion, goes } from './found-deletions.js';
import { type Sorted, withoutLostRoots } from './lost-roots.js';
import { type Moved, tryMove } from './moves.js';
import { MovesAcross } from './moves-across.js';
import { observe } from './observe.js';
import { plannedOf } from './planned.js';
import { Renames, withoutRenamed } from './renames.js';
import { type ScanFindings, scanPass } from './scan-pass.js';
import { requireRoom } from './set-aside.js';
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
  const root = await entryAt(context.remote, '');
  // Asked for the sake of asking: what is known of its names is known from then on.
  await context.local.observe(['']);
  const planner = new Planner(context, tally);
  const guardian = new Guardian(context, stateLost);
  const findings = await scanPass(context, '', tally, {
    work: async (found, seen) => {
      const { work, refused } = await withoutLostRoots(context, guardian, found, (side) => seen[side] > 0);
      planner.refuse(refused);
      await planner.plan(work);
    },
    progress: () => undefined,
    // A root that does not exist yet would be made: until then there is nothing in it.
    ...(root === null ? { remote: nothing() } : {}),
  });
  await planner.again();
  const found = await planner.surviving(planner.afterRenames(findings));
  const going = (await filterChanged(context)) ? withoutUnknown(found, tally, context.emit) : found;
  const deletions = going.reduce((sum, { count }) => sum + count, 0);
  context.staying.tell(findings.deletions, context.emit);
  for (const { path, side, count, unknown, stays, replacement, kept } of going) {
    const reason = stays
      ? 'what both sides agreed on in it'
      : unknown
        ? 'only on the other side'
        : replacement === null
          ? 'deleted at the source'
          : 'replaced at the source';
    planner.tell({
      action: side === 'local' ? 'delete-local' : 'delete-remote',
      path,
      bytes: 0,
      reason:
        kept.length > 0
          ? `${reason}, ${formatPaths(count)} in it`
          : count > 1 || stays
            ? `${reason}, ${formatPaths(count)}`
            : reason,
    });
    if (replacement !== null && !stays) await planner.plan([replacement]);
  }
  tally.deleted = deletions;
  guardian.unlisted = findings.unlisted;
  const holds = await guardian.reviewAll(deletions, () => Promise.resolve());
  totals.add(tally);
  const problems = [...findings.unlisted, ...findings.unsyncable, ...findings.undecided].map(
    ({ path, error }) => problemOf(path, error),
  );
  return totals.result([...problems, ...planner.problems], holds);
}

/** A deletion; `stays`: the directory itself lives on for what is new in it. */
interface Going extends Deletion {
  readonly stays: boolean;
}

/** What becomes of a path. */
type End = Action | Moved | Problem;

const formatPaths = (count: number) => (count === 1 ? '1 path' : `${String(count)} paths`);

async function* nothing(): AsyncGenerator<ScanItem[], void, undefined> {
  // Yields nothing.
}

class Planner {
  readonly problems: Problem[] = [];
  readonly #context: Context;
  readonly #tally: Tally;
  readonly #holder: Holder = {};
  readonly #across: MovesAcross;
  readonly #renames = new Renames();
  /** What renames leave to be looked at, and what was looked at since. */
  readonly #again: string[] = [];
  readonly #seen = new Set<string>();
  /** What is to go below a renamed directory. */
  readonly #deletions: Deletion[] = [];

  constructor(context: Context, tally: Tally) {
    this.#context = context;
    this.#tally = tally;
    this.#across = new MovesAcross(context, this.#holder);
  }

  /** As a batch would do it: directories first, then all at once; and told in order. */
  async plan(work: readonly (Change | Undecided)[]): Promise<void> {
    this.#across.expect(work);
    const directories = new Map<Change | Undecided, End>();
    for (const item of work)
      if (item.type === 'make-directory') directories.set(item, await this.#end(item.path, item));
    const ends = work.map(async (item) => directories.get(item) ?? (await this.#end(item.path, item)));
    for (const end of await Promise.all(ends)) await this.#take(end);
  }

  /** What renames left to be looked at. */
  async again(): Promise<void> {
    for (const path of this.#again) if (!this.#seen.has(path)) await this.#take(await this.#end(path, null));
  }

  /** What was renamed does not go, but what was found to go then does. */
  afterRenames(findings: ScanFindings): ScanFindings {
    return {
      ...findings,
      deletions: [...withoutRenamed(findings.deletions, this.#renames), ...this.#deletions],
      surviving: findings.surviving.filter((path) => !this.#renames.tookAway(path)),
    };
  }

  /** @param listed what is to be done, as far as the listing is right about it; `null`: that is to be found out */
  async #end(path: string, listed: Change | Undecided | null): Promise<End> {
    const holds = listed !== null && !this.#renames.outdated(path);
    if (!holds) this.#seen.add(path);
    try {
      const now = holds ? listed : await decideNow(this.#context, path);
      const action = now.type === 'contents' ? await decideByContents(this.#context, now) : now;
      if (isSettled(action) || isDeletion(action)) return action;
      const moved = (await tryMove(this.#context, action, this.#holder)) ?? (await this.#across.try(action));
      if (moved !== null) this.#renames.add(moved);
      return moved ?? action;
    } catch (error) {
      if (!(error instanceof TowlineError) || error.code === 'network' || error.code === 'interrupted')
        throw error;
      return problemOf(path, error);
    }
  }

  refuse(refused: Sorted['refused']): void {
    for (const { path, error } of refused)
      this.problems.push({ path, code: error.code, message: error.message });
  }

  async #take(end: End): Promise<void> {
    if ('code' in end) this.problems.push(end);
    else if ('from' in end) this.#moved(end);
    else if (isSettled(end)) this.#tally.skipped++;
    else if (isDeletion(end)) this.#delete(end);
    else await this.#change(end);
  }

  #moved(moved: Moved): void {
    const { from, to: path, side, again } = moved;
    this.#tally.moved++;
    this.#again.push(...again);
    this.tell({
      action: 'move',
      path,
      from,
      bytes: 0,
      reason: `renamed ${side === 'remote' ? 'here' : 'there'}`,
    });
  }

  #delete(change: Change): void {
    const agreed = { unknown: false, holdsUnknown: false, replacement: null, kept: [], keeper: null };
    this.#deletions.push({ path: change.path, side: writtenSide(change), count: 1, ...agreed });
  }

  tell(action: PlannedAction): void {
    this.#context.emit({ type: 'planned', action });
  }

  /**
   * Tells what becomes of what lives on in directories that are to go, and of these.
   * @returns the deletions without what stays for it
   */
  async surviving({ deletions, surviving }: ScanFindings): Promise<Going[]> {
    const staying = new Map<string, Set<string>>(deletions.map(({ path }) => [path, new Set()]));
    for (const path of surviving) {
      const above = ancestorsOf(path);
      const top = above.find((directory) => staying.has(directory));
      if (top !== undefined)
        for (const directory of above)
          if (directory === top || isBelow(directory, top)) staying.get(top)!.add(directory);
      await this.#survivor(path, top !== undefined);
    }
    const left: Going[] = [];
    for (const deletion of deletions) {
      const directories = [...staying.get(deletion.path)!];
      if (directories.length > 0) await this.#stays(deletion.path, directories);
      const count = deletion.count - directories.filter((one) => !deletion.kept.includes(one)).length;
      if (goes({ ...deletion, count })) left.push({ ...deletion, count, stays: directories.length > 0 });
    }
    return left;
  }

  /** As if the sides had never agreed on it, below a directory that one of them lost. */
  async #survivor(path: string, anew: boolean): Promise<void> {
    const { triples, failures } = await observe(this.#context, [path]);
    const seen = triples.get(path);
    const failure = failures.get(path);
    if (failure !== undefined) this.problems.push(problemOf(path, failure));
    if (seen === undefined) return;
    const triple = anew ? { ...seen, base: null } : trusted(this.#context, seen);
    const verdict = decide(triple, this.#context.policy());
    if (isUnresolved(verdict)) this.problems.push(problemOf(path, errorOf(verdict)));
    else if (verdict.type === 'contents') await this.plan([{ ...verdict, triple }]);
    else if (verdict.type === 'none' || verdict.type === 'adopt') this.#tally.skipped++;
    else await this.plan([verdict]);
  }

  /** Directories that stay for what is new in them; what took the place of the outermost gets another name. */
  async #stays(top: string, directories: readonly string[]): Promise<void> {
    const triple = (await observe(this.#context, [top])).triples.get(top);
    if (triple !== undefined && triple.local !== null && triple.remote !== null) {
      const reason = 'changed on both sides: what is new in the directory keeps the name';
      this.tell({ action: 'conflict', path: top, bytes: 0, reason });
      this.#tally.conflicts++;
    }
    for (const path of directories) {
      this.tell({ action: 'make-directory', path, bytes: 0, reason: 'it holds something new' });
      this.#tally.directories++;
    }
  }

  async #change(change: Change): Promise<void> {
    if (change.type === 'set-aside' && !(await this.#hasRoom(change))) return;
    const bytes = bytesOf(change);
    if (change.type === 'upload' || change.type === 'download') this.#tally.transferred++;
    else if (change.type === 'make-directory') this.#tally.directories++;
    else if (change.type === 'set-metadata') this.#tally.metadata++;
    if (writtenSide(change) === 'remote') this.#tally.bytesSent += bytes;
    else this.#tally.bytesReceived += bytes;
    if (change.type === 'set-aside' || overwritesChange(change)) this.#tally.conflicts++;
    this.tell(plannedOf(change));
  }
  /** Whether one more copy may be kept beside a path; what a run would say where it may not. */
  async #hasRoom({ side, path }: Extract<Change, { type: 'set-aside' }>): Promise<boolean> {
    try {
      await requireRoom(this.#context, side, path);
      return true;
    } catch (error) {
      if (!hasCode(error, 'conflict')) throw error;
      this.problems.push(problemOf(path, error));
      return false;
    }
  }
}
