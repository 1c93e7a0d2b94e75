/**
 * Rules that are other ones than those on record: what only one side has may have been excluded under those. They are put on
 * record once nothing is kept for that, or a person says that it may go.
 */
import type { AgentListener } from './events.js';
import type { Context } from './context.js';
import type { Deletion } from './found-deletions.js';
import type { Tally } from './tally.js';

const filterFact = 'filter';

/** Whether the rules, with those of the files found in the tree, are other ones than those on record. */
export async function filterChanged({ state, filter }: Pick<Context, 'state' | 'filter'>): Promise<boolean> {
  const before = await state.facts.get<string>(filterFact);
  return before !== null && before !== filter.signature();
}

/** Puts the rules on record. */
export async function recordFilter({ state, filter }: Pick<Context, 'state' | 'filter'>): Promise<void> {
  const signature = filter.signature();
  if ((await state.facts.get<string>(filterFact)) !== signature) await state.facts.set(filterFact, signature);
}

/** The deletions without those that would take what the sides never agreed on; says so where there are some. */
export function withoutUnknown<T extends Deletion>(
  deletions: readonly T[],
  tally: Tally,
  emit: AgentListener,
): readonly T[] {
  const kept = deletions.filter(({ holdsUnknown }) => holdsUnknown);
  if (kept.length === 0) return deletions;
  tally.kept += kept.reduce((sum, { count }) => sum + count, 0);
  emit({
    type: 'notice',
    level: 'warn',
    code: 'filter-changed',
    message:
      'the filter rules changed: what only the other side has may have been excluded until then, and is kept. Delete ' +
      'it there yourself, or let it go with `towline resume --allow-deletes` to a running watch',
  });
  return deletions.filter(({ holdsUnknown }) => !holdsUnknown);
}
