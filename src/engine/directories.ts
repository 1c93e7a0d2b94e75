import { type Entry, otherSide, type Side } from '../core/entry.js';
import { TowlineError, asTowlineError, hasCode } from '../core/errors.js';
import { parentOf } from '../core/path.js';
import { pairOf } from './applied.js';
import { type Context, storageOf } from './context.js';

/** What must be set on a directory once its contents are in place. */
interface Touched {
  /** Its mode too: it was made, or opened for writing, by us. */
  mode: boolean;
}

/**
 * The directories of one side in which a batch changed names: their times (and modes, where we made or opened them)
 * are set last, when nothing below them changes any more. The root's own are left alone.
 */
export class Directories {
  readonly #context: Context;
  readonly #side: Side;
  readonly #touched = new Map<string, Touched>();

  constructor(context: Context, side: Side) {
    this.#context = context;
    this.#side = side;
  }

  /** A name in the directory above `path` was made, replaced or removed. */
  changedIn(path: string): void {
    const parent = parentOf(path);
    if (parent !== null && parent !== '' && !this.#touched.has(parent))
      this.#touched.set(parent, { mode: false });
  }

  /** The directory was made by us: its mode is not yet what it should be. */
  made(path: string): void {
    this.#touched.set(path, { mode: true });
  }

  /** It went away again. */
  removed(path: string): void {
    this.#touched.delete(path);
  }

  /**
   * Gives the owner write access to the directory above `path` until the end of the batch, if that is what was missing.
   * @returns whether something was changed, so that it is worth trying again
   */
  async open(path: string): Promise<boolean> {
    const parent = parentOf(path);
    if (parent === null || parent === '') return false;
    const storage = storageOf(this.#context, this.#side);
    const [seen] = await storage.observe([parent]);
    if (seen === null || seen === undefined || seen instanceof TowlineError) return false;
    if (seen.kind !== 'directory' || (seen.mode & 0o300) === 0o300) return false;
    try {
      await storage.setMetadata(parent, seen, { mode: seen.mode | 0o700 });
    } catch (error) {
      if (hasCode(error, 'permission', 'changed', 'unsupported')) return false;
      throw error;
    }
    this.#touched.set(parent, { mode: true });
    return true;
  }

  /** Sets modes and times, deepest first. What is not ours to set is left as it is. */
  async finish(onError: (path: string, error: TowlineError) => void): Promise<void> {
    const touched = [...this.#touched].sort(([a], [b]) => b.split('/').length - a.split('/').length);
    this.#touched.clear();
    if (touched.length === 0) return;
    const source = storageOf(this.#context, otherSide(this.#side));
    const entries = await source.observe(touched.map(([path]) => path));
    const work = touched.map(([path, { mode }], index) => ({ path, mode, entry: entries[index] }));
    // Setting a directory's own metadata does not change its parent: the order only matters for closing modes.
    for (const level of levelsOf(work)) {
      await this.#context.lanes.each(level, async ({ path, mode, entry }) => {
        if (entry === null || entry === undefined || entry instanceof TowlineError) return;
        if (entry.kind !== 'directory') return;
        try {
          await this.#set(path, entry, mode);
        } catch (error) {
          // A directory of somebody else's, in which we may write: its time is not ours to set.
          if (!mode && hasCode(error, 'permission', 'unsupported', 'changed', 'not-found')) return;
          onError(path, asTowlineError(error));
        }
      });
    }
  }

  async #set(path: string, source: Entry, mode: boolean): Promise<void> {
    const { settings, ledger } = this.#context;
    const storage = storageOf(this.#context, this.#side);
    const change = {
      ...(mode && storage.capabilities.modes ? { mode: settings.modeRule(source.mode, 'directory') } : {}),
      ...(storage.capabilities.times ? { mtimeMs: source.mtimeMs } : {}),
    };
    if (Object.keys(change).length === 0) return;
    const made = await storage.setMetadata(path, source, change);
    if (mode) await ledger.commit(path, pairOf(this.#side, source, made, false));
  }
}

function levelsOf<T extends { readonly path: string }>(items: readonly T[]): T[][] {
  const levels = new Map<number, T[]>();
  for (const item of items) {
    const depth = item.path.split('/').length;
    const level = levels.get(depth);
    if (level === undefined) levels.set(depth, [item]);
    else level.push(item);
  }
  return [...levels.values()];
}
