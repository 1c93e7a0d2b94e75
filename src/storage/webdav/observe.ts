/** The state of many paths at once. */
import { throwIfAborted } from '../../core/abort.js';
import { asTowlineError, hasCode, TowlineError } from '../../core/errors.js';
import { nameOf, parentOf } from '../../core/path.js';
import type { Observed } from '../../ports.js';
import { mapBounded } from '../bounded.js';
import type { WebdavContext } from './context.js';
import { concernsLink, refusal } from './failures.js';
import { entryOf, list, look } from './propfind.js';
import { pathProblem } from './urls.js';

/** Requests under way, at most. */
const looksInFlightMax = 16;
/** From this many paths of one directory on, listing it is cheaper than asking for each. */
const listedFrom = 32;

/**
 * See `Storage.observe`.
 * @throws `network`, `authentication`, `host-key`, `interrupted`
 */
export async function observe(
  context: WebdavContext,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Observed[]> {
  throwIfAborted(signal);
  const seen = new Map<string, Observed>();
  const work: (() => Promise<void>)[] = [];
  for (const [parent, group] of groups(paths, seen)) {
    const each = () =>
      group.map((path) => async () => void seen.set(path, await observeOne(context, path, signal)));
    if (group.length < listedFrom) work.push(...each());
    else work.push(() => observeByListing(context, parent, group, seen, signal));
  }
  await mapBounded(work, looksInFlightMax, (one) => {
    throwIfAborted(signal);
    return one();
  });
  return paths.map((path) => seen.get(path) ?? null);
}

/** The paths that can be asked for, by directory; the others get their answer at once. */
function groups(paths: readonly string[], seen: Map<string, Observed>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of new Set(paths)) {
    const problem = pathProblem(path);
    if (problem !== null) {
      seen.set(path, problem);
      continue;
    }
    const parent = path === '' ? '' : (parentOf(path) ?? '');
    const group = found.get(parent);
    if (group === undefined) found.set(parent, [path]);
    else group.push(path);
  }
  return found;
}

async function observeOne(context: WebdavContext, path: string, signal?: AbortSignal): Promise<Observed> {
  const attempt = context.attempt('look at', path);
  try {
    const entry = await look(context, attempt, path, signal);
    if (path !== '' || entry === null || entry.kind === 'directory') return entry;
    return refusal(attempt, 'configuration', 'it is a file, not a directory');
  } catch (error) {
    if (concernsLink(error)) throw error;
    return asTowlineError(error);
  }
}

async function observeByListing(
  context: WebdavContext,
  parent: string,
  group: readonly string[],
  seen: Map<string, Observed>,
  signal?: AbortSignal,
): Promise<void> {
  const listed = await listing(context, parent, signal);
  for (const path of group) {
    if (path === '') seen.set(path, await observeOne(context, path, signal));
    else seen.set(path, listed instanceof TowlineError ? listed : (listed.get(nameOf(path)) ?? null));
  }
}

/** What is in a directory by name; nothing where there is no such directory. */
async function listing(
  context: WebdavContext,
  directory: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Observed> | TowlineError> {
  const attempt = context.attempt('list', directory);
  const found = new Map<string, Observed>();
  try {
    for (const { name, response } of await list(context, attempt, directory, signal)) {
      found.set(
        name,
        entryOf(response) ?? refusal(attempt, 'unsupported', `the length of '${name}' is not told`),
      );
    }
  } catch (error) {
    if (concernsLink(error)) throw error;
    if (hasCode(error, 'not-found', 'changed')) return new Map();
    // Below a file servers answer in many ways.
    const above = directory === '' ? null : await observeOne(context, directory, signal);
    return above === null || above instanceof TowlineError || above.kind === 'directory'
      ? asTowlineError(error)
      : new Map<string, Observed>();
  }
  return found;
}
