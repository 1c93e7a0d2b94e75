/** The text of small files. */
import { hasCode } from '../../core/errors.js';
import type { SftpContext } from './context.js';
import { refusal } from './failures.js';
import { openSource, type SftpSource } from './source.js';

/** The largest file `readText` reads, bytes. */
const textBytesMax = 1024 * 1024;

/**
 * The text of a small file, or `null` when there is no regular file of this name.
 * @throws `unsupported` beyond 1 MiB; `permission`, `network`
 */
export async function readText(context: SftpContext, path: string): Promise<string | null> {
  let source: SftpSource;
  try {
    source = await openSource(context, path);
  } catch (error) {
    if (hasCode(error, 'vanished', 'changed')) return null;
    throw error;
  }
  try {
    if (source.entry.size > textBytesMax) {
      const attempt = context.attempt('read', context.paths.below(path));
      throw refusal(attempt, 'unsupported', `it is larger than ${String(textBytesMax)} bytes`);
    }
    const text = await source.read(0, textBytesMax);
    return text.toString('utf8');
  } finally {
    await source.close();
  }
}
