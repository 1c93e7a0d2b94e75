/** Makes sure that the root is a directory, and finds out what can be done in it. */
import { TowlineError } from '../../core/errors.js';
import type { WebdavContext } from './context.js';
import { concernsLink, refusal, statusFailure } from './failures.js';
import { tryOut } from './probe.js';
import { look } from './propfind.js';

/**
 * See `Storage.ensureRoot`.
 * @throws `configuration` when a file is in the way; `not-found` when the parent is missing and `parents` was not asked
 * for; `permission`, `no-space`, `network`
 */
export async function ensureRoot(
  context: WebdavContext,
  options: { readonly parents: boolean },
): Promise<void> {
  const attempt = context.attempt('use', '');
  const present = await look(context, attempt, '');
  if (present === null) await makeRoot(context, options.parents);
  else if (present.kind !== 'directory')
    throw refusal(attempt, 'configuration', 'it is a file, not a directory');
  context.tried = null;
  await tryOut(context);
}

async function makeRoot(context: WebdavContext, parents: boolean): Promise<void> {
  const depth = context.urls.root.length;
  // From the root upwards until one can be made, and down again.
  let count = depth;
  while (!(await make(context, count, count > 1))) {
    if (!parents) {
      const { path, host } = context.attempt('make', '');
      throw new TowlineError('not-found', `the parent directory of ${path} on ${host} does not exist`, {
        path,
        host,
        hint: 'Use --mkpath to make it, or correct the path',
      });
    }
    count--;
  }
  while (count < depth) await make(context, ++count, false);
}

/** Makes the first `count` components of the root's path; false when what is above them is missing. */
async function make(context: WebdavContext, count: number, mayLackParent: boolean): Promise<boolean> {
  const answer = await context.session.send({ method: 'MKCOL', url: context.urls.aboveRoot(count) });
  await answer.drain();
  // 405: somebody else made it just now.
  if (answer.ok || answer.status === 405) return true;
  const path = `/${context.urls.root.slice(0, count).join('/')}`;
  const failure = statusFailure({ action: 'make the directory', path, host: context.host }, answer.status);
  context.session.noteFailure(failure);
  if (!concernsLink(failure) && failure.code === 'not-found' && mayLackParent) return false;
  throw failure;
}
