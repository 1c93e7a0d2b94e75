/** What the parts of the engine share: the two sides, the state, the wishes of the user. */
import type { ModeRule } from '../core/compare.js';
import type { Side } from '../core/entry.js';
import type { MaxDelete } from '../core/guard.js';
import { type Limits, mayDelete, type Mode, type Policy, sourceSideOf } from '../core/policy.js';
import type { Triple } from '../core/entry.js';
import { sameRevision } from '../core/compare.js';
import type { Clock, Link, Log, Storage } from '../ports.js';
import type { State } from '../ports-state.js';
import type { SideHashes } from '../transfer/gathered-hashes.js';
import type { Throttle } from '../transfer/throttle.js';
import type { Verifier } from '../transfer/verify.js';
import type { Claims } from './claims.js';
import type { DeletionLog } from './deletion-log.js';
import type { AgentListener } from './events.js';
import type { FilterBook } from './filter-book.js';
import type { Gate } from './gate.js';
import type { Lanes } from './lanes.js';
import type { Ledger } from './ledger.js';
import type { Resolutions } from './resolutions.js';
import type { Staying } from './staying.js';
import type { Temps } from './temps.js';

/** What the user asked for, checked and complete. */
export interface Settings {
  readonly mode: Mode;
  readonly delete: boolean;
  readonly maxDelete: MaxDelete;
  readonly compare: Policy['compare'];
  /** Compare contents in spite of the base. */
  readonly afresh: boolean;
  readonly force: boolean;
  readonly onDrift: Policy['onDrift'];
  readonly conflict: Policy['conflict'];
  /** Versions kept beside one file, at most: beyond it a conflict waits for a person. */
  readonly maxConflictCopies: number;
  readonly modeRule: ModeRule;
  /** The text behind `modeRule`: modes are compared across the sides once when it changes. */
  readonly modeRuleText: string;
  /** Force written content to disk before it gets its name. */
  readonly sync: boolean;
  /** How content is checked after its transfer: its size always is, also by `none`. */
  readonly verify: 'none' | 'size' | 'checksum';
  /** Make missing parents of the destination's root. */
  readonly parents: boolean;
  /** What is left alone without being excluded. Default: nothing. */
  readonly limits?: Limits;
}

/** What is known of the local root directory, to notice that it is not the one it was. */
export interface RootIdentity {
  readonly dev: number;
  readonly ino: number;
  readonly mountPoint: boolean;
}

export interface Context {
  readonly local: Storage;
  readonly remote: Storage;
  readonly link: Link;
  readonly state: State;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: AgentListener;
  readonly settings: Settings;
  readonly agentId: string;
  /** The local root as it is now; `null`: it is gone or no directory. */
  readonly inspectRoot: () => Promise<RootIdentity | null>;
  /** Aborted when nothing new is to be begun. The reason of both signals is a `TowlineError`. */
  readonly stopSignal: AbortSignal;
  /** Aborted when work in flight has to be given up. */
  readonly signal: AbortSignal;
  readonly filter: FilterBook;
  readonly claims: Claims;
  readonly ledger: Pick<Ledger, 'commit' | 'tempGone' | 'flush'>;
  readonly temps: Temps;
  readonly lanes: Lanes;
  readonly deletions: DeletionLog;
  /** What was to go and stays, told and counted already. */
  readonly staying: Staying;
  /** Closed while the agent is paused. */
  readonly gate: Gate;
  /** Bounds the content of all transfers together. */
  readonly throttle: Throttle;
  /** Of contents that are compared; asked for one by one, answered in groups. */
  readonly hashes: SideHashes;
  /** Compares contents after their transfer, if that was asked for. */
  readonly verifier: Verifier | null;
  readonly policy: () => Policy;
  /** What a person decided about single conflicts. */
  readonly resolutions: Resolutions;
  /** The remote clock minus ours, ms, as far as it was needed and measured. */
  readonly remoteAhead: { ms: number };
  /**
   * The base was made in another mode: until a scan has seen everything, only rows whose two sides are still as
   * recorded count.
   */
  readonly otherMode: { was: boolean };
  /** Whether the base's modes were made under the rule in force: true once a scan has seen to all of them. */
  readonly modeTrust: { trusted: boolean };
}

/** What it takes to look at single paths and to change nothing. */
export interface Looking extends Pick<Context, 'local' | 'remote' | 'filter' | 'inspectRoot' | 'signal'> {
  readonly state: {
    readonly base: Pick<State['base'], 'get'>;
    readonly facts: Pick<State['facts'], 'get'>;
  };
}

/** The storage of a side. */
export function storageOf(context: Pick<Context, Side>, side: Side): Storage {
  return side === 'local' ? context.local : context.remote;
}

/** What the decision tables are to go by: the user's wishes, and what the sides can do as far as it is known now. */
export function policyOf(
  context: Pick<Context, 'settings' | 'local' | 'remote' | 'modeTrust' | 'remoteAhead'> & {
    readonly resolutions: Pick<Resolutions, 'of'>;
    readonly temps: Pick<Temps, 'isDoubtful'>;
  },
): Policy {
  const { settings, local, remote, modeTrust, resolutions, remoteAhead, temps } = context;
  return {
    ...settings,
    trustModes: modeTrust.trusted,
    doubtful: (path) => temps.isDoubtful(path),
    resolutionOf: resolutions.of,
    remoteAheadMs: remoteAhead.ms,
    can: { local: local.capabilities, remote: remote.capabilities },
  };
}

/** The sides whose loss of a path deletes it on the other one. */
export function deletingSides({ mode }: Pick<Settings, 'mode'>): readonly Side[] {
  if (!mayDelete(mode)) return [];
  const source = sourceSideOf(mode);
  return source === null ? ['local', 'remote'] : [source];
}

/** The side whose rule files (`.towlineignore`, `.gitignore`) count: the one that is right, else ours. */
export function rulesSideOf({ mode }: Pick<Settings, 'mode'>): Side {
  return sourceSideOf(mode) ?? 'local';
}

/** The triple as it may be decided on: without its base where that was made in another mode and holds no more. */
export function trusted(context: Pick<Context, 'otherMode'>, triple: Triple): Triple {
  const { base, local, remote } = triple;
  if (!context.otherMode.was || base === null || (local === null && remote === null)) return triple;
  const asRecorded = sameRevision(local, base.local) && sameRevision(remote, base.remote);
  return asRecorded ? triple : { ...triple, base: null };
}
