/**
 * Sees changes of files that chokidar 6 swallows: what follows a change of the same file within 50 ms and leaves size and
 * modification time alone (a linker's `chmod +x` right after its last write).
 *
 * A file the kernel reported after chokidar spoke of it is looked at once things are calm; what changed after chokidar
 * spoke is told.
 */
import { lstat } from 'node:fs/promises';

/** More names than this are left to the next scan. */
const candidatesMax = 20_000;
const concurrency = 16;

export class FileCheck {
  readonly #absolute: (path: string) => string;
  /** When chokidar last told of a path, ms since 1970. */
  #toldMs = new Map<string, number>();
  #candidates = new Set<string>();

  /** @param absolute the place of a path of the tree */
  constructor(absolute: (path: string) => string) {
    this.#absolute = absolute;
  }

  /** The kernel told of a change of this file. */
  touched(path: string): void {
    if (this.#candidates.size < candidatesMax) this.#candidates.add(path);
  }

  /** Chokidar told of this path. */
  told(path: string): void {
    this.#candidates.delete(path);
    if (this.#toldMs.size < candidatesMax) this.#toldMs.set(path, Date.now());
  }

  /** The paths that changed after chokidar told of them. One that cannot be seen is left to the next event or scan. */
  async look(): Promise<string[]> {
    const candidates = [...this.#candidates];
    const toldMs = this.#toldMs;
    this.#candidates = new Set();
    this.#toldMs = new Map();
    const missed: string[] = [];
    for (let at = 0; at < candidates.length; at += concurrency) {
      await Promise.all(
        candidates.slice(at, at + concurrency).map(async (path) => {
          const changedMs = await this.#changedMs(path);
          if (changedMs !== null && changedMs > (toldMs.get(path) ?? 0)) missed.push(path);
        }),
      );
    }
    return missed;
  }

  async #changedMs(path: string): Promise<number | null> {
    try {
      return (await lstat(this.#absolute(path))).ctimeMs;
    } catch {
      // Gone by now, or in a folder that cannot be entered: the next event or scan tells.
      return null;
    }
  }
}
