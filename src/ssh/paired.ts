import { TowlineError } from '../core/errors.js';
import type { Attributes } from './channel.js';

/** SFTP carries both times and both owners or none: ssh2 leaves a single one out without a word. */
export function paired(attributes: Attributes): Attributes {
  const { uid, gid, atime, mtime } = attributes;
  if ((uid === undefined) === (gid === undefined) && (atime === undefined) === (mtime === undefined))
    return attributes;
  throw new TowlineError(
    'internal',
    'times and owners can only be set in pairs (atime with mtime, uid with gid)',
  );
}
