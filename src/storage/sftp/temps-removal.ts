/** Removes temps, whatever lies under their names. */
import { hasCode } from '../../core/errors.js';
import { isTransientName } from '../../core/lock.js';
import { nameOf, nameProblem } from '../../core/path.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { clearAside } from './aside.js';
import { kindOf } from './attributes.js';
import { mapBounded } from '../bounded.js';
import type { SftpContext } from './context.js';
import { listDirectory } from './listing.js';
import { pathProblem } from './paths.js';

/** Removals under way, at most: of temps, and inside one that is a directory. */
const removalsInFlightMax = 256;
const insideInFlightMax = 16;

/** See `Storage.removeTemps`. What is not named as a temp is left alone and not returned. */
export async function removeTemps(context: SftpContext, paths: readonly string[]): Promise<string[]> {
  const temps = paths.filter((path) => pathProblem(path) === null && isTransientName(nameOf(path)));
  const [opened] = await Promise.allSettled([context.channel('transfer')]);
  if (opened.status === 'rejected') return [];
  const gone = await mapBounded(temps, removalsInFlightMax, (path) => isGone(context, opened.value, path));
  return temps.filter((_path, index) => gone[index]);
}

/** Tries to remove one temp; whatever went wrong, the answer is only whether it is certainly gone. */
async function isGone(context: SftpContext, channel: SftpChannel, path: string): Promise<boolean> {
  try {
    await context.directories.confirmParent(channel, path);
    const temp = context.paths.below(path);
    await Promise.all([removeAll(channel, temp), clearAside(channel, temp)]);
    return true;
  } catch (error) {
    // `changed`: its directory is none any more, so that this path leads nowhere.
    return hasCode(error, 'not-found', 'changed');
  }
}

/** Removes a file, link or directory with all that is in it; links are not followed. */
async function removeAll(channel: SftpChannel, serverPath: string): Promise<void> {
  try {
    await channel.removeFile(serverPath);
  } catch (error) {
    if (hasCode(error, 'not-found')) return;
    const attributes = await channel.lstatOrNull(serverPath);
    if (attributes === null) return;
    if (kindOf(attributes) !== 'directory') throw error;
    const items = await listDirectory(channel, serverPath);
    const inside = items.filter(({ name }) => nameProblem(name) === null);
    await mapBounded(inside, insideInFlightMax, ({ name }) => removeAll(channel, `${serverPath}/${name}`));
    await channel.removeDirectory(serverPath);
  }
}
