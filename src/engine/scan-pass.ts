import {
  type Change,
  errorOf,
  hangsOnKind,
  isDeletion,
  isUnresolved,
  replacesDirectory,
  sparesBelow,
  type Verdict,
} from '../core/action.js';
import { isMirror, writtenSidesOf } from '../core/policy.js';
import { shadowsBelow } from '../core/limits.js';
import { otherSide, type Side, type Triple } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import { decide } from '../core/mode.js';
import type { Folding } from '../core/fold.js';
import { isBelow, nameOf } from '../core/path.js';
import { type Sighting, mergeSides } from '../core/reconcile.js';
import { tempAgentOf } from '../core/tempname.js';
import type { ScanItem } from '../core/stream.js';
import { adopted } from './applied.js';
import type { Storage } from '../ports.js';
import { type Context, rulesSideOf, storageOf, trusted } from './context.js';
import { devicesOf } from './devices.js';
import { type Deletion, FoundDeletions } from './found-deletions.js';
import type { Undecided } from './contents.js';
import type { Tally } from './tally.js';

/** What a scan came across, beside the work it handed on. */
export interface ScanFindings {
  /** Entries seen on each side. */
  local: number;
  remote: number;
  readonly deletions: readonly Deletion[];
  /** Paths that stay in directories that were to go, and these directories. */
  readonly staying: readonly string[];
  /** Directories that could not be listed. */
  readonly unlisted: { readonly side: Side; readonly path: string; readonly error: TowlineError }[];
  /** Names that cannot be carried, and what the other side cannot hold. */
  readonly unsyncable: { readonly path: string; readonly error: TowlineError }[];
  /** What waits for a person: conflicts, and what others changed where nobody should have. */
  readonly undecided: { readonly path: string; readonly error: TowlineError }[];
  /** Paths that are to be looked at by themselves: not to go with the directory that goes, or that may become one. */
  readonly surviving: string[];
  /** Temps of other agents, or of ours that nobody uses. */
  readonly temps: { readonly side: Side; readonly path: string; readonly mtimeMs: number }[];
}

export interface ScanHandlers {
  /** Takes work in the order of paths, and what was seen up to there; resolves when there is room for more. */
  readonly work: (
    work: (Change | Undecided)[],
    seen: Pick<ScanFindings, 'local' | 'remote'>,
  ) => Promise<void>;
  readonly progress: (entries: number) => void;
  /** In place of a scan of the remote side. */
  readonly remote?: AsyncIterable<ScanItem[]>;
}

const workMax = 512;

/**
 * Compares both sides below `under` with each other and the base, and hands on what is to be done. Deletions (and
 * what needs one first) are only collected: they are decided on when everything has been seen.
 * @throws what a stream throws; what was handed on until then is still valid
 */
export async function scanPass(
  context: Context,
  under: string,
  tally: Tally,
  handlers: ScanHandlers,
): Promise<ScanFindings> {
  const pass = new ScanPass(context, tally);
  const { local, remote, state, filter, settings, stopSignal } = context;
  // A side that fails must not wait for an answer of the other one to be heard.
  const over = new AbortController();
  const signal = AbortSignal.any([stopSignal, over.signal]);
  const excludes = pass.deletions.noting(filter.excludes);
  const rulesSide = rulesSideOf(settings);
  const ruleFiles = { names: filter.ruleFileNames, found: filter.found };
  const requestOf = (side: Side) => ({
    under,
    excludes,
    signal,
    ...(side === rulesSide ? { ruleFiles } : {}),
    ...foldingOf(storageOf(context, otherSide(side))),
  });
  const top = await devicesOf(context, under);
  const sightings = mergeSides({
    local: local.scan(requestOf('local')),
    remote: handlers.remote ?? remote.scan(requestOf('remote')),
    base: state.base.scan(under, signal),
    end: () => over.abort(new TowlineError('interrupted', 'the comparison is over')),
    excludes,
    rulesSide,
    top: { path: under, ...top },
  });
  for await (const batch of sightings) {
    for (const sighting of batch) {
      pass.see(sighting);
      if (pass.work.length >= workMax) await handlers.work(pass.takeWork(), pass.findings);
    }
    handlers.progress(pass.findings.local + pass.findings.remote);
  }
  pass.deletions.close();
  await handlers.work(pass.takeWork(), pass.findings);
  pass.countKept();
  return pass.findings;
}

/** What the other side does with names, for the scan of a side. */
function foldingOf({ capabilities: { names } }: Storage): { folding?: Folding } {
  return names === undefined ? {} : { folding: names };
}

class ScanPass {
  readonly deletions = new FoundDeletions();
  readonly findings: ScanFindings = {
    local: 0,
    remote: 0,
    deletions: this.deletions.list,
    staying: this.deletions.staying,
    unlisted: [],
    unsyncable: [],
    undecided: [],
    surviving: [],
    temps: [],
  };
  work: (Change | Undecided)[] = [];
  readonly #context: Context;
  readonly #tally: Tally;
  readonly #policy: ReturnType<Context['policy']>;
  /** The latest path that stays as it is on both sides, with all that is below, and as what that counts. */
  #sparing: { readonly path: string; readonly as: 'kept' | 'leftOut' } | null = null;
  #specials = 0;

  constructor(context: Context, tally: Tally) {
    this.#context = context;
    this.#tally = tally;
    this.#policy = context.policy();
  }

  takeWork(): (Change | Undecided)[] {
    const work = this.work;
    this.work = [];
    return work;
  }

  see(sighting: Sighting): void {
    switch (sighting.type) {
      case 'triple':
        this.#triple(sighting.triple);
        break;
      case 'excluded':
        this.#commit(sighting.path, null);
        break;
      case 'failure':
        this.findings.unlisted.push(sighting);
        break;
      case 'skipped':
        this.deletions.stays({ path: sighting.path, why: 'no entry' });
        if (sighting.reason === 'name') this.findings.unsyncable.push(sighting);
        else this.#special(sighting.path, sighting.side);
        break;
      case 'temp':
        this.#temp(sighting.side, sighting.path, sighting.mtimeMs);
        break;
    }
  }

  #triple(seen: Triple): void {
    const triple = trusted(this.#context, seen);
    this.deletions.passed(triple.path);
    if (triple.local !== null) this.findings.local++;
    if (triple.remote !== null) this.findings.remote++;
    if (this.#sparing !== null && isBelow(triple.path, this.#sparing.path)) {
      this.#tally[this.#sparing.as]++;
      return;
    }
    const verdict = decide(triple, this.#policy);
    if (shadowsBelow(verdict, triple)) this.#sparing = { path: triple.path, as: 'leftOut' };
    if (this.#survives(verdict)) {
      this.findings.surviving.push(triple.path);
      return;
    }
    this.deletions.decided(verdict, triple);
    if (sparesBelow(verdict)) this.#sparing = { path: triple.path, as: 'kept' };
    if (hangsOnKind(verdict, triple)) {
      // It is looked at by itself, and if a folder comes of it, into that.
      this.#sparing = { path: triple.path, as: 'kept' };
      this.findings.surviving.push(triple.path);
      return;
    }
    switch (verdict.type) {
      case 'none':
        if (verdict.kept) this.#tally.kept++;
        else if (verdict.leftOut !== undefined) this.#tally.leftOut++;
        else this.#tally.skipped++;
        if (verdict.drift === true) this.#tally.drifted++;
        return;
      case 'adopt': {
        const { local, remote, path } = verdict;
        if (verdict.kept) this.#tally.kept++;
        else if (verdict.leftOut !== undefined) this.#tally.leftOut++;
        else if (local !== null) this.#tally.skipped++;
        const equal = local !== null && remote !== null;
        this.#commit(path, equal ? adopted(local, remote, this.#context.clock.now()) : null);
        return;
      }
      case 'contents':
        this.work.push({ type: 'contents', path: triple.path, triple, wants: verdict.wants });
        return;
      case 'refuse':
        this.findings.unsyncable.push({ path: verdict.path, error: errorOf(verdict) });
        return;
      case 'conflict':
      case 'halt':
        this.findings.undecided.push({ path: verdict.path, error: errorOf(verdict) });
        return;
      case 'delete-local':
      case 'delete-remote':
        this.deletions.add(verdict, triple.base === null);
        return;
      default:
        if (replacesDirectory(verdict) && this.#policy.delete) this.deletions.add(verdict, false);
        else this.work.push(verdict);
    }
  }

  /** Directories that stay were counted as going until everything in them was seen. */
  countKept(): void {
    for (const { kept, replacement } of this.deletions.list)
      if (replacement === null) this.#tally.kept += kept.length;
  }

  /** Below a directory that is to go: whether this is to be there all the same. Never where one side is a mirror. */
  #survives(verdict: Verdict): boolean {
    if (this.deletions.above(verdict.path) === null) return false;
    if (isMirror(this.#context.settings.mode)) return false;
    if (verdict.type === 'none' || verdict.type === 'adopt') return false;
    return isUnresolved(verdict) || verdict.type === 'contents' || !isDeletion(verdict);
  }

  #temp(side: Side, path: string, mtimeMs: number): void {
    const { agentId, temps, settings } = this.#context;
    const ours = tempAgentOf(nameOf(path)) === agentId;
    if (!writtenSidesOf(settings.mode).includes(side) || (ours && temps.isInUse(path))) return;
    this.findings.temps.push({ side, path, mtimeMs });
  }

  #special(path: string, side: Side): void {
    this.#specials++;
    const more = this.#specials === 10 ? ' (and maybe more: only the first ten are named)' : '';
    if (this.#specials > 10) return;
    this.#context.emit({
      type: 'notice',
      level: 'info',
      code: 'special',
      side,
      path,
      message: `'${path}' is a socket, device or FIFO: skipped${more}`,
    });
  }

  #commit(path: string, pair: Parameters<Context['ledger']['commit']>[1]): void {
    this.#context.ledger.commit(path, pair).catch((error: unknown) => {
      // The row is missing from the base: the next scan compares the sides again.
      this.#context.log.error('the base could not be written', {
        path,
        error: error instanceof Error ? error.message : String(error),
      });
    });
  }
}
