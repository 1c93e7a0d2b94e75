/** Makes sure that the root is a directory. */
import { TowlineError } from '../../core/errors.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { kindOf } from './attributes.js';
import type { SftpContext } from './context.js';
import { creationFailure } from './diagnosis.js';
import { refusal, type Attempt } from './failures.js';
import { statOrNull } from './look.js';

/**
 * See `Storage.ensureRoot`. A link to a directory will do.
 * @throws `configuration` when a file is in the way; `not-found` when the parent is missing and `parents` was not asked
 * for; `permission`, `no-space`, `network`
 */
export async function ensureRoot(
  context: SftpContext,
  options: { readonly parents: boolean },
): Promise<void> {
  const channel = await context.channel('transfer');
  const { root } = context.paths;
  const missing: string[] = [];
  for (let directory: string | null = root; directory !== null; directory = directoryAbove(directory)) {
    if (await isDirectory(channel, context.attempt('use', directory))) break;
    missing.unshift(directory);
  }
  if (missing.length > 1 && !options.parents) {
    throw new TowlineError('not-found', `the parent directory of ${root} on ${context.host} does not exist`, {
      path: root,
      host: context.host,
      hint: 'Use --mkpath to make it, or correct the path',
    });
  }
  for (const directory of missing) await make(channel, context.attempt('make the directory', directory));
}

async function make(channel: SftpChannel, attempt: Attempt): Promise<void> {
  try {
    await channel.makeDirectory(attempt.path, {});
  } catch (error) {
    const failure = await creationFailure(channel, attempt, error);
    if (failure.code !== 'exists') throw failure;
    // Somebody else made it just now; or it is a link that leads nowhere.
    if (await isDirectory(channel, attempt)) return;
    throw refusal(attempt, 'configuration', 'it is a symlink that leads nowhere');
  }
}

async function isDirectory(channel: SftpChannel, attempt: Attempt): Promise<boolean> {
  const attributes = await statOrNull(channel, attempt);
  if (attributes === null) return false;
  if (kindOf(attributes) === 'directory') return true;
  throw refusal(attempt, 'configuration', 'it is a file, not a directory');
}

/** `null` above the first component: there `/`, or the directory of the login, exists. */
function directoryAbove(serverPath: string): string | null {
  const slash = serverPath.lastIndexOf('/');
  return slash <= 0 ? null : serverPath.slice(0, slash).replace(/\/+$/, '') || null;
}
