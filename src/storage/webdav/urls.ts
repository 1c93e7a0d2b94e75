/** Paths of the tree as the server is told them; the one place where a path is checked before anything is sent. */
import { asTowlineError, TowlineError } from '../../core/errors.js';
import { componentsOf, componentsOrRoot } from '../checked.js';
import type { WebdavTarget } from './target.js';

/** Why this path cannot be sent, or `null`. A lone surrogate has no UTF-8. */
export function pathProblem(path: string): TowlineError | null {
  try {
    componentsOrRoot(path);
  } catch (error) {
    return asTowlineError(error);
  }
  if (path.isWellFormed()) return null;
  return new TowlineError('name', `${JSON.stringify(path)} is refused: it cannot be written as UTF-8`, {
    path,
  });
}

/** Maps paths of the tree (core/path.ts) to addresses of the server. */
export class RootedUrls {
  /** The decoded components of the root's own path. */
  readonly root: readonly string[];
  readonly #origin: string;

  constructor({ scheme, host, port, path }: WebdavTarget) {
    this.root = path.split('/').filter((component) => component !== '');
    this.#origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  }

  /**
   * The address of something below the root.
   * @throws `name` for the root itself, and for what could leave it or change on the way
   */
  below(path: string): string {
    componentsOf(path);
    return this.#url(path);
  }

  /** The same, with `''` for the root; as a directory: with a slash at the end. */
  directory(path: string): string {
    const url = this.#url(path);
    return url.endsWith('/') ? url : `${url}/`;
  }

  /** The address of the first `count` components of the root's own path, as a directory. */
  aboveRoot(count: number): string {
    const components = this.root.slice(0, count).map(encodeURIComponent);
    return `${this.#origin}/${components.map((component) => `${component}/`).join('')}`;
  }

  /** The decoded components of this path, the root's included: what an answer about it must begin with. */
  components(path: string): string[] {
    return [...this.root, ...componentsOrRoot(path)];
  }

  #url(path: string): string {
    const problem = pathProblem(path);
    if (problem !== null) throw problem;
    return `${this.#origin}/${this.components(path).map(encodeURIComponent).join('/')}`;
  }
}
