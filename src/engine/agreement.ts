import { sameRevision } from '../core/compare.js';
import type { BasePair, Entry, Side } from '../core/entry.js';
import { isMirror } from '../core/policy.js';
import type { ScanItem } from '../core/stream.js';
import { isAsAgreed } from '../core/two-way.js';
import { hashOf } from './contents.js';
import type { Context } from './context.js';

/**
 * What a deletion must spare. Where both sides count: all that is not, as it is now, what both agreed on. Where one side
 * is a mirror: what others changed there since, unless that is to be overwritten.
 */
export class Agreement {
  readonly #context: Context;
  readonly #side: Side;

  constructor(context: Context, side: Side) {
    this.#context = context;
    this.#side = side;
  }

  async isOn(path: string, entry: Entry): Promise<boolean> {
    return (await this.notOn([{ type: 'entry', path, entry }])).size === 0;
  }

  /** The paths that are to be spared. */
  async notOn(items: readonly ScanItem[]): Promise<ReadonlySet<string>> {
    const { settings, state } = this.#context;
    const both = !isMirror(settings.mode);
    if (!both && settings.onDrift === 'overwrite') return new Set();
    const entries = items.filter((item) => item.type === 'entry');
    const rows = await state.base.get(entries.map(({ path }) => path));
    const agreed = await Promise.all(
      entries.map(async ({ path, entry }, index) => {
        const row = rows[index] ?? null;
        if (both) return row !== null && (await this.#isAgreed(path, entry, row));
        return row === null || sameRevision(row[this.#side], entry);
      }),
    );
    return new Set(entries.filter((_, index) => !agreed[index]).map(({ path }) => path));
  }

  /**
   * The paths that may have been excluded until now, and so are nobody's to delete: those that the base does not know, while the
   * rules are not surely those of the last run. Where both sides count they are spared in any case.
   */
  async maybeExcluded(items: readonly ScanItem[]): Promise<ReadonlySet<string>> {
    const { settings, state, filter } = this.#context;
    if (!isMirror(settings.mode) || !filter.mayHaveChanged) return new Set();
    const paths = items.flatMap((item) => (item.type === 'entry' ? [item.path] : []));
    const rows = await state.base.get(paths);
    return new Set(paths.filter((_, index) => (rows[index] ?? null) === null));
  }

  /** Where size and time are not enough, the content is read. */
  async #isAgreed(path: string, entry: Entry, row: BasePair): Promise<boolean> {
    const policy = this.#context.policy();
    const agreed = isAsAgreed(this.#side, entry, row, policy);
    if (agreed !== 'unknown') return agreed;
    const hash = await hashOf(this.#context, this.#side, path, entry.size);
    return isAsAgreed(this.#side, { ...entry, hash }, row, policy) === true;
  }
}
