/**
 * Sees what chokidar 6 does not tell: a folder whose mode changed, a file that became a folder in one go (neither it nor
 * what it holds later would be seen), a folder that became a link in one go (what it points to would be watched).
 *
 * Each name the kernel reports and chokidar gives no event for is looked at once things are calm. What is not of the
 * kind it was said to be is looked at once more, in case chokidar is only late.
 */
import { lstat } from 'node:fs/promises';
import type { WatchEventKind } from '../core/stream.js';

/** More names than this are left to the next scan. */
const candidatesMax = 20_000;
const concurrency = 16;

export interface FolderFindings {
  /** Folders that something happened to: mode or times. */
  readonly touched: readonly string[];
  /** Paths to look at once more: `look` again. */
  readonly suspects: readonly string[];
  /** Paths whose kind is not what chokidar takes it for, for good: it has to be started anew. */
  readonly misjudged: readonly string[];
}

export class FolderCheck {
  readonly #absolute: (path: string) => string;
  /** Folders chokidar told of. */
  readonly #folders = new Set<string>();
  #candidates = new Set<string>();
  #suspects = new Set<string>();

  /** @param absolute the place of a path of the tree */
  constructor(absolute: (path: string) => string) {
    this.#absolute = absolute;
  }

  /** A folder that is watched from the start on. */
  knows(path: string): void {
    this.#folders.add(path);
  }

  /** The kernel told of this name. */
  touched(path: string): void {
    if (this.#candidates.size < candidatesMax) this.#candidates.add(path);
  }

  /** Chokidar told of this path. */
  told(kind: WatchEventKind, path: string): void {
    if (kind === 'addDir') this.#folders.add(path);
    else if (kind === 'unlinkDir') this.#folders.delete(path);
    // A folder that is said to be a file now, or that stays: to be looked at.
    else if (kind === 'change' || this.#folders.has(path)) return;
    this.#candidates.delete(path);
    this.#suspects.delete(path);
  }

  /** Looks at what is open, once. A path that cannot be seen is left to the scan. */
  async look(): Promise<FolderFindings> {
    const before = this.#suspects;
    const paths = [...new Set([...before, ...this.#candidates])];
    this.#candidates = new Set();
    this.#suspects = new Set();
    const findings = { touched: [] as string[], suspects: [] as string[], misjudged: [] as string[] };
    for (let at = 0; at < paths.length; at += concurrency) {
      const some = paths.slice(at, at + concurrency);
      const kinds = await Promise.all(some.map((path) => this.#isFolder(path)));
      some.forEach((path, index) => {
        const isFolder = kinds[index];
        if (isFolder === null || isFolder === undefined) return;
        if (isFolder === this.#folders.has(path)) {
          if (isFolder) findings.touched.push(path);
        } else if (before.has(path)) {
          findings.misjudged.push(path);
        } else {
          findings.suspects.push(path);
          this.#suspects.add(path);
        }
      });
    }
    return findings;
  }

  async #isFolder(path: string): Promise<boolean | null> {
    try {
      return (await lstat(this.#absolute(path))).isDirectory();
    } catch {
      // Gone by now, or in a folder that cannot be entered: the next event or scan tells.
      return null;
    }
  }
}
