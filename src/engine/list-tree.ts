/** Lists what is on one side, for callers of the library: over lost links, in the total order. */
import { throwIfAborted } from '../core/abort.js';
import type { Entry, Kind } from '../core/entry.js';
import { hasCode, TowlineError } from '../core/errors.js';
import { comparePaths } from '../core/path.js';
import type { ScanItem } from '../core/stream.js';
import type { Link, Storage } from '../ports.js';
import { entryAt } from '../transfer/entry-at.js';
import { idleFailuresMax } from './carry-file.js';
import { overLostLinks } from './over-lost-links.js';

/** What is at one path. */
export interface ListedEntry {
  /** Relative to the root, `/` between components. */
  readonly path: string;
  /** What it is. */
  readonly kind: Kind;
  /** Bytes of content; 0 for directories and symlinks. */
  readonly size: number;
  /** Modification time, ms since 1970. */
  readonly mtimeMs: number;
  /** Permission bits; `null` where the side keeps none (WebDAV). */
  readonly mode: number | null;
  /** Where a symlink points, as written in it; absent for all else. */
  readonly target?: string;
}

/** What is listed. */
export interface ListOptions {
  /** What is below directories too. Default: false, only the children of the directory. */
  readonly recursive?: boolean;
  /** Ends the listing with `interrupted`. */
  readonly signal?: AbortSignal;
  /**
   * Called for each directory that cannot be listed, each name that cannot be used and each socket, device or FIFO; the rest
   * is listed all the same. Default: the first directory or name of that kind ends the listing with its error (`permission`,
   * `name`, …), and what is no file, directory or symlink is passed over.
   */
  readonly onProblem?: (error: TowlineError) => void;
}

/** The side that is listed. */
export interface ListedSide {
  readonly storage: Storage;
  readonly link: Pick<Link, 'ready'>;
}

/**
 * What is at or below a path: of a directory its contents, in the order of bytes, component by component; of anything else
 * itself. Nothing of ours is among it.
 * @throws `not-found`, `name`, `permission`, `network`, `interrupted`
 */
export async function* listTree(
  side: ListedSide,
  path: string,
  options: ListOptions = {},
): AsyncGenerator<ListedEntry, void, undefined> {
  const { storage } = side;
  const top = path === '' ? null : await lookAt(side, path, options.signal);
  if (top !== null && top.kind !== 'directory') {
    yield listed(storage, path, top);
    return;
  }
  for await (const item of scanned(side, path, options)) {
    switch (item.type) {
      case 'entry':
        yield listed(storage, item.path, item.entry);
        break;
      case 'failure':
        tell(options, item.error);
        break;
      case 'skipped':
        if (item.reason === 'name' || options.onProblem !== undefined) tell(options, item.error);
        break;
      case 'temp':
        break;
    }
  }
}

function tell({ onProblem }: ListOptions, error: TowlineError): void {
  if (onProblem === undefined) throw error;
  onProblem(error);
}

function listed({ capabilities }: Storage, path: string, entry: Entry): ListedEntry {
  const { kind, size, mtimeMs, mode, target } = entry;
  return {
    path,
    kind,
    size,
    mtimeMs,
    mode: capabilities.modes ? mode : null,
    ...(target === undefined ? {} : { target }),
  };
}

async function lookAt({ storage, link }: ListedSide, path: string, signal?: AbortSignal): Promise<Entry> {
  const seen = await overLostLinks(link, signal, () => entryAt(storage, path, signal));
  if (seen !== null) return seen;
  throw new TowlineError('not-found', `there is nothing at '${path}' on ${storage.label}`, { path });
}

/** The order makes it easy to go on: whatever comes after the last one is still to be told. */
async function* scanned(
  { storage, link }: ListedSide,
  under: string,
  { recursive = false, signal }: ListOptions,
): AsyncGenerator<ScanItem, void, undefined> {
  let last: string | null = null;
  for (let idle = 0; ;) {
    try {
      const request = { under, flat: !recursive, excludes: () => false };
      for await (const batch of storage.scan(signal === undefined ? request : { ...request, signal })) {
        for (const item of batch) {
          const order = last === null ? 1 : comparePaths(item.path, last);
          // A failure comes right behind its directory.
          if (order < 0 || (order === 0 && item.type === 'entry')) continue;
          last = item.path;
          idle = 0;
          yield item;
        }
      }
      return;
    } catch (error) {
      throwIfAborted(signal);
      if (!hasCode(error, 'network') || ++idle >= idleFailuresMax) throw error;
      await link.ready(signal);
    }
  }
}
