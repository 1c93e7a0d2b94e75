/**
 * Relative paths as both sides use them: `/` between components, no leading or trailing slash, `''` for the root.
 *
 * The total order of scans and stores is by bytes, component by component, so that a directory is followed at once by
 * all that is in it (`a`, `a/b`, `a-b`): the order of the UTF-8 bytes with `/` taken as NUL.
 */

/** The directory that holds `path`; `''` for a path of one component. The root has no parent: `null`. */
export function parentOf(path: string): string | null {
  if (path === '') return null;
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

/** The last component of `path`. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `name` inside `directory`, which may be the root (`''`). */
export function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The directories above `path`, outermost first, without the root and without `path` itself. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    ancestors.push(path.slice(0, slash));
  }
  return ancestors;
}

/** Whether `path` lies below `directory` (not the directory itself). Everything but the root lies below the root. */
export function isBelow(path: string, directory: string): boolean {
  if (directory === '') return path !== '';
  return (
    path.length > directory.length && path.charCodeAt(directory.length) === 0x2f && path.startsWith(directory)
  );
}

/** The place of a UTF-16 unit in the order of UTF-8 bytes: `/` before all, surrogates after the rest of the plane. */
function rank(unit: number): number {
  if (unit === 0x2f) return 0;
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Compares two paths in the total order of scans and stores.
 * @returns negative, zero or positive
 */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Whether every name of a path can be carried to the other side. */
export function isCarriable(path: string): boolean {
  return path.split('/').every((name) => nameProblem(name) === null);
}

/** Why a name received from a side cannot be used as one component of a path, or `null` when it can. */
export function nameProblem(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'is not a file name';
  if (name.includes('/')) return 'holds a slash';
  if (name.includes('\0')) return 'holds a NUL';
  if (name.includes('\ufffd'))
    return 'is not valid UTF-8 (or holds U+FFFD), which SFTP libraries cannot carry';
  return null;
}

const windowsForbidden = /[\\:*?"<>|\u0001-\u001f]/;
const windowsDevice = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])( *\.|$)/i;

/** Why Windows cannot have a file of this name (or takes it for something else: a backslash, a stream, a device), or `null`. */
export function windowsNameProblem(name: string): string | null {
  if (windowsForbidden.test(name)) return 'holds a character that Windows does not allow in names';
  if (windowsDevice.test(name)) return 'is the name of a device on Windows';
  if (/[. ]$/.test(name)) return 'ends with a dot or a blank, which Windows takes away';
  return null;
}
