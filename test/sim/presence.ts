/** What was at each path of a side, and when. */
import type { Kind } from '../../src/core/entry.js';
import type { Tree } from './walk-tree.js';

interface Stay {
  sinceMs: number;
  /** When it was there last; `Infinity`: it is there now. */
  lastMs: number;
}

export class Presence {
  readonly #stays = new Map<string, Map<Kind, Stay>>();

  changed(before: Tree, after: Tree, nowMs: number): void {
    for (const [path, { kind }] of before) {
      if (after.get(path)?.kind === kind) continue;
      const was = this.#stays.get(path)?.get(kind);
      if (was !== undefined) was.lastMs = nowMs;
    }
    for (const [path, { kind }] of after) {
      if (before.get(path)?.kind === kind) continue;
      const kinds = this.#stays.get(path) ?? new Map<Kind, Stay>();
      this.#stays.set(path, kinds.set(kind, { sinceMs: nowMs, lastMs: Infinity }));
    }
  }

  /** Whether it has been there all the time since then. */
  hasStayed(path: string, kind: Kind, sinceMs: number): boolean {
    const stay = this.#stays.get(path)?.get(kind);
    return stay?.lastMs === Infinity && stay.sinceMs < sinceMs;
  }

  /** Whether something was there at any time since then: anything, or anything but this kind. */
  wasThere(path: string, sinceMs: number, but: Kind | null = null): boolean {
    return [...(this.#stays.get(path) ?? [])].some(([kind, { lastMs }]) => kind !== but && lastMs >= sinceMs);
  }
}
