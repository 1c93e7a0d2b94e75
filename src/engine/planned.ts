import { type Action, bytesOf, type Change } from '../core/action.js';
import type { PlannedAction, PlanPart } from './events.js';

/** A change as a plan tells it. */
export function plannedOf(change: Change): PlannedAction {
  const action = change.type === 'set-aside' ? 'conflict' : change.type;
  return { action, path: change.path, bytes: bytesOf(change), reason: change.reason };
}

/** The changes among work, as a plan tells them, with their sums. */
export function planPartOf(work: readonly (Action | { readonly type: 'contents' })[]): PlanPart {
  const actions: PlannedAction[] = [];
  let files = 0;
  let bytes = 0;
  for (const item of work) {
    if (item.type === 'contents' || item.type === 'none' || item.type === 'adopt') continue;
    const planned = plannedOf(item);
    actions.push(planned);
    bytes += planned.bytes;
    if ((item.type === 'upload' || item.type === 'download') && item.source.kind === 'file') files++;
  }
  return { actions, files, bytes };
}
