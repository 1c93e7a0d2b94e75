/** Free space of the server. */
import { hasCode } from '../../core/errors.js';
import { parentOf } from '../../core/path.js';
import type { SftpContext } from './context.js';
import { offers } from './capabilities.js';
import { failureOf } from './failures.js';

/** See `Storage.freeBytes`: of the file system of the nearest directory above `path` that exists. */
export async function freeBytes(context: SftpContext, path: string): Promise<number | null> {
  context.paths.of(path);
  const channel = await context.channel('transfer');
  if (!offers(channel.extensions, 'statvfs')) return null;
  for (let directory = parentOf(path) ?? ''; ; directory = parentOf(directory) ?? '') {
    const attempt = context.attempt('ask for the free space of', context.paths.of(directory));
    try {
      return (await channel.space(attempt.path)).freeBytes;
    } catch (error) {
      if (hasCode(error, 'unsupported')) return null;
      if (directory === '' || !hasCode(error, 'not-found')) throw failureOf(attempt, error);
    }
  }
}
