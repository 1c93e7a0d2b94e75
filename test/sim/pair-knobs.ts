/** What differs from seed to seed where both sides are at work. */
import {
  type ConflictPolicy,
  conflictPolicies,
  type DriftPolicy,
  driftPolicies,
  isMirror,
  type Mode,
} from '../../src/core/policy.js';
import { type Knobs, knobsOf, laterKnobsOf } from './knobs.js';
import type { Random } from './random.js';

export interface PairKnobs extends Knobs {
  readonly mode: Mode;
  readonly conflict: ConflictPolicy;
  readonly onDrift: DriftPolicy;
  /** The server tells of its changes; else it is listed now and then. */
  readonly hints: boolean;
  readonly pollMs: number;
  /** Times at which a person decides what waits, before all is calm. */
  readonly decisions: number;
}

export function pairKnobsOf(mode: Mode, random: Random, later: Random): PairKnobs {
  const knobs = { ...knobsOf(random), ...laterKnobsOf(later) };
  return {
    ...knobs,
    directoryInodes: true,
    // Nothing more is found by waiting longer for the next scan.
    rescanMs: Math.min(knobs.rescanMs, 120_000),
    foreign: random.between(2, 20),
    mode,
    delete: isMirror(mode) ? random.chance(0.7) : mode === 'two-way' && random.chance(0.85),
    conflict: mode === 'two-way' ? random.pick(conflictPolicies) : 'keep-both',
    onDrift: isMirror(mode) ? random.pick(driftPolicies) : 'overwrite',
    hints: random.chance(0.5),
    pollMs: random.pick([5_000, 15_000]),
    decisions: random.below(4),
  };
}
