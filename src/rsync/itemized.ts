/** What rsync says of each path it changes, with `--out-format=%i %l %n` (rsync(1), `--itemize-changes`). */

export interface Item {
  readonly path: string;
  /**
   * `file` and `symlink`: carried over; `directory`: made; `metadata`: only mode or times were set.
   */
  readonly done: 'file' | 'symlink' | 'directory' | 'metadata';
  /** Bytes of content; 0 unless `done` is `file`. */
  readonly size: number;
}

const pattern = /^([<>ch.])([fdL])(.{9}) (\d+) (.*)$/s;

/**
 * Reads one line; `null` when it says something else.
 * @param line as latin-1: one character for each byte
 */
export function readItem(line: string): Item | null {
  const match = pattern.exec(line);
  if (match === null) return null;
  const [, update, kind, what = '', size, name = ''] = match;
  const path = unescaped(name).replace(/\/$/, '');
  // The root itself: its times are set by nobody else than rsync's list.
  if (path === '' || path === '.') return null;
  if (kind === 'f' && (update === '<' || update === '>')) return { path, done: 'file', size: Number(size) };
  const isNew = what.startsWith('+') || update === 'c';
  if (!isNew) return { path, done: 'metadata', size: 0 };
  return { path, done: kind === 'd' ? 'directory' : 'symlink', size: 0 };
}

/** rsync writes control characters as `\#` and three octal digits, and a backslash that begins such a text as well. */
function unescaped(name: string): string {
  const bytes = name.replace(/\\#([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
