/** Paths of the tree as the server is told them; the one place where a path is checked before anything is sent. */
import { asTowlineError, TowlineError } from '../../core/errors.js';
import { componentsOf } from '../checked.js';

/** Whatever `nameProblem` objects to in some component, found in one pass: this runs for every request. */
const suspicious = /(?:^|\/)\.{0,2}(?:\/|$)|[\0\ufffd]/;

/** Why this path cannot be sent, or `null`. Lone surrogates would arrive as U+FFFD, so as another name. */
export function pathProblem(path: string): TowlineError | null {
  try {
    if (suspicious.test(path)) componentsOf(path);
  } catch (error) {
    return asTowlineError(error);
  }
  if (path.isWellFormed()) return null;
  return new TowlineError('name', `${JSON.stringify(path)} is refused: it cannot be written as UTF-8`, {
    path,
  });
}

/** The length of the longest component, bytes: servers answer one that is too long with an unspecific failure. */
export function longestNameBytes(serverPath: string): number {
  return Math.max(...serverPath.split('/').map((name) => Buffer.byteLength(name)));
}

/** Names up to this many bytes fit everywhere: encrypting file systems (eCryptfs) take no more. */
export const shortNameBytesMax = 143;

/** Maps paths of the tree (core/path.ts) to paths of the server. */
export class RootedPaths {
  /** The root as the server is told it; never empty. */
  readonly root: string;
  readonly #prefix: string;

  /**
   * @param root absolute, or relative to the directory the login starts in; `''` and `'.'` are that directory
   * @throws `configuration` when it holds what no path can hold
   */
  constructor(root: string) {
    if (root.includes('\0') || root.includes('\ufffd') || !root.isWellFormed()) {
      throw new TowlineError(
        'configuration',
        `the remote directory ${JSON.stringify(root)} cannot be named over SFTP`,
      );
    }
    const trimmed = root.replace(/\/+$/, '');
    this.root = trimmed !== '' ? trimmed : root.startsWith('/') ? '/' : '.';
    this.#prefix = this.root === '.' ? '' : this.root === '/' ? '/' : `${this.root}/`;
  }

  /**
   * The server's path of something below the root.
   * @throws `name` for the root itself, and for what could leave the root or change on the way
   */
  below(path: string): string {
    const problem = pathProblem(path);
    if (problem !== null) throw problem;
    return this.#prefix + path;
  }

  /** The same, with `''` for the root. */
  of(path: string): string {
    return path === '' ? this.root : this.below(path);
  }
}
