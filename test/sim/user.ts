/** People (and programs) at work on a side, at random. */
import { join, nameOf, parentOf } from '../../src/core/path.js';
import type { MemoryEdit } from '../../src/storage/memory/edit.js';
import type { Knobs } from './knobs.js';
import type { FakeWatcher, WatchEvent } from './fake-watcher.js';
import type { Random } from './random.js';
import type { VirtualClock } from './virtual-clock.js';
import { type Tree, walkTree } from './walk-tree.js';
import type { World } from './world.js';

const plainNames = ['a', 'b', 'c', 'd.txt', 'k.log', 'p', 'q', 'r', 'ü'];
/** One that cannot be carried. */
const badName = 'x\ufffd';
/** A name and a size for what is worth resuming. */
const largeName = 'large';
const largeBytes = 3 * 2 ** 20;
const fileModes = [0o644, 0o600, 0o755, 0o444];
const directoryModes = [0o755, 0o755, 0o700, 0o555];

/** Edits one tree, remembering nothing: what is there decides what can be done. */
export class Editor {
  readonly #edit: MemoryEdit;
  readonly #random: Random;
  readonly #clock: VirtualClock;
  /**
   * Works on the server: what only looks the same (size and whole seconds) could not be told by anybody, so that nothing
   * is moved or replaced by what looks like it.
   */
  readonly #foreign: boolean;
  /** Whether a foreigner moves things all the same: where both sides count, what was agreed on is known better. */
  readonly #moves: boolean;
  /** Whether the agent has what it takes to tell another content of the same size (and time) at this path. */
  readonly #mayDeceive: (path: string) => boolean;
  readonly #names: readonly string[];
  readonly #large: boolean;
  #links = 0;
  /** Even on our side, odd on the server. */
  #longestBytes: number;

  constructor(
    edit: MemoryEdit,
    random: Random,
    clock: VirtualClock,
    mayDeceive: ((path: string) => boolean) | null,
    { badNames, large }: Pick<Knobs, 'badNames' | 'large'>,
    moves = mayDeceive !== null,
  ) {
    this.#moves = moves;
    this.#names = badNames ? [...plainNames, badName] : plainNames;
    this.#large = large && moves;
    this.#edit = edit;
    this.#random = random;
    this.#clock = clock;
    this.#foreign = mayDeceive === null;
    this.#longestBytes = this.#foreign ? 101 : 2;
    this.#mayDeceive = mayDeceive ?? (() => false);
  }

  /** Some edit. Returns what was done, for the trace. */
  some(): string {
    if (this.#large && this.#random.chance(0.5)) return this.writeLarge();
    const { kind, path } = this.#any();
    if (kind === null) return this.#make(path);
    if (kind === 'file') return this.#random.chance(0.7) ? this.#changeFile(path) : this.#changeAny(path);
    if (kind === 'symlink') return this.#random.chance(0.3) ? this.symlink(path) : this.#changeAny(path);
    if (this.#random.chance(0.6)) return this.#make(join(path, this.#random.pick(this.#names)));
    return this.#changeAny(path);
  }

  write(path: string): string {
    this.#edit.write(path, this.content());
    return `write ${path}`;
  }

  /** Long enough to be resumed, and of a length that nothing had before. */
  writeLarge(): string {
    const text = this.content();
    const bytes = largeBytes + this.#random.below(3) * 2 ** 20 + text.length;
    this.#edit.write(largeName, Buffer.alloc(bytes, text));
    return `write ${largeName} (${String(bytes)} bytes)`;
  }

  symlink(path: string): string {
    this.#links++;
    const by = this.#foreign && this.#moves ? 'f' : '';
    this.#edit.symlink(`${by}${this.#random.pick(this.#names)}${String(this.#links)}`, path);
    return `symlink ${path}`;
  }

  /** Never the same twice, nor of a length that any content had before. */
  content(after = 0): string {
    this.#longestBytes += 6;
    const text = `${this.#foreign ? 'f' : 'u'}${String(this.#longestBytes)}`;
    return text.padEnd(this.#longestBytes - after, '.');
  }

  #any(): { kind: 'file' | 'directory' | 'symlink' | null; path: string } {
    const paths = [...walkTree(this.#edit)];
    if (paths.length > 0 && this.#random.chance(0.8)) {
      const [path, { kind }] = this.#random.pick(paths);
      return { kind, path };
    }
    const path = this.#random.pick(this.#names);
    const stat = this.#edit.stat(path);
    return { kind: stat === null || stat.kind === 'special' ? null : stat.kind, path };
  }

  #make(path: string): string {
    if (this.#edit.stat(path) !== null) return 'nothing';
    const die = this.#random.next();
    if (die < 0.5) return this.write(path);
    if (die < 0.6) return this.symlink(path);
    this.#edit.mkdir(path, this.#random.chance(0.8) ? 0o755 : this.#random.pick(directoryModes));
    const inside = this.#random.below(3);
    for (let index = 0; index < inside; index++) this.write(join(path, this.#random.pick(this.#names)));
    return `mkdir ${path} with ${String(inside)}`;
  }

  #changeFile(path: string): string {
    const stat = this.#edit.stat(path)!;
    if (this.#foreign) return this.write(path);
    if (stat.size >= largeBytes) return this.writeLarge();
    switch (this.#random.below(7)) {
      case 0:
        this.#edit.append(path, this.content(stat.size));
        return `append ${path}`;
      case 1:
        this.#edit.write(path, '');
        return `truncate ${path}`;
      case 2:
        return this.#replaceByRename(path);
      case 3: {
        if (!this.#mayDeceive(path)) return this.#replaceByRename(path);
        // As `cp -p` of a reproducible build: another file with the same size and the same time.
        const beside = join(parentOf(path) ?? '', 'n1');
        const text = this.content().padEnd(stat.size, '=').slice(0, stat.size);
        this.#edit.write(beside, text, { mtimeMs: stat.mtimeMs, mode: stat.mode });
        this.#edit.rename(beside, path);
        return `replace ${path} with one of the same size and time`;
      }
      case 4: {
        const mtimeMs = this.#clock.now() - this.#random.below(10_000_000);
        this.#edit.touch(path, mtimeMs);
        return `touch ${path}`;
      }
      case 5: {
        if (!this.#mayDeceive(path)) return this.write(path);
        // As long as what was there.
        const text = this.content().padEnd(stat.size, '=').slice(0, stat.size);
        this.#edit.write(path, text);
        return `rewrite ${path} at the same size`;
      }
      default:
        return this.write(path);
    }
  }

  #replaceByRename(path: string): string {
    const beside = join(parentOf(path) ?? '', this.#random.pick(['n2', 'x~']));
    this.#edit.write(beside, this.content());
    this.#edit.rename(beside, path);
    return `replace ${path}`;
  }

  #changeAny(path: string): string {
    const stat = this.#edit.stat(path)!;
    switch (this.#random.below(4)) {
      case 0:
        this.#edit.remove(path);
        return `remove ${path}`;
      case 1: {
        if (stat.kind === 'symlink') return 'nothing';
        const modes = stat.kind === 'directory' ? directoryModes : fileModes;
        this.#edit.chmod(path, this.#random.pick(modes));
        return `chmod ${path}`;
      }
      case 2:
        return this.#moves ? this.#move(path) : 'nothing';
      default:
        this.#edit.remove(path);
        return `instead of a ${stat.kind}: ${this.#make(path)}`;
    }
  }

  #move(path: string): string {
    const folders = [...walkTree(this.#edit)].filter(([, { kind }]) => kind === 'directory');
    const into = this.#random.chance(0.5) || folders.length === 0 ? '' : this.#random.pick(folders)[0];
    const to = join(into, this.#random.chance(0.5) ? nameOf(path) : this.#random.pick(this.#names));
    if (to === path || to.startsWith(`${path}/`) || path.startsWith(`${to}/`)) return 'nothing';
    if (this.#edit.stat(to)?.kind === 'directory') return 'nothing';
    this.#edit.rename(path, to);
    return `move ${path} to ${to}`;
  }
}

/** The user of the local side, and the kernel that tells of what they do. */
export class LocalUser {
  readonly editor: Editor;
  readonly #world: World;
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #watchers: ReadonlySet<FakeWatcher>;
  readonly #events: () => { readonly lost: number; readonly twice: number; readonly late: number };

  constructor(parts: {
    world: World;
    random: Random;
    clock: VirtualClock;
    watchers: ReadonlySet<FakeWatcher>;
    mayDeceive: (path: string) => boolean;
    events: () => { readonly lost: number; readonly twice: number; readonly late: number };
    knobs: Pick<Knobs, 'badNames' | 'large'>;
  }) {
    this.#world = parts.world;
    this.#random = parts.random;
    this.#clock = parts.clock;
    this.#watchers = parts.watchers;
    this.#events = parts.events;
    this.editor = new Editor(
      parts.world.local.edit,
      parts.random,
      parts.clock,
      parts.mayDeceive,
      parts.knobs,
    );
  }

  /** Does something, and lets the watchers know (or not, where the kernel has no room for more). */
  does(edit: (editor: Editor) => string, told = true): void {
    if (this.#world.local.edit.stat('') === null) return;
    this.#world.note(`user: ${edit(this.editor)}`);
    const { before, after } = this.#world.localChanged();
    if (told) this.#tell(eventsOf(before, after));
  }

  #tell(events: readonly WatchEvent[]): void {
    const [random, clock, watchers] = [this.#random, this.#clock, this.#watchers];
    tell(events, { random, clock, watchers, odds: this.#events() });
  }
}

export interface Telling {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly watchers: ReadonlySet<FakeWatcher>;
  /** How likely an event is lost, told twice, told late. */
  readonly odds: { readonly lost: number; readonly twice: number; readonly late: number };
}

/** Lets the watchers know, as well or as badly as the dice will. */
export function tell(events: readonly WatchEvent[], { random, clock, watchers, odds }: Telling): void {
  for (const event of events) {
    if (random.chance(odds.lost)) continue;
    const times = random.chance(odds.twice) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      const ms = random.chance(odds.late) ? random.below(5_000) : 1;
      clock.timer(ms, () => {
        for (const watcher of watchers) watcher.tell(event);
      });
    }
  }
}

/** What a kernel would tell of the way from one tree to the other. */
export function eventsOf(before: Tree, after: Tree): WatchEvent[] {
  const events: WatchEvent[] = [];
  for (const [path, { kind }] of before) {
    if (after.get(path)?.kind !== kind) {
      events.push({ kind: kind === 'directory' ? 'unlinkDir' : 'unlink', path });
    }
  }
  for (const [path, seen] of after) {
    const was = before.get(path);
    const { kind, mode, mtimeMs, content } = seen;
    if (was?.kind !== kind) events.push({ kind: kind === 'directory' ? 'addDir' : 'add', path });
    else if (
      was.mode !== mode ||
      was.content !== content ||
      (kind !== 'directory' && was.mtimeMs !== mtimeMs)
    ) {
      events.push({ kind: kind === 'directory' ? 'addDir' : 'change', path });
    }
  }
  return events;
}

/** All that is in a tree now; the returned function puts it back, as from a backup or by mounting a disk again. */
export function save(edit: MemoryEdit): () => void {
  const copies = [...walkTree(edit)].map(([path, { kind, mode, mtimeMs, content }]) => {
    const data = kind === 'file' ? edit.read(path) : '';
    return () => {
      if (edit.stat(path) !== null || edit.stat(parentOf(path) ?? '')?.kind !== 'directory') return;
      if (kind === 'directory') edit.mkdir(path, mode);
      else if (kind === 'symlink') {
        edit.symlink(content, path);
        edit.touch(path, mtimeMs);
      } else edit.write(path, data, { mode, mtimeMs });
    };
  });
  return () => {
    edit.makeRoot();
    for (const copy of copies) copy();
  };
}
