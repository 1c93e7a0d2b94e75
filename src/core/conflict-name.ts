/** Names of versions that are kept beside: `report.conflict-20261121T134500Z-k3f9.txt`. */
/** Longest name of a file, bytes: what ext4, APFS and most others take. */
const nameBytesMax = 255;
/** The same for filters, as a line of .gitignore. */
export const conflictNamePattern = `*.conflict-${'[0-9]'.repeat(8)}T${'[0-9]'.repeat(6)}Z-*`;

const mark = /^(.*)\.conflict-\d{8}T\d{6}Z-[a-z0-9]+(?:-\d+)?(\.[^.]*)?$/su;

/**
 * The name under which an agent keeps a version of `name`.
 * @param atMs when, ms since 1970
 * @param agent who: lower-case letters and digits
 * @param attempt 1, or more where the name before was taken
 */
export function conflictName(name: string, atMs: number, agent: string, attempt: number): string {
  const dot = name.lastIndexOf('.');
  // A leading dot is no extension, nor is what comes after a dot and is longer than any.
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  const stem = name.slice(0, name.length - extension.length);
  const time = new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const middle = `.conflict-${time}-${agent}${attempt > 1 ? `-${String(attempt)}` : ''}`;
  return cut(stem, nameBytesMax - utf8Length(middle + extension)) + middle + extension;
}

/** Whether a name is one of these. */
export function isConflictName(name: string): boolean {
  return mark.test(name);
}

/** The name whose version this is, as far as it was not cut; `null` for other names. */
export function originalName(name: string): string | null {
  const found = mark.exec(name);
  return found === null ? null : `${found[1]!}${found[2] ?? ''}`;
}

/** The longest beginning of `text` with at most `bytes` bytes, never cut within a character. */
function cut(text: string, bytes: number): string {
  let kept = '';
  let left = bytes;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    left -= utf8Length(segment);
    if (left < 0) break;
    kept += segment;
  }
  return kept;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
