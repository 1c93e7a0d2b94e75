import { errorOf, isDeletion, isUnresolved } from '../core/action.js';
import type { Change } from '../core/action.js';
import { TowlineError } from '../core/errors.js';
import { decide } from '../core/mode.js';
import { isSettled, type Settled } from './applied.js';
import type { Undecided } from './contents.js';
import { type Context, trusted } from './context.js';
import { observe } from './observe.js';

/**
 * What is to be done at a path of which the listing holds no more.
 * @throws `changed`: it is to be deleted, which a guard has to be asked about; as `decideNow`
 */
export async function decideAnew(context: Context, path: string): Promise<Change | Undecided | Settled> {
  const work = await decideNow(context, path);
  const deletes = work.type !== 'contents' && !isSettled(work) && isDeletion(work);
  if (!deletes) return work;
  throw new TowlineError('changed', `'${path}' is to be deleted: it is looked at again`, { path });
}

/**
 * What is to be done at a path as it is now.
 * @throws whatever keeps it from being decided
 */
export async function decideNow(context: Context, path: string): Promise<Change | Undecided | Settled> {
  const { triples, failures } = await observe(context, [path]);
  const triple = triples.get(path);
  if (triple === undefined) throw failures.get(path)!;
  const verdict = decide(trusted(context, triple), context.policy());
  if (isUnresolved(verdict)) throw errorOf(verdict);
  return verdict.type === 'contents' ? { ...verdict, triple } : verdict;
}
