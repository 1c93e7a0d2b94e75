/** Puts a finished temp in the place of its destination. */
import type { Entry } from '../../core/entry.js';
import type { WebdavContext } from './context.js';
import { parentFailure } from './diagnosis.js';
import { concernsLink, refusal, statusFailure } from './failures.js';
import { look } from './propfind.js';

/** What is to be put where; `expected` as for `Temp.publish`. */
export interface Publishing {
  readonly temp: string;
  readonly path: string;
  readonly expected: Entry | null;
}

/**
 * Moves the temp onto its destination. A MOVE that may overwrite would take a whole directory away that stands there by
 * now, so it is looked at just before; in between lies one round trip.
 * @throws `exists`, `not-found` (the temp is gone), `permission`, `no-space`, `network`. The temp is left where it is.
 */
export async function publish(context: WebdavContext, { temp, path, expected }: Publishing): Promise<void> {
  const attempt = context.attempt('put a new version in place of', path);
  if (expected !== null && (await look(context, attempt, path))?.kind === 'directory') {
    throw refusal(attempt, 'exists');
  }
  const answer = await context.session.send({
    method: 'MOVE',
    url: context.urls.below(temp),
    headers: { Destination: context.urls.below(path), Overwrite: expected === null ? 'F' : 'T' },
  });
  await answer.drain();
  if (answer.ok && answer.status !== 207) return;
  if (answer.status === 412) throw refusal(attempt, 'exists');
  const failure = statusFailure(attempt, answer.status);
  context.session.noteFailure(failure);
  if (concernsLink(failure)) throw failure;
  if ((await look(context, attempt, temp)) === null) throw refusal(attempt, 'not-found', 'its temp is gone');
  throw await parentFailure(context, attempt, path, failure);
}
