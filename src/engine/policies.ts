import { type ConflictPolicy, type DriftPolicy, isMirror, type Mode } from '../core/policy.js';
import type { Context } from './context.js';

/** The fact under which they are on record. */
export const policiesFact = 'policies';

/** What decided in a run beside the rules: of the policies those that its mode knows. */
export interface Policies {
  /** Which way changes went. */
  readonly mode: Mode;
  /** Whether deletions followed. */
  readonly delete?: boolean;
  /** What was done about a file that both sides changed. */
  readonly conflict?: ConflictPolicy;
  /** What was done about what others changed on the side that only follows. */
  readonly onDrift?: DriftPolicy;
}

/** Puts the policies of a run on record, for who asks later what a run would do. */
export async function recordPolicies({
  state,
  settings,
}: Pick<Context, 'state' | 'settings'>): Promise<void> {
  const { mode, delete: deletes, conflict, onDrift } = settings;
  const policies: Policies = {
    mode,
    ...(isMirror(mode) ? { delete: deletes, onDrift } : {}),
    ...(mode === 'two-way' ? { delete: deletes, conflict } : {}),
  };
  const before = await state.facts.get<Policies>(policiesFact);
  if (JSON.stringify(before) !== JSON.stringify(policies)) await state.facts.set(policiesFact, policies);
}

/** Of the policies of the last run those that were not given: none where another mode is. */
export function notGiven(given: Partial<Policies>, last: Partial<Policies>): Partial<Policies> {
  if (given.mode !== undefined && given.mode !== last.mode) return {};
  const isMissing = ([name, value]: [string, unknown]) =>
    value !== undefined && given[name as keyof Policies] === undefined;
  return Object.fromEntries(Object.entries(last).filter(isMissing));
}
