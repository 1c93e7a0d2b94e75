import { isDeletion, writtenSide } from '../core/action.js';
import type { Side } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { Work } from './batch.js';
import { type Context, storageOf } from './context.js';
import type { Guardian } from './guardian.js';

export interface Sorted {
  readonly work: Work[];
  /** What would be brought into a root that is not what it was. */
  readonly refused: { readonly path: string; readonly error: TowlineError }[];
}

/**
 * Where both sides count, a root that is gone or was emptied gets nothing: it would look as if it were there, and what it lacks
 * were deleted.
 * @param isThere whether something was seen on a side: then nobody has to look
 */
export async function withoutLostRoots(
  context: Context,
  guardian: Guardian,
  work: readonly Work[],
  isThere: (side: Side) => boolean,
): Promise<Sorted> {
  const lost = new Set<Side>();
  for (const side of new Set(work.map(broughtTo)))
    if (side !== null && !isThere(side) && (await guardian.hasLost(side))) lost.add(side);
  const left: Work[] = [];
  const refused: Sorted['refused'] = [];
  for (const item of work) {
    const side = broughtTo(item);
    if (side === null || !lost.has(side)) left.push(item);
    else refused.push({ path: item.path, error: refusal(context, side, item.path) });
  }
  return { work: left, refused };
}

/** The side that gets something by it. What is to be compared is on both sides: none of them is lost. */
function broughtTo(item: Work): Side | null {
  return item.type === 'contents' || isDeletion(item) ? null : writtenSide(item);
}

function refusal(context: Context, side: Side, path: string): TowlineError {
  const { label } = storageOf(context, side);
  const [fill, other] = side === 'local' ? ['pull', 'remote'] : ['push', 'local'];
  return new TowlineError('unmounted', `${label} is empty, and was not: '${path}' is not brought there`, {
    path,
    hint: `Mount it again; or fill it again by \`towline ${fill}\`; or, if all is to go, empty the ${other} folder too`,
  });
}
