/** Which options go with `transport: rsync`. */
import { TowlineError } from '../core/errors.js';
import { isMirror, type Mode } from '../core/policy.js';
import type { PairOptions } from './options.js';

const sftpHint = 'Leave one of them out';

/**
 * Refuses what rsync would not do, before anything is touched.
 * @throws `configuration`, naming the option, why it cannot be, and what to do
 */
export function checkRsyncOptions(options: PairOptions, mode: Mode): void {
  if (!isMirror(mode)) throw against(`mode ${mode}`, 'it carries one way only', 'Use mode push or pull');
  const { compare = 'checksum', onDrift = 'overwrite', afterSync = [] } = options;
  if (compare !== 'checksum') throw against(`compare ${compare}`, 'it always compares contents');
  if (options.force === true) throw against('force', 'it sends what differs, and nothing else');
  if (onDrift !== 'overwrite') throw against(`onDrift ${onDrift}`, 'it overwrites what others changed');
  if (options.maxSize !== undefined) {
    throw against(
      'maxSize',
      'it does not see how large a file is on the side that it writes',
      'Use --exclude',
    );
  }
  if (afterSync.length > 0) {
    const hint = "Run the command behind it: 'towline push … && COMMAND'";
    throw against('afterSync', 'rsync carries no batches that it could follow', hint);
  }
  for (const secret of ['passwordFile', 'passwordCommand', 'passphraseFile'] as const) {
    if (options[secret] === undefined) continue;
    throw against(
      secret,
      'its ssh logs in with keys only',
      'Load the key into ssh-agent, or leave one of them out',
    );
  }
}

function against(option: string, why: string, hint = sftpHint): TowlineError {
  return new TowlineError('configuration', `transport rsync does not go with ${option}: ${why}`, { hint });
}
