import { type Entry, otherSide, type Side } from '../core/entry.js';
import { TowlineError, asTowlineError, hasCode } from '../core/errors.js';
import { parentOf } from '../core/path.js';
import type { Observed } from '../ports.js';
import { pairOf } from './applied.js';
import { type Context, storageOf } from './context.js';

/** Whose mode a directory gets once its contents are in place: nobody's, that of the other side, or the one it had. */
type Mode = 'as it is' | 'carried' | { readonly given: number };

/**
 * The directories of one side in which a batch changed names: their times (and modes, where we made or opened them)
 * are set last, when nothing below them changes any more. The root's own are left alone.
 */
export class Directories {
  readonly #context: Context;
  readonly #side: Side;
  readonly #touched = new Map<string, Mode>();
  /** Modes that the batch set on directories. */
  readonly #modes = new Map<string, number>();
  /** Directories that are being opened, or were. */
  readonly #opening = new Map<string, Promise<boolean>>();

  constructor(context: Context, side: Side) {
    this.#context = context;
    this.#side = side;
  }

  /** A name in the directory above `path` was made, replaced or removed. */
  changedIn(path: string): void {
    const parent = parentOf(path);
    if (parent !== null && parent !== '' && !this.#touched.has(parent)) this.#touched.set(parent, 'as it is');
  }

  /** The directory was made by us: its mode is not yet what it should be. */
  made(path: string): void {
    this.#touched.set(path, 'carried');
  }

  /** The batch gave it another mode: it is not what it had before that it gets back. */
  changed(path: string, mode: number): void {
    this.#modes.set(path, mode);
    // It may be closed again.
    this.#opening.delete(path);
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
    // Whoever else of the batch is refused there waits for the same.
    const opening = this.#opening.get(parent) ?? this.#open(parent);
    this.#opening.set(parent, opening);
    const opened = await opening;
    if (!opened) this.#opening.delete(parent);
    return opened;
  }

  async #open(path: string): Promise<boolean> {
    const storage = storageOf(this.#context, this.#side);
    const [seen] = await storage.observe([path]);
    if (seen === null || seen === undefined || seen instanceof TowlineError) return false;
    if (seen.kind !== 'directory' || (seen.mode & 0o300) === 0o300) return false;
    try {
      await storage.setMetadata(path, seen, { mode: seen.mode | 0o700 });
    } catch (error) {
      if (hasCode(error, 'permission', 'changed', 'unsupported')) return false;
      throw error;
    }
    this.#touched.set(path, { given: seen.mode });
    return true;
  }

  /** Sets modes and times, deepest first. What is not ours to set is left as it is. */
  async finish(onError: (path: string, error: TowlineError) => void): Promise<void> {
    const touched = [...this.#touched];
    this.#touched.clear();
    if (touched.length === 0) return;
    const source = storageOf(this.#context, otherSide(this.#side));
    const entries = await source.observe(touched.map(([path]) => path));
    const work = touched.map(([path, mode], index) => ({ path, mode, source: directoryOf(entries[index]) }));
    // Setting a directory's own metadata does not change its parent: the order only matters for closing modes.
    for (const level of levelsOf(work)) {
      await this.#context.lanes.each(level, async ({ path, mode, source: entry }) => {
        try {
          if (typeof mode === 'object') await this.#giveBack(path, mode.given, entry);
          else if (entry !== null) await this.#carry(path, entry, mode === 'carried');
        } catch (error) {
          // A directory of somebody else's, in which we may write: its time is not ours to set.
          if (mode === 'as it is' && hasCode(error, 'permission', 'unsupported', 'changed', 'not-found'))
            return;
          onError(path, asTowlineError(error));
        }
      });
    }
  }

  /** What was opened gets back its own mode, whatever the other side has by now: that is decided by itself. */
  async #giveBack(path: string, given: number, source: Entry | null): Promise<void> {
    const storage = storageOf(this.#context, this.#side);
    const mode = this.#modes.get(path) ?? given;
    const [now] = await storage.observe([path]);
    if (now instanceof TowlineError) throw now;
    if (now?.kind !== 'directory') return;
    const times = source !== null && storage.capabilities.times ? { mtimeMs: source.mtimeMs } : {};
    await storage.setMetadata(path, now, { mode, ...times });
  }

  async #carry(path: string, source: Entry, withMode: boolean): Promise<void> {
    const { settings, ledger } = this.#context;
    const storage = storageOf(this.#context, this.#side);
    const change = {
      ...(withMode && storage.capabilities.modes
        ? { mode: settings.modeRule(source.mode, 'directory') }
        : {}),
      ...(storage.capabilities.times ? { mtimeMs: source.mtimeMs } : {}),
    };
    if (Object.keys(change).length === 0) return;
    const made = await storage.setMetadata(path, source, change);
    if (withMode) await ledger.commit(path, pairOf(this.#side, source, made, false));
  }
}

function directoryOf(seen: Observed | undefined): Entry | null {
  return seen instanceof TowlineError || seen?.kind !== 'directory' ? null : seen;
}

/** Deepest first. */
function levelsOf<T extends { readonly path: string }>(items: readonly T[]): T[][] {
  const levels = Map.groupBy(items, ({ path }) => path.split('/').length);
  return [...levels].sort(([a], [b]) => b - a).map(([, level]) => level);
}
