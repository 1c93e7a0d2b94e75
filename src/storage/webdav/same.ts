/** Whether something on the server is still what was seen. */
import { sameRevision } from '../../core/compare.js';
import type { Entry } from '../../core/entry.js';

/**
 * As `sameRevision`, and of the same entity tag where both are known: times are whole seconds, and servers whose times
 * cannot be set give a new file the time of its upload.
 */
export function sameAsExpected(now: Entry, expected: Entry): boolean {
  const sameTag = now.etag === undefined || expected.etag === undefined || now.etag === expected.etag;
  return sameRevision(now, expected) && sameTag;
}
