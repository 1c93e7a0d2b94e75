/**
 * Walks a tree in the total order of `comparePaths` while directories are listed ahead of the consumer, several at once:
 * over a slow link the listings overlap, and what comes out is still one ordered stream with a bounded buffer.
 *
 * The directories that are known but not yet listed form a linked list in the order in which they will be needed; a
 * listing replaces its directory in that list by the directories found in it. So the next one to ask for is always
 * among the first `concurrency + 1` nodes.
 */
import type { ScanItem } from './stream.js';
import { asTowlineError, hasCode, TowlineError } from './errors.js';
import { comparePaths, join } from './path.js';

/** One child of a directory, already filtered. */
export interface Child {
  readonly name: string;
  readonly item: ScanItem;
  /** It is a directory that is to be listed too. */
  readonly enter: boolean;
}

/** The children of one directory, in any order (sorted by name is cheapest). A name given twice counts once. */
export type Listing = readonly Child[];

export interface WalkRequest {
  /** The directory to start from; it is not yielded itself. `''` for the root. */
  readonly under: string;
  /** Only the children of that directory. */
  readonly flat?: boolean | undefined;
  /**
   * Lists one directory. A rejection becomes a `failure` item for it, but `network` and `interrupted` (nothing more can
   * be known) and errors that are not ours end the walk.
   */
  readonly list: (directory: string) => Promise<Listing>;
  /** Listings under way at once, at least 1. */
  readonly concurrency: number;
  /** About how many items may be listed and not yet yielded; only the listing needed next is started beyond it. */
  readonly bufferedMax: number;
  /** Items in one batch, at most (a failure stays with its directory's entry and may be one more). */
  readonly batchMax: number;
  readonly signal?: AbortSignal | undefined;
}

interface Row {
  readonly item: ScanItem;
  readonly directory: Directory | null;
}

/** A node of the list of directories to come; `rows` are in reverse, so that taking one frees it. */
interface Directory {
  readonly path: string;
  state: 'known' | 'listing' | 'listed' | 'failed';
  rows: Row[];
  error: TowlineError | null;
  previous: Directory | null;
  next: Directory | null;
}

function directoryAt(path: string): Directory {
  return { path, state: 'known', rows: [], error: null, previous: null, next: null };
}

/**
 * All items below `under`, in order, in batches that are never empty; a batch is given out early when the next listing
 * is not there yet.
 * @throws `interrupted` when the signal aborts; the error of listing `under` itself; `network`
 */
export async function* orderedWalk(request: WalkRequest): AsyncGenerator<ScanItem[], void, undefined> {
  const ahead = new ListAhead(request);
  try {
    const top = ahead.start(request.under);
    await ahead.listed(top);
    if (top.error !== null) throw top.error;

    const open = [top];
    let batch: ScanItem[] = [];
    for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
      const row = ahead.take(here);
      if (row === undefined) {
        open.pop();
        continue;
      }
      batch.push(row.item);
      if (row.directory !== null) {
        if (!ahead.isListed(row.directory)) {
          yield batch;
          batch = [];
          await ahead.listed(row.directory);
        }
        if (row.directory.error === null) open.push(row.directory);
        else batch.push({ type: 'failure', path: row.directory.path, error: row.directory.error });
      }
      if (batch.length >= request.batchMax) {
        ahead.proceed();
        yield batch;
        batch = [];
      }
    }
    ahead.proceed();
    if (batch.length > 0) yield batch;
  } finally {
    ahead.stop();
  }
}

/** Keeps listings under way in the order of need, within the bounds. */
class ListAhead {
  readonly #request: WalkRequest;
  #first: Directory | null = null;
  #needed: Directory | null = null;
  #listing = 0;
  #buffered = 0;
  #fatal: TowlineError | null = null;
  #stopped = false;
  #wake: (() => void) | null = null;
  readonly #onAbort = () => this.#fail(interruption(this.#request.signal));

  constructor(request: WalkRequest) {
    this.#request = request;
  }

  /** Begins with this directory. */
  start(path: string): Directory {
    const { signal } = this.#request;
    if (signal?.aborted === true) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#first = directoryAt(path);
    return this.#first;
  }

  isListed(directory: Directory): boolean {
    return directory.state === 'listed' || directory.state === 'failed';
  }

  /** Resolves when this directory, the next in order, is listed or has failed. */
  async listed(directory: Directory): Promise<void> {
    this.#needed = directory;
    this.proceed();
    while (!this.isListed(directory)) {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#wake = () => resolve(undefined);
      await promise;
      this.proceed();
    }
    this.#needed = null;
  }

  /** Starts what may be started; throws what ended the walk. */
  proceed(): void {
    if (this.#fatal !== null) throw this.#fatal;
    for (let node = this.#first; node !== null && this.#listing < this.#request.concurrency;) {
      const next = node.next;
      if (node.state === 'known') {
        if (this.#buffered >= this.#request.bufferedMax && node !== this.#needed) return;
        this.#list(node);
      }
      node = next;
    }
  }

  /** The next row of a listed directory, or `undefined` after the last. */
  take(directory: Directory): Row | undefined {
    const row = directory.rows.pop();
    if (row !== undefined) this.#buffered--;
    return row;
  }

  /** Starts nothing more; what is under way ends unheard. */
  stop(): void {
    this.#stopped = true;
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
  }

  #list(node: Directory): void {
    node.state = 'listing';
    this.#listing++;
    this.#request.list(node.path).then(
      (listing) => this.#settle(node, () => this.#found(node, listing)),
      (error: unknown) => this.#settle(node, () => this.#missed(node, error)),
    );
  }

  #settle(node: Directory, outcome: () => void): void {
    this.#listing--;
    if (this.#stopped) return;
    outcome();
    if (this.#fatal === null) {
      // What needed this listing may go on at once; what comes after it does not wait for the consumer.
      this.proceed();
      if (node !== this.#needed) return;
    }
    this.#awake();
  }

  #found(node: Directory, listing: Listing): void {
    // Backwards, as rows are taken from the end.
    const children = [...listing].sort((a, b) => comparePaths(b.name, a.name));
    const found: Directory[] = [];
    let lastName: string | null = null;
    for (const child of children) {
      // A directory that changes while it is read may show a name twice.
      if (child.name === lastName) continue;
      lastName = child.name;
      const directory =
        child.enter && this.#request.flat !== true ? directoryAt(join(node.path, child.name)) : null;
      if (directory !== null) found.push(directory);
      node.rows.push({ item: child.item, directory });
    }
    this.#buffered += node.rows.length;
    node.state = 'listed';
    this.#replace(node, found.reverse());
  }

  #missed(node: Directory, error: unknown): void {
    if (!(error instanceof TowlineError) || hasCode(error, 'network', 'interrupted')) {
      this.#fail(asTowlineError(error));
      return;
    }
    node.error = error;
    node.state = 'failed';
    this.#replace(node, []);
  }

  /** Puts the directories found in `node` in its place. */
  #replace(node: Directory, found: readonly Directory[]): void {
    let last = node.previous;
    const append = (directory: Directory | null) => {
      if (directory !== null) directory.previous = last;
      if (last === null) this.#first = directory;
      else last.next = directory;
      last = directory;
    };
    for (const directory of found) append(directory);
    append(node.next);
    node.previous = null;
    node.next = null;
  }

  #fail(error: TowlineError): void {
    this.#fatal ??= error;
    this.#awake();
  }

  #awake(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

function interruption(signal: AbortSignal | undefined): TowlineError {
  const reason: unknown = signal?.reason;
  return reason instanceof TowlineError ? reason : new TowlineError('interrupted', 'the scan was stopped');
}
