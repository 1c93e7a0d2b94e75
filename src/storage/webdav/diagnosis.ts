/** What a server meant: 400, 403, 404, 409 and 500 all stand for a missing parent somewhere. */
import { asTowlineError, type TowlineError } from '../../core/errors.js';
import { parentOf } from '../../core/path.js';
import type { WebdavContext } from './context.js';
import { concernsLink, refusal, type Attempt } from './failures.js';
import { look } from './propfind.js';

/** The failure of making something at `path`: `not-found` or `changed` when its parent is missing or no directory. */
export async function parentFailure(
  context: WebdavContext,
  attempt: Attempt,
  path: string,
  failure: TowlineError,
): Promise<TowlineError> {
  if (concernsLink(failure) || failure.code === 'no-space') return failure;
  try {
    const parent = await look(context, attempt, parentOf(path) ?? '');
    if (parent === null) return refusal(attempt, 'not-found');
    return parent.kind === 'directory'
      ? failure
      : refusal(attempt, 'changed', 'what should hold it is a file');
  } catch (error) {
    return concernsLink(error) ? asTowlineError(error) : failure;
  }
}
