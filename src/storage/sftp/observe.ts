/** The state of many paths at once. */
import { throwIfAborted } from '../../core/abort.js';
import { asTowlineError, TowlineError } from '../../core/errors.js';
import { ancestorsOf } from '../../core/path.js';
import type { Observed } from '../../ports.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { entryOf, kindOf } from './attributes.js';
import { mapBounded } from '../bounded.js';
import type { SftpContext } from './context.js';
import { concernsLink, refusal } from './failures.js';
import { look, statOrNull } from './look.js';
import { pathProblem } from './paths.js';

/** Paths looked at at the same time, at most. */
const looksInFlightMax = 512;

/**
 * See `Storage.observe`. The directories above are looked at in the same flight, once each: what lies behind a link or a
 * file is not in the tree, whatever LSTAT says, and a failure below something that is no directory means "not there".
 * @throws `network`, `interrupted`
 */
export async function observe(
  context: SftpContext,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Observed[]> {
  throwIfAborted(signal);
  const channel = await context.channel('transfer');
  const asked = new Set<string>();
  for (const path of paths) {
    if (pathProblem(path) === null) for (const above of ancestorsOf(path)) asked.add(above);
  }
  for (const path of paths) asked.add(path);
  const seen = new Map<string, Observed>();
  await mapBounded([...asked], looksInFlightMax, async (path) => {
    throwIfAborted(signal);
    seen.set(path, await observeOne(context, channel, path));
  });
  return paths.map((path) => outcome(context, seen, path));
}

async function observeOne(context: SftpContext, channel: SftpChannel, path: string): Promise<Observed> {
  try {
    const attempt = context.attempt('look at', context.paths.of(path));
    if (path !== '') return await look(channel, attempt);
    // The root may be a link to a directory.
    const attributes = await statOrNull(channel, attempt);
    if (attributes === null) return null;
    if (kindOf(attributes) === 'directory') return entryOf('directory', attributes);
    return refusal(attempt, 'configuration', 'it is a file, not a directory');
  } catch (error) {
    if (concernsLink(error)) throw error;
    return asTowlineError(error);
  }
}

/** What is at `path`, given what is above it. */
function outcome(context: SftpContext, seen: ReadonlyMap<string, Observed>, path: string): Observed {
  const here = seen.get(path) ?? null;
  if (pathProblem(path) !== null) return here;
  const above = ancestorsOf(path);
  for (const directory of above) {
    const observed = seen.get(directory) ?? null;
    if (observed instanceof TowlineError) return here instanceof TowlineError ? here : observed;
    if (observed?.kind !== 'directory') return null;
  }
  for (const directory of above) context.directories.remember(directory);
  return here;
}
