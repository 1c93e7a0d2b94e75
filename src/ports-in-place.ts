/** The contract of writing into a destination itself: see ports.ts for all others. */
import type { Entry } from './core/entry.js';
import type { Storage, Temp } from './ports.js';

/** A side whose files can also be written where they are, for callers who ask for that and give up what a temp promises. */
export interface InPlaceStorage extends Storage {
  /**
   * Opens the destination itself for writing, never through a symlink: the file that is `expected`, cut to `offset` bytes
   * (which count as acknowledged), or a new one (exclusively, mode 0600) when that is `null`. Of the result `publish` does
   * nothing, and `discard` leaves what was written, as `leave` does.
   * @throws `exists` (something is there, or no file), `changed` or `not-found` (no longer `expected`)
   */
  openInPlace(path: string, expected: Entry | null, offset: number): Promise<Temp>;
}

/** Whether this side can be written to in place (a WebDAV server cannot: a PUT replaces the whole). */
export function isInPlace(storage: Storage): storage is InPlaceStorage {
  return 'openInPlace' in storage;
}
