/** What a decision depends on beside the entries: the mode, the user's wishes and the abilities of the two sides. */
import type { Compare, ModeRule } from './compare.js';
import { type Kind, otherSide, type Side } from './entry.js';

/** Which way changes go. */
export type Mode = 'push' | 'pull' | 'two-way' | 'push-backup' | 'pull-backup';

/** All modes. */
export const modes: readonly Mode[] = ['push', 'pull', 'two-way', 'push-backup', 'pull-backup'];

/** What is done about a file that both sides changed (two-way). */
export type ConflictPolicy = 'newest' | 'local' | 'remote' | 'keep-both' | 'manual';

/** All conflict policies, the default first. */
export const conflictPolicies: readonly ConflictPolicy[] = [
  'keep-both',
  'newest',
  'local',
  'remote',
  'manual',
];

/** What is done about a change that others made on the side that only follows (push, pull). */
export type DriftPolicy = 'overwrite' | 'keep' | 'backup' | 'halt';

/** All drift policies, the default first. */
export const driftPolicies: readonly DriftPolicy[] = ['overwrite', 'keep', 'backup', 'halt'];

/** What a person decided about one conflict. */
export type Resolution = 'local' | 'remote' | 'both';

/** All of them. */
export const resolutions: readonly Resolution[] = ['local', 'remote', 'both'];

/** What a side can hold. */
export interface Abilities {
  readonly modes: boolean;
  readonly times: boolean;
  readonly symlinks: boolean;
  readonly symlinkTimes: boolean;
  /** What it keeps of times, ms. */
  readonly timeGranularityMs: number;
}

/** What is left alone without being excluded (core/limits.ts). */
export interface Limits {
  /** Files larger than this, bytes, on either side are left alone; `null`: no limit. */
  readonly maxSize: number | null;
  /** Whether nothing may be done on this side at this path. */
  readonly isClosed: (side: Side, path: string, kind: Kind) => boolean;
  /** All of it as one text: the same for the same limits; empty where there are none. */
  readonly signature: string;
}

export interface Policy {
  readonly mode: Mode;
  readonly delete: boolean;
  readonly compare: Compare;
  /** Compare contents although there is a base (a one-shot `--compare checksum`). */
  readonly afresh: boolean;
  /** Transfer regardless. */
  readonly force: boolean;
  /** The mode a written side should have. */
  readonly modeRule: ModeRule;
  /** The base's modes were made under the same rule; otherwise modes are compared across the sides. */
  readonly trustModes: boolean;
  /**
   * Whether what is at this path may be what we wrote and never recorded: an equal size and time say nothing then, as it
   * may have been saved again within the same second. Default: never.
   */
  readonly doubtful?: (path: string) => boolean;
  readonly onDrift: DriftPolicy;
  readonly conflict: ConflictPolicy;
  /** What a person said about this path, or `null`. */
  readonly resolutionOf: (path: string) => Resolution | null;
  /** The remote clock minus ours, ms: for `newest`. */
  readonly remoteAheadMs: number;
  readonly can: Readonly<Record<Side, Abilities>>;
  /** Default: none. */
  readonly limits?: Limits;
}

/** The side that is right, in modes that have one; `null` where both are. */
export function sourceSideOf(mode: Mode): Side | null {
  return sourceSides[mode];
}

const sourceSides: Readonly<Record<Mode, Side | null>> = {
  push: 'local',
  pull: 'remote',
  'two-way': null,
  'push-backup': null,
  'pull-backup': 'remote',
};

/** The sides a mode may write to. */
export function writtenSidesOf(mode: Mode): readonly Side[] {
  const source = sourceSideOf(mode);
  if (source === null) return ['local', 'remote'];
  return [otherSide(source)];
}

/** Whether the server is not ours alone: others change it too, and what they write counts. */
export function othersMayWrite(mode: Mode): boolean {
  return sourceSideOf(mode) === null;
}

/** What both sides keep of times, ms: they are compared with each other by that. */
export function granularityOf({ can }: Pick<Policy, 'can'>): number {
  return Math.max(can.local.timeGranularityMs, can.remote.timeGranularityMs);
}

/** Whether the mode may delete at all. */
export function mayDelete(mode: Mode): boolean {
  return mode === 'push' || mode === 'pull' || mode === 'two-way';
}

/** Whether one side mirrors the other, so that what only the mirror has goes when deletions are asked for. */
export function isMirror(mode: Mode): boolean {
  return mode === 'push' || mode === 'pull';
}
