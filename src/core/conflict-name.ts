/** Names of versions that are kept beside: `report.conflict-20261121T134500Z-k3f9.txt`. */
/** Longest name of a file, bytes: what ext4, APFS and most others take. */
const nameBytesMax = 255;
/** The same for filters, as a line of .gitignore. */
export const conflictNamePattern = `*.conflict-${'[0-9]'.repeat(8)}T${'[0-9]'.repeat(6)}Z-*`;

const mark = /^(.*)(\.conflict-\d{8}T\d{6}Z-[a-z0-9]+(?:-\d+)?)(\.[^.]*)?$/su;

/**
 * The name under which an agent keeps a version of `name`.
 * @param atMs when, ms since 1970
 * @param agent who: lower-case letters and digits
 * @param attempt 1, or more where the name before was taken
 */
export function conflictName(name: string, atMs: number, agent: string, attempt: number): string {
  const { stem, extension } = partsOf(name);
  const time = new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const middle = `.conflict-${time}-${agent}${attempt > 1 ? `-${String(attempt)}` : ''}`;
  return fitting(stem, middle, extension) + middle + extension;
}

/** Whether `copy` is a name under which some agent keeps a version of `name`. */
export function isConflictNameOf(copy: string, name: string): boolean {
  const found = mark.exec(copy);
  if (found === null) return false;
  const { stem, extension } = partsOf(name);
  const [, kept, middle, ending = ''] = found;
  return ending === extension && kept === fitting(stem, middle!, extension);
}

function partsOf(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  // A leading dot is no extension, nor is what comes after a dot and is longer than any.
  const extension = dot > 0 && name.length - dot <= 16 ? name.slice(dot) : '';
  return { stem: name.slice(0, name.length - extension.length), extension };
}

/** As much of the stem as there is room for. */
function fitting(stem: string, middle: string, extension: string): string {
  return cut(stem, nameBytesMax - utf8Length(middle + extension));
}

/** The longest beginning of `text` with at most `bytes` bytes, never cut within a character. */
function cut(text: string, bytes: number): string {
  if (utf8Length(text) <= bytes) return text;
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  // One character of a hundred accents: better cut than gone.
  return beginning(characters, bytes) || beginning(Array.from(text), bytes);
}

function beginning(pieces: readonly string[], bytes: number): string {
  let kept = '';
  let left = bytes;
  for (const piece of pieces) {
    left -= utf8Length(piece);
    if (left < 0) break;
    kept += piece;
  }
  return kept;
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
