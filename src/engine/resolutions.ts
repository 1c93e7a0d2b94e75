import { TowlineError } from '../core/errors.js';
import { type Resolution, resolutions } from '../core/policy.js';
import type { FactStore, QueueStore } from '../ports-state.js';

/** Under which fact decisions are kept: a record of path → what to keep. */
export const resolutionsFact = 'resolutions';

/** What a person decided about single conflicts, until it was carried out. Kept in the state. */
export class Resolutions {
  readonly #facts: FactStore;
  #known: Record<string, Resolution> = {};

  constructor(facts: FactStore) {
    this.#facts = facts;
  }

  /** Reads what was decided while no agent ran. */
  async load(): Promise<void> {
    this.#known = (await this.#facts.get<Record<string, Resolution>>(resolutionsFact)) ?? {};
  }

  // A file may be called `constructor`.
  readonly of = (path: string): Resolution | null =>
    Object.hasOwn(this.#known, path) ? this.#known[path]! : null;

  /** @throws `configuration` for what a program may give that knows no types */
  async decide(path: string, keep: Resolution): Promise<void> {
    if (!resolutions.includes(keep)) {
      throw new TowlineError('configuration', `of '${path}' cannot be kept ${JSON.stringify(keep)}`, {
        path,
        hint: `Allowed: ${resolutions.join(', ')}`,
      });
    }
    this.#known = { ...this.#known, [path]: keep };
    await this.#facts.set(resolutionsFact, this.#known);
  }

  /** The path is settled: what was decided about it holds no more. */
  async settled(path: string): Promise<void> {
    if (!Object.hasOwn(this.#known, path)) return;
    this.#known = Object.fromEntries(Object.entries(this.#known).filter(([known]) => known !== path));
    await this.#facts.set(resolutionsFact, this.#known);
  }
}

/** Conflicts that are looked through when a person names one. */
export const conflictsMax = 100_000;

/**
 * Makes sure that this path waits for a decision.
 * @throws `not-found`, with what to do
 */
export async function requireConflict(queue: Pick<QueueStore, 'problems'>, path: string): Promise<void> {
  const rows = await queue.problems(conflictsMax);
  if (rows.some((row) => row.path === path && row.problem?.code === 'conflict')) return;
  throw new TowlineError('not-found', `'${path}' has no conflict that waits for a decision`, {
    path,
    hint: "'towline conflicts' lists those that have; paths are relative to the synced folder",
  });
}
