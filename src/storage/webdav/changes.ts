/** The simple operations: make a directory, set the time, remove. */
import type { Entry } from '../../core/entry.js';
import { hasCode } from '../../core/errors.js';
import type { WebdavContext } from './context.js';
import { parentFailure } from './diagnosis.js';
import { refusal, statusFailure } from './failures.js';
import { list, look } from './propfind.js';
import { sameAsExpected } from './same.js';
import { patchTime } from './times.js';

/** See `Storage.makeDirectory`. Some servers answer 201 for a directory that was there: it is looked first. */
export async function makeDirectory(context: WebdavContext, path: string): Promise<Entry> {
  const attempt = context.attempt('make the directory', path);
  context.urls.below(path);
  if ((await look(context, attempt, path)) !== null) throw refusal(attempt, 'exists');
  const answer = await context.session.send({ method: 'MKCOL', url: context.urls.directory(path) });
  await answer.drain();
  if (!answer.ok) {
    if (answer.status === 405) throw refusal(attempt, 'exists');
    const failure = statusFailure(attempt, answer.status);
    context.session.noteFailure(failure);
    throw await parentFailure(context, attempt, path, failure);
  }
  const made = await look(context, attempt, path);
  if (made?.kind === 'directory') return made;
  throw refusal(attempt, 'changed', 'it was replaced at once');
}

/** See `Storage.setMetadata`: there are no modes, and times on some servers only. */
export async function setMetadata(
  context: WebdavContext,
  path: string,
  expected: Entry,
  { mtimeMs }: { readonly mtimeMs?: number },
): Promise<Entry> {
  const attempt = context.attempt('set the time of', path);
  context.urls.below(path);
  const present = await look(context, attempt, path);
  if (present === null || !sameAsExpected(present, expected)) throw refusal(attempt, 'changed', isOther);
  if (mtimeMs === undefined || context.abilities.times.patch === null) return present;
  await patchTime(context, attempt, path, mtimeMs);
  const seen = await look(context, attempt, path);
  if (seen?.kind !== present.kind) throw refusal(attempt, 'changed', isOther);
  return seen;
}

/** See `Storage.move`. */
export async function move(
  context: WebdavContext,
  from: string,
  to: string,
  expected: Entry,
): Promise<Entry> {
  const attempt = context.attempt('rename', from);
  const onto = context.attempt('rename something to', to);
  context.urls.below(from);
  context.urls.below(to);
  const [present, taken] = await Promise.all([look(context, attempt, from), look(context, onto, to)]);
  if (present === null || !sameAsExpected(present, expected)) throw refusal(attempt, 'changed', isOther);
  if (taken !== null) throw refusal(onto, 'exists');
  const urlOf = (path: string) =>
    present.kind === 'directory' ? context.urls.directory(path) : context.urls.below(path);
  const headers = { Destination: urlOf(to), Overwrite: 'F' };
  const answer = await context.session.send({ method: 'MOVE', url: urlOf(from), headers });
  await answer.drain();
  if (answer.status === 412) throw refusal(onto, 'exists');
  if (!answer.ok || answer.status === 207) {
    const failure = answer.ok
      ? refusal(attempt, 'permission', 'the server kept some of it')
      : statusFailure(onto, answer.status);
    context.session.noteFailure(failure);
    throw await parentFailure(context, onto, to, failure);
  }
  const moved = await look(context, onto, to);
  if (moved?.kind === present.kind) return moved;
  throw refusal(onto, 'changed', 'it was replaced at once');
}

/**
 * See `Storage.remove`. DELETE takes a directory with all that is in it, so it is listed just before; what is put into it
 * within that round trip goes too.
 */
export async function remove(context: WebdavContext, path: string, expected: Entry): Promise<void> {
  const attempt = context.attempt('remove', path);
  context.urls.below(path);
  const present = await look(context, attempt, path);
  if (present === null) return;
  if (!sameAsExpected(present, expected)) throw refusal(attempt, 'changed', isOther);
  const directory = present.kind === 'directory';
  if (directory && !(await isEmpty(context, path))) throw refusal(attempt, 'not-empty');
  const url = directory ? context.urls.directory(path) : context.urls.below(path);
  const status = await context.command(attempt, { method: 'DELETE', url }, [404, 410]);
  // Some of it could not be removed.
  if (status === 207) throw refusal(attempt, 'permission', 'the server kept some of it');
}

async function isEmpty(context: WebdavContext, directory: string): Promise<boolean> {
  try {
    return (await list(context, context.attempt('list', directory), directory)).length === 0;
  } catch (error) {
    if (hasCode(error, 'not-found')) return true;
    throw error;
  }
}

const isOther = 'it is not what it was when this was planned';
