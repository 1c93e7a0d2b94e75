/**
 * The merge of three ordered streams (local, remote, base) into one stream of what is known per path, with
 * back-pressure and in constant memory. Nothing is concluded about what a side could not show: below a directory that
 * could not be listed, and at a name that could not be read, no triple comes out at all.
 */
import type { BaseRow, ScanItem } from './stream.js';
import type { BasePair, Entry, Kind, Side, Triple } from './entry.js';
import { TowlineError } from './errors.js';
import { comparePaths, isBelow, parentOf } from './path.js';

export type Sighting =
  | { readonly type: 'triple'; readonly triple: Triple }
  /** What is below `path` on `side` is unknown. */
  | { readonly type: 'failure'; readonly side: Side; readonly path: string; readonly error: TowlineError }
  | {
      readonly type: 'skipped';
      readonly side: Side;
      readonly path: string;
      readonly reason: 'special' | 'name';
      readonly error: TowlineError;
    }
  | { readonly type: 'temp'; readonly side: Side; readonly path: string; readonly mtimeMs: number }
  /** The base knows a path that is excluded now: it is to be forgotten, and nothing else. */
  | { readonly type: 'excluded'; readonly path: string };

export interface MergeInput {
  readonly local: AsyncIterable<ScanItem[]>;
  readonly remote: AsyncIterable<ScanItem[]>;
  readonly base: AsyncIterable<BaseRow[]>;
  /** Called when the merge ends, whatever ended it: the streams need not go on, not even with what they wait for. */
  readonly end?: () => void;
  /** Asked about paths that the side whose rule files count does not show: its own scan is filtered already. */
  readonly excludes: (path: string, kind: Kind) => boolean;
  /** The side whose rule files count. Default: local. */
  readonly rulesSide?: Side;
  /** The directory the streams are below, with its local device as recorded and now: to notice unmounted folders in it. */
  readonly top?: {
    readonly path: string;
    readonly was: number | undefined;
    readonly now: number | undefined;
  };
}

/** One stream of batches read item by item. */
class Cursor<T extends { readonly path: string }> {
  readonly #batches: AsyncIterator<T[]>;
  #batch: T[] = [];
  #index = 0;
  #ended = false;

  constructor(stream: AsyncIterable<T[]>) {
    this.#batches = stream[Symbol.asyncIterator]();
  }

  get head(): T | undefined {
    return this.#batch[this.#index];
  }

  take(): void {
    this.#index++;
  }

  /** Whether the batch is used up and `refill` must be awaited before `head` tells the truth. */
  get dry(): boolean {
    return this.#index >= this.#batch.length && !this.#ended;
  }

  async refill(): Promise<void> {
    while (this.dry) {
      const next = await this.#batches.next();
      this.#index = 0;
      this.#batch = next.done === true ? [] : next.value;
      this.#ended = next.done === true;
    }
  }

  async close(): Promise<void> {
    await this.#batches.return?.();
  }
}

interface Devices {
  readonly path: string;
  /** The device of a local directory as the base recorded it, and as it is now. */
  readonly was: number | undefined;
  readonly now: number | undefined;
}

/** Whether a directory lay on another device than the one above it, and lies on the same now. */
export function isUnmounted(above: Omit<Devices, 'path'>, here: Omit<Devices, 'path'>): boolean {
  if (above.was === undefined || above.now === undefined) return false;
  return here.was !== undefined && here.was !== above.was && here.now === above.now;
}

/** What to say of a directory that `isUnmounted`. What is below it is unknown, not gone. */
export function unmounted(path: string): TowlineError {
  return new TowlineError('unmounted', `'${path}' was a mount point and is none now`, {
    path,
    hint: 'Mount it again; what is below it is left alone until then',
  });
}

/** What the merge remembers of where it is. */
class Region {
  /** The latest path at or below which a side could not be read. */
  #unknown: { readonly path: string; readonly inclusive: boolean }[] = [];
  /** Directories above the present path with their devices, outermost first. */
  readonly #devices: Devices[] = [];

  constructor(top: MergeInput['top']) {
    if (top !== undefined) this.#devices.push(top);
  }

  markUnknown(path: string, inclusive: boolean): void {
    this.#unknown = this.#unknown.filter((mark) => path === mark.path || isBelow(path, mark.path));
    this.#unknown.push({ path, inclusive });
  }

  isUnknown(path: string): boolean {
    return this.#unknown.some((mark) => isBelow(path, mark.path) || (mark.inclusive && path === mark.path));
  }

  /** Whether this directory was a mount point inside the root when it was recorded, and is none now. */
  wasUnmounted(path: string, base: BasePair | null, local: Entry | null): boolean {
    if (local?.kind !== 'directory' || local.dev === undefined) return false;
    while (this.#devices.length > 0 && !isBelow(path, this.#devices.at(-1)!.path)) this.#devices.pop();
    const above = this.#devices.at(-1);
    const was = base?.local.dev;
    this.#devices.push({ path, was, now: local.dev });
    if (above === undefined || above.path !== parentOf(path)) return false;
    return isUnmounted(above, { was, now: local.dev });
  }
}

/**
 * Merges what the two sides show and what the base remembers, in the order of `comparePaths`.
 * @throws whatever one of the streams throws: an interrupted listing never ends as a short one
 */
export async function* mergeSides(input: MergeInput): AsyncGenerator<Sighting[], void, undefined> {
  const local = new Cursor(input.local);
  const remote = new Cursor(input.remote);
  const base = new Cursor(input.base);
  const region = new Region(input.top);
  try {
    for (;;) {
      await Promise.all([local.refill(), remote.refill(), base.refill()]);
      const batch: Sighting[] = [];
      while (!local.dry && !remote.dry && !base.dry) {
        const path = firstPath(local.head?.path, remote.head?.path, base.head?.path);
        if (path === undefined) {
          if (batch.length > 0) yield batch;
          return;
        }
        // A failure mark carries the path of the directory it belongs to: take one item of a side at a time.
        const sighting = mergeOne(path, local, remote, base, region, input);
        for (const one of sighting) batch.push(one);
      }
      if (batch.length > 0) yield batch;
    }
  } finally {
    input.end?.();
    await Promise.all([local.close(), remote.close(), base.close()]);
  }
}

function firstPath(...heads: (string | undefined)[]): string | undefined {
  let first: string | undefined;
  for (const head of heads) {
    if (head !== undefined && (first === undefined || comparePaths(head, first) < 0)) first = head;
  }
  return first;
}

function mergeOne(
  path: string,
  local: Cursor<ScanItem>,
  remote: Cursor<ScanItem>,
  base: Cursor<BaseRow>,
  region: Region,
  { excludes, rulesSide = 'local' }: MergeInput,
): Sighting[] {
  for (const [side, cursor] of [['local', local] as const, ['remote', remote] as const]) {
    const item = cursor.head;
    if (item?.path !== path || item.type === 'entry') continue;
    cursor.take();
    if (item.type !== 'temp') region.markUnknown(path, item.type === 'skipped');
    return [{ ...item, side }];
  }
  const localEntry = takeEntry(local, path);
  const remoteEntry = takeEntry(remote, path);
  const pair = base.head?.path === path ? base.head.pair : null;
  if (pair !== null) base.take();

  const [ruled, other] = rulesSide === 'local' ? [localEntry, remoteEntry] : [remoteEntry, localEntry];
  if (ruled === null) {
    const kind = other?.kind ?? pair?.local.kind;
    if (kind !== undefined && excludes(path, kind)) return pair === null ? [] : [{ type: 'excluded', path }];
  }
  if (region.isUnknown(path)) return [];
  if (region.wasUnmounted(path, pair, localEntry)) {
    region.markUnknown(path, true);
    // No triple: the base must go on remembering the device, or the next scan would take the folder for an empty one.
    return [{ type: 'failure', side: 'local', path, error: unmounted(path) }];
  }
  return [{ type: 'triple', triple: { path, base: pair, local: localEntry, remote: remoteEntry } }];
}

function takeEntry(cursor: Cursor<ScanItem>, path: string): Entry | null {
  const item = cursor.head;
  if (item?.path !== path || item.type !== 'entry') return null;
  cursor.take();
  return item.entry;
}
