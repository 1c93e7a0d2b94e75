/**
 * Attributes of the wire and entries.
 *
 * Times of SFTP version 3 are unsigned 32-bit seconds (draft-ietf-secsh-filexfer-02, section 5), and OpenSSH takes them
 * as such in both directions: what lies before 1970 can neither be set nor be told from a time after 2038. So what is
 * read is taken as it stands, and a time that cannot be carried is set to the nearest one that can: a file of 1969 has
 * mtime 0 over there. With a base each side is compared with its own past; without one core/compare.ts compares
 * `wireSeconds` of both times, so that a second run is quiet either way.
 */
import { wireSeconds } from '../../core/compare.js';
import type { Entry, Kind } from '../../core/entry.js';
import type { Attributes } from '../../ssh/channel.js';

/** `special`: a socket, device or FIFO; `unknown`: the server sent no type. */
export type WireKind = Kind | 'special' | 'unknown';

/** What these attributes belong to. */
export function kindOf(attributes: Attributes): WireKind {
  switch ((attributes.mode ?? 0) & 0o170000) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    case 0:
      return 'unknown';
    default:
      return 'special';
  }
}

/** The entry of something of this kind; `target` is for symlinks. */
export function entryOf(kind: Kind, attributes: Attributes, target?: string): Entry {
  const { uid, gid } = attributes;
  return {
    kind,
    // No file is longer; a server may say anything.
    size: kind === 'file' ? Math.min(attributes.size ?? 0, Number.MAX_SAFE_INTEGER) : 0,
    mtimeMs: (attributes.mtime ?? 0) * 1000,
    mode: (attributes.mode ?? 0) & 0o7777,
    ...(target === undefined ? undefined : { target }),
    ...(uid === undefined || gid === undefined ? undefined : { uid, gid }),
  };
}

/** A change of metadata, as callers ask for it. */
export interface MetadataChange {
  readonly mode?: number;
  /** Milliseconds since 1970. */
  readonly mtimeMs?: number;
}

/**
 * The attributes that make this change; `null` when there is nothing to change. Both times are sent: one alone is
 * silently ignored by OpenSSH.
 */
export function attributesFor(change: MetadataChange): Attributes | null {
  const { mode, mtimeMs } = change;
  if (mode === undefined && mtimeMs === undefined) return null;
  const permissions = mode === undefined ? undefined : { mode: mode & 0o7777 };
  if (mtimeMs === undefined) return { ...permissions };
  const seconds = wireSeconds(mtimeMs);
  return { ...permissions, atime: seconds, mtime: seconds };
}
