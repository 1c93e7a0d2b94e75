/** What differs from seed to seed. */
import type { MaxDelete } from '../../src/core/guard.js';
import type { Compare } from '../../src/core/compare.js';
import type { Random } from './random.js';

export interface Knobs {
  readonly delete: boolean;
  readonly maxDelete: MaxDelete;
  readonly compare: Compare;
  readonly sync: boolean;
  readonly settleMs: number;
  readonly rescanMs: number;
  readonly remote: {
    readonly atomicReplace: boolean;
    readonly symlinks: boolean;
    readonly symlinkTimes: boolean;
    readonly modes: boolean;
    readonly times: boolean;
    readonly space: boolean;
    readonly clockOffsetMs: number;
  };
  /** Of local edits: not told, told twice, told late. */
  readonly events: { readonly lost: number; readonly twice: number; readonly late: number };
  /** Per call of a storage. */
  readonly faults: {
    readonly refused: number;
    readonly lostReply: number;
    readonly disconnect: number;
    readonly crash: number;
    /** What was in the pipe of a broken connection is done later. */
    readonly frozen: number;
  };
  /** Per step of the state. */
  readonly stateCrash: number;
  /** Per call of a storage: the user edits something just then. */
  readonly editNow: number;
  readonly latencyMs: number;
  readonly edits: number;
  readonly editGapMs: number;
  /** Edits by strangers on the server. */
  readonly foreign: number;
  /** Troubles that last for a while: roots gone, folders unreadable, no space, … */
  readonly troubles: number;
  /** Per write of the state: its volume is full just then. */
  readonly stateRefused: number;
  /** Times during which it is full for a while. */
  readonly stateFull: number;
  /** Per start after the first: the state was corrupt and is set aside. */
  readonly stateLost: number;
  /** Times during which a person pauses the agent. */
  readonly pauses: number;
  /** Times during which its event loop is blocked. */
  readonly stalls: number;
  /** People give names that cannot be carried. */
  readonly badNames: boolean;
  /** There is a file large enough to be resumed. */
  readonly large: boolean;
  /** The state finds directories by their inode, too, as the real one does. */
  readonly directoryInodes: boolean;
}

/** The knobs that came later, drawn from dice of their own: older seeds go on meaning what they meant. */
type LaterKnobs = Pick<
  Knobs,
  'stateRefused' | 'stateFull' | 'stateLost' | 'pauses' | 'stalls' | 'badNames' | 'large'
>;

export const noLaterKnobs: LaterKnobs = {
  stateRefused: 0,
  stateFull: 0,
  stateLost: 0,
  pauses: 0,
  stalls: 0,
  badNames: false,
  large: false,
};

export function laterKnobsOf(random: Random): LaterKnobs {
  return {
    stateRefused: random.chance(0.3) ? 0.01 * random.next() : 0,
    stateFull: random.chance(0.2) ? 1 : 0,
    stateLost: random.chance(0.2) ? 0.5 : 0,
    pauses: random.chance(0.2) ? random.between(1, 2) : 0,
    badNames: random.chance(0.2),
    stalls: random.chance(0.2) ? random.between(1, 2) : 0,
    large: false,
  };
}

export function knobsOf(random: Random): Knobs {
  const often = (probability: number) => (random.chance(0.5) ? probability * random.next() : 0);
  const mostly = () => random.chance(0.8);
  return {
    delete: random.chance(0.6),
    maxDelete: random.chance(0.3) ? { paths: random.below(4) } : { percent: 50, butAtLeast: 20 },
    compare: random.chance(0.8) ? 'mtime+size' : 'checksum',
    sync: random.chance(0.3),
    settleMs: random.pick([0, 20, 100]),
    rescanMs: random.pick([5_000, 60_000, 600_000]),
    remote: {
      atomicReplace: mostly(),
      symlinks: random.chance(0.9),
      symlinkTimes: mostly(),
      modes: mostly(),
      times: random.chance(0.9),
      space: mostly(),
      clockOffsetMs: random.chance(0.3) ? random.between(-100_000, 100_000) : 0,
    },
    events: { lost: often(0.5), twice: often(0.3), late: often(0.4) },
    faults: {
      refused: often(0.05),
      lostReply: often(0.08),
      disconnect: often(0.04),
      crash: often(0.02),
      frozen: often(1),
    },
    stateCrash: often(0.01),
    editNow: often(0.05),
    latencyMs: random.pick([0, 2, 20]),
    edits: random.between(3, 25),
    editGapMs: random.pick([5, 60, 800]),
    foreign: random.chance(0.4) ? random.between(1, 5) : 0,
    troubles: random.chance(0.5) ? random.between(1, 3) : 0,
    ...noLaterKnobs,
    directoryInodes: false,
  };
}

/** A server that can do everything, and whose clock is right. */
export const ableRemote: Knobs['remote'] = {
  atomicReplace: true,
  symlinks: true,
  symlinkTimes: true,
  modes: true,
  times: true,
  space: true,
  clockOffsetMs: 0,
};
