import type { Triple } from '../core/entry.js';
import type { TowlineError } from '../core/errors.js';
import type { Explanation } from '../core/filter.js';
import { shadowsBelow } from '../core/limits.js';
import { decide } from '../core/mode.js';
import { ancestorsOf } from '../core/path.js';
import type { Verdict } from '../core/action.js';
import { type Reading, verdictByContents } from './contents.js';
import { type Context, type Looking, trusted } from './context.js';
import { observe } from './observe.js';

/** What is found out about one path. */
export interface PathFindings {
  readonly filter: Explanation;
  /** `null`: one of the sides could not be seen. */
  readonly triple: Triple | null;
  readonly failure: TowlineError | null;
  /** `null`: excluded, not seen, or below something that is left alone. */
  readonly verdict: Exclude<Verdict, { type: 'contents' }> | null;
  /** What lies above, is left alone, and this path with it. */
  readonly shadow: string | null;
}

/**
 * Looks at one path and decides about it as a scan would, and changes nothing.
 * @param kind what to take it for where nobody has it
 * @throws whatever reading contents throws
 */
export async function explainPath(
  context: Looking & Reading & Pick<Context, 'otherMode'>,
  path: string,
  kind: 'file' | 'directory',
): Promise<PathFindings> {
  const { triples, failures, excluded } = await observe(context, [path]);
  const triple = triples.get(path) ?? null;
  const seen = triple?.local ?? triple?.remote ?? triple?.base?.local;
  const known = { filter: context.filter.explain(path, seen?.kind ?? kind), triple };
  const undecided = { ...known, verdict: null, shadow: null };
  if (excluded.has(path) || known.filter.excluded)
    return { ...undecided, failure: failures.get(path) ?? null };
  if (triple === null) return { ...undecided, failure: failures.get(path) ?? null };
  const shadow = ancestorsOf(path).find((above) => {
    const one = triples.get(above);
    return one !== undefined && shadowsBelow(decide(trusted(context, one), context.policy()), one);
  });
  if (shadow !== undefined) return { ...undecided, shadow, failure: null };
  const own = trusted(context, triple);
  const first = decide(own, context.policy());
  const verdict =
    first.type === 'contents'
      ? await verdictByContents(context, { type: 'contents', path, triple: own, wants: first.wants })
      : first;
  return { ...known, failure: null, verdict, shadow: null };
}
