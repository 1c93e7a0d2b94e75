import {
  type Action,
  type Change,
  errorOf,
  hangsOnKind,
  isDeletion,
  isUnresolved,
  replacesDirectory,
  sparesBelow,
  type Verdict,
} from '../core/action.js';
import type { Side, Triple } from '../core/entry.js';
import { type TowlineError, asTowlineError } from '../core/errors.js';
import { shadowsBelow } from '../core/limits.js';
import { decide } from '../core/mode.js';
import { ancestorsOf, isBelow } from '../core/path.js';
import { isMirror } from '../core/policy.js';
import type { QueueOutcome, QueueRow } from '../ports-state.js';
import { adopted } from './applied.js';
import type { Attention } from './attention.js';
import { Batch, type Outcome, type Work } from './batch.js';
import type { Holder } from './claims.js';
import { type Context, trusted } from './context.js';
import { countGoing, forgetBelow } from './delete-tree.js';
import { isKeptWhole, needsExpansion, topmost } from './topmost.js';
import type { Guardian } from './guardian.js';
import { withoutLostRoots } from './lost-roots.js';
import { type Observation, observe } from './observe.js';
import type { Tally } from './tally.js';

export interface ChangesPassInput {
  readonly context: Context;
  readonly guardian: Guardian;
  readonly attention: Attention;
  /** Rows whose paths are claimed by `holder`. */
  readonly rows: readonly QueueRow[];
  readonly holder: Holder;
  readonly tally: Tally;
  /** Compares everything below a directory that came into being as a whole (moved in, unpacked, copied). */
  readonly scanBelow: (path: string, holder: Holder, tally: Tally) => Promise<void>;
}

/**
 * Deals with a batch of paths that need attention: looks at them (and at the directories above them) on both sides,
 * decides, asks the guard about deletions, carries out, and settles every row.
 */
export async function changesPass(input: ChangesPassInput): Promise<void> {
  const pass = new ChangesPass(input);
  await pass.run();
}

class ChangesPass {
  readonly #input: ChangesPassInput;
  readonly #context: Context;
  readonly #rows = new Map<string, QueueRow>();
  readonly #outcomes = new Map<string, QueueOutcome>();
  readonly #batch: Batch;
  readonly #commits: Promise<unknown>[] = [];
  /** Deletions that the guard let go for this batch. */
  #admitted = 0;

  constructor(input: ChangesPassInput) {
    this.#input = input;
    this.#context = input.context;
    for (const row of input.rows) this.#rows.set(row.path, row);
    this.#batch = new Batch(input.context, input.holder, input.tally, (outcome) => this.#note(outcome));
  }

  async run(): Promise<void> {
    try {
      await this.#work();
    } catch (thrown) {
      // Nothing path by path: the link went, or the state cannot be written. Rows without an outcome stay due.
      const error = asTowlineError(thrown);
      for (const path of this.#rows.keys()) {
        if (!this.#outcomes.has(path)) this.#fail(path, error);
      }
    }
    if (this.#admitted > 0) await this.#input.guardian.done(this.#admitted);
    // Nothing was left to be decided, whoever saw to that: the next conflict of the path is another one.
    for (const { type, path } of this.#outcomes.values())
      if (type === 'done') await this.#context.resolutions.settled(path);
    await this.#context.state.queue.settle([...this.#outcomes.values()]);
  }

  async #work(): Promise<void> {
    const observation = await observe(this.#context, [...this.#rows.keys()]);
    const { work: decided, deletions, expansions } = this.#decide(observation);
    const isThere = (side: Side) => [...observation.triples.values()].some((triple) => triple[side] !== null);
    const { guardian } = this.#input;
    const { work, refused } = await withoutLostRoots(this.#context, guardian, decided, isThere);
    for (const { path, error } of refused) this.#fail(path, error);
    // Deletions come last: what was moved is on the other side under its new name before the old one goes.
    await this.#batch.submit(work);
    await this.#batch.idle();
    await Promise.all(this.#commits);
    const replaced = new Set(deletions.map(({ path }) => path));
    for (const path of expansions) if (!replaced.has(path)) await this.#expand(path);
    if (deletions.length > 0) await this.#delete(deletions);
    await this.#batch.idle();
    for (const path of expansions) if (replaced.has(path)) await this.#expand(path);
    await this.#batch.finish();
    for (const path of this.#rows.keys()) if (!this.#outcomes.has(path)) this.#succeed(path, false);
  }

  async #delete(deletions: readonly Change[]): Promise<void> {
    const left = deletions.filter(({ path }) => !this.#batch.renames.tookAway(path));
    const admitted = await this.#admit(left);
    await this.#batch.submit(admitted.filter(replacesDirectory));
    await this.#batch.idle();
    await this.#batch.submit(admitted.filter((change) => !replacesDirectory(change)));
  }

  #decide(observation: Observation): { work: Work[]; deletions: Change[]; expansions: string[] } {
    const work: Work[] = [];
    const deletions: Change[] = [];
    const expansions: string[] = [];
    for (const [path, error] of observation.failures) {
      if (this.#rows.has(path)) this.#fail(path, error);
    }
    const reviving = this.#reviving(observation);
    const policy = this.#context.policy();
    /** What stays as it is on both sides, with all that is below, which comes later in this order. */
    const spared: { readonly path: string; readonly as: 'kept' | 'leftOut' }[] = [];
    for (const seen of observation.triples.values()) {
      const wanted = this.#rows.has(seen.path);
      if (observation.excluded.has(seen.path)) {
        if (wanted) this.#forget(seen);
        continue;
      }
      // A folder that one side deleted lives on for what is new in it: as if the sides had never agreed on it.
      const triple = reviving.has(seen.path) ? { ...seen, base: null } : trusted(this.#context, seen);
      const above = spared.find((one) => isBelow(triple.path, one.path));
      if (above !== undefined) {
        if (wanted) this.#input.tally[above.as]++;
        continue;
      }
      const verdict = decide(triple, policy);
      const isSpared = sparesBelow(verdict);
      if (isSpared || hangsOnKind(verdict, triple)) spared.push({ path: triple.path, as: 'kept' });
      if (shadowsBelow(verdict, triple)) spared.push({ path: triple.path, as: 'leftOut' });
      // Of the directories above, only what is missing over there concerns us.
      if (!wanted && verdict.type !== 'make-directory') continue;
      const isWhole = wanted && !isSpared && needsExpansion(triple, this.#context.settings);
      if (isWhole) expansions.push(triple.path);
      this.#sort(verdict, triple, work, deletions);
    }
    return {
      work,
      deletions: topmost(deletions, ({ path }) => path),
      expansions: topmost(expansions, (path) => path),
    };
  }

  /** Puts what was decided to where it is done. */
  #sort(verdict: Verdict, triple: Triple, work: Work[], deletions: Change[]): void {
    switch (verdict.type) {
      case 'none':
        if (verdict.kept) this.#input.tally.kept++;
        if (verdict.leftOut !== undefined) this.#input.tally.leftOut++;
        if (verdict.drift === true) this.#input.tally.drifted++;
        break;
      case 'adopt':
        this.#adopt(verdict, triple);
        break;
      case 'contents':
        work.push({ type: 'contents', path: triple.path, triple, wants: verdict.wants });
        break;
      case 'refuse':
      case 'conflict':
      case 'halt':
        this.#fail(triple.path, errorOf(verdict));
        break;
      case 'delete-local':
      case 'delete-remote':
        deletions.push(verdict);
        break;
      default:
        if (replacesDirectory(verdict) && this.#context.settings.delete) deletions.push(verdict);
        else work.push(verdict);
    }
  }

  /** Directories gone from one side that hold something which is to be there: no mirror lets them go. */
  #reviving({ triples, excluded }: Observation): ReadonlySet<string> {
    const reviving = new Set<string>();
    if (isMirror(this.#context.settings.mode)) return reviving;
    const policy = this.#context.policy();
    for (const triple of triples.values()) {
      if (!this.#rows.has(triple.path) || excluded.has(triple.path)) continue;
      const verdict = decide(trusted(this.#context, triple), policy);
      if (verdict.type === 'none' || verdict.type === 'adopt' || isUnresolved(verdict)) continue;
      if (verdict.type !== 'contents' && isDeletion(verdict)) continue;
      for (const above of ancestorsOf(triple.path)) {
        const directory = triples.get(above);
        if (directory !== undefined && (directory.local === null || directory.remote === null))
          reviving.add(above);
      }
    }
    return reviving;
  }

  /** Asks the guard; what it holds back is parked in the queue. */
  async #admit(deletions: readonly Change[]): Promise<Change[]> {
    if (deletions.length === 0) return [];
    const known = await this.#context.state.base.get(deletions.map(({ path }) => path));
    let count = 0;
    const going: Change[] = [];
    for (const [index, deletion] of deletions.entries()) {
      const paths = await countGoing(this.#context, deletion.path);
      count += paths;
      // What is known to stay as a whole is not tried again until all is compared: a try that has to open a folder for a look
      // inside is an event of the folder, which would bring the next one.
      const stays = paths === 0 && known[index] !== null && isDeletion(deletion);
      if (!stays) going.push(deletion);
    }
    const holds = await this.#input.guardian.admit(count, async (held) => {
      if (held) await this.#hold(deletions);
    });
    if (holds.length > 0) return [];
    this.#admitted = count;
    return going;
  }

  async #hold(deletions: readonly Change[]): Promise<void> {
    const { clock, state } = this.#context;
    const now = clock.now();
    const held: QueueOutcome[] = [];
    for (const { path } of deletions) {
      const row = this.#rows.get(path);
      if (row === undefined) continue;
      this.#input.tally.held++;
      const { generation } = row;
      held.push({ path, generation, type: 'again', notBeforeMs: now, counts: false, held: true });
      // Settled at once: it has no other outcome.
      this.#rows.delete(path);
    }
    await state.queue.settle(held);
  }

  async #expand(path: string): Promise<void> {
    // What is held, or could not be made, has nothing below it.
    const outcome = this.#outcomes.get(path);
    if (!this.#rows.has(path) || (outcome !== undefined && outcome.type !== 'done')) return;
    try {
      await this.#input.scanBelow(path, this.#input.holder, this.#input.tally);
    } catch (error) {
      this.#fail(path, asTowlineError(error));
    }
  }

  #adopt(verdict: Extract<Action, { type: 'adopt' }>, triple: Triple): void {
    const { path } = triple;
    const { local, remote, kept, leftOut } = verdict;
    if (kept) this.#input.tally.kept++;
    if (leftOut !== undefined) this.#input.tally.leftOut++;
    if (local === null || remote === null) this.#forget(triple, isKeptWhole(triple, this.#context.settings));
    else
      this.#commit(
        path,
        this.#context.ledger.commit(path, adopted(local, remote, this.#context.clock.now())),
      );
  }

  /** The base drops the path, and what it knows below it; unless that is decided path by path. */
  #forget({ path, base }: Triple, alone = false): void {
    if (base === null) return;
    const work = async () => {
      if (base.local.kind === 'directory' && !alone) await forgetBelow(this.#context, path);
      await this.#context.ledger.commit(path, null);
    };
    this.#commit(path, work());
  }

  #commit(path: string, written: Promise<unknown>): void {
    const committed = written.catch((error: unknown) => this.#fail(path, asTowlineError(error)));
    this.#commits.push(committed);
  }

  #note(outcome: Outcome): void {
    if (outcome.type === 'failed') this.#fail(outcome.path, outcome.error);
    else this.#succeed(outcome.path, outcome.type === 'busy' || outcome.dirty);
  }

  #succeed(path: string, dirty: boolean): void {
    const row = this.#rows.get(path);
    if (row !== undefined) this.#outcomes.set(path, this.#input.attention.outcomeOfSuccess(row, dirty));
  }

  #fail(path: string, error: TowlineError): void {
    const row = this.#rows.get(path);
    if (row === undefined) return;
    const outcome = this.#input.attention.outcomeOfFailure(row, error);
    if (outcome.type === 'again' && outcome.problem !== undefined) this.#input.tally.failed++;
    this.#outcomes.set(path, outcome);
  }
}
