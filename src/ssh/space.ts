/** What `statvfs@openssh.com` answers (OpenSSH's PROTOCOL file, section 4.5), as ssh2 hands it on. */
import { TowlineError } from '../core/errors.js';
import type { FileSystemSpace } from './channel.js';

/**
 * @param host for messages
 * @throws `protocol` when the free space is not in it
 */
export function spaceOf(answer: unknown, host: string): FileSystemSpace {
  const [available, unit] = [numberIn(answer, 'f_bavail'), numberIn(answer, 'f_frsize')];
  if (available === null || unit === null) {
    throw new TowlineError('protocol', `${host} answered without the free space that was asked for`, {
      host,
    });
  }
  const nameBytesMax = numberIn(answer, 'f_namemax');
  const space = { freeBytes: available * unit, ...(nameBytesMax === null ? {} : { nameBytesMax }) };
  // ssh2's name for f_fsid.
  const [id, blocks, inodes] = [
    numberIn(answer, 'f_sid'),
    numberIn(answer, 'f_blocks'),
    numberIn(answer, 'f_files'),
  ];
  if (id === null || blocks === null || inodes === null) return space;
  return { ...space, identity: { id, blocks, inodes } };
}

function numberIn(answer: unknown, field: string): number | null {
  const value: unknown =
    typeof answer === 'object' && answer !== null ? Reflect.get(answer, field) : undefined;
  return typeof value === 'number' ? value : null;
}
