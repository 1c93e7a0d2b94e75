/** One push or pull by rsync: our own list goes in, and what came of it is checked by our own hashes. */
import { hasCode, TowlineError } from '../core/errors.js';
import type { Log, ScanRequest, Storage } from '../ports.js';
import type { Driver } from './driver.js';
import type { Item } from './itemized.js';
import { type Difference, differences } from './verify.js';

export interface CarryParts {
  readonly driver: Driver;
  readonly source: Storage;
  readonly destination: Storage;
  /** Which paths of the source count. */
  readonly request: () => Promise<ScanRequest>;
  /** Compare what was carried by hash, also where rsync says that all is well. */
  readonly verify: boolean;
  /** A file is on its way; `ok`: it came to its end, and whether as it should. */
  readonly onTransfer: (path: string, size: number, ok?: boolean) => void;
  /** Waits for the link of the storages. */
  readonly ready: () => Promise<void>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A comparison that the link goes in the middle of is made again. */
const comparisonsMax = 3;

export interface Carried {
  /** Files carried over (and the same on both sides, where that was looked at) and symlinks. */
  readonly transferred: number;
  /** Their size. */
  readonly bytes: number;
  readonly directories: number;
  readonly metadata: number;
  /** Files that are not the same on both sides in the end, and why. */
  readonly failed: readonly { readonly path: string; readonly error: TowlineError }[];
  /** Why rsync left out others; `null`: it did not. */
  readonly incomplete: TowlineError | null;
}

/**
 * Carries what differs, nothing else, and deletes nothing. What arrived wrong is carried once more.
 * @throws what `Driver.carry` throws
 */
export async function carryByRsync(parts: CarryParts): Promise<Carried> {
  const { driver, verify, log } = parts;
  const seen = new Seen(parts.onTransfer);
  let incomplete = await driver
    .carry(() => pathsOf(parts), seen.note)
    .catch((error: unknown) => {
      seen.ended(false);
      throw error;
    });
  seen.ended(incomplete === null);
  let failed: Carried['failed'] = [];
  if (verify || incomplete !== null) {
    const first = await differing(parts, [...seen.files.keys()]);
    if (first.length > 0) {
      log.warn('files differ after rsync and are carried once more', { files: first.length });
      const again = await driver.carry(
        () => first.map(({ path }) => path),
        () => undefined,
      );
      incomplete ??= again;
      failed = failuresOf(
        first,
        await differing(
          parts,
          first.map(({ path }) => path),
        ),
        again,
      );
    }
  }
  for (const { path } of failed) seen.files.delete(path);
  return {
    transferred: seen.files.size + seen.symlinks.size,
    bytes: [...seen.files.values()].reduce((sum, size) => sum + size, 0),
    directories: seen.directories,
    metadata: seen.metadata,
    failed,
    incomplete,
  };
}

/** What a scan of ours finds and no filter leaves out. */
async function* pathsOf({ source, request, ready }: CarryParts): AsyncGenerator<string, void, undefined> {
  await ready();
  for await (const batch of source.scan(await request())) {
    for (const item of batch) if (item.type === 'entry') yield item.path;
  }
}

async function differing(
  { source, destination, ready, signal }: CarryParts,
  paths: readonly string[],
): Promise<Difference[]> {
  for (let attempt = 1; ; attempt++) {
    await ready();
    try {
      return await differences(paths, source, destination, signal);
    } catch (error) {
      if (!hasCode(error, 'network') || attempt === comparisonsMax) throw error;
    }
  }
}

/**
 * Whatever changes at the source meanwhile is no failure: it is found by the comparison that follows.
 * @param why rsync's own reason for leaving some of them out
 */
function failuresOf(
  first: readonly Difference[],
  second: readonly Difference[],
  why: TowlineError | null,
): Carried['failed'] {
  const before = new Map(first.map(({ path, source }) => [path, source]));
  return second.flatMap(({ path, source }) => {
    if (source === null || source !== before.get(path)) return [];
    if (why === null) return [{ path, error: damaged(path) }];
    const { code, message } = why;
    return [
      { path, error: new TowlineError(code, `'${path}' was not carried: ${message}`, { path, cause: why }) },
    ];
  });
}

function damaged(path: string): TowlineError {
  return new TowlineError('damaged', `'${path}' does not hold what was sent, for the second time`, {
    path,
    hint: 'Check the disk and the memory of both machines, and run it again',
  });
}

/** What rsync told of, each path once: it tells again of what it goes on with. */
class Seen {
  readonly files = new Map<string, number>();
  readonly symlinks = new Set<string>();
  directories = 0;
  metadata = 0;
  readonly #onTransfer: CarryParts['onTransfer'];
  #current: { readonly path: string; readonly size: number } | null = null;

  constructor(onTransfer: CarryParts['onTransfer']) {
    this.#onTransfer = onTransfer;
  }

  readonly note = ({ path, done, size }: Item): void => {
    if (done === 'directory') this.directories++;
    else if (done === 'metadata') this.metadata++;
    else if (done === 'symlink') this.symlinks.add(path);
    else this.#file(path, size);
  };

  /** rsync carries one after the other: with the next one, or its own end, the last one is over. */
  ended(ok: boolean): void {
    if (this.#current !== null) this.#onTransfer(this.#current.path, this.#current.size, ok);
    this.#current = null;
  }

  #file(path: string, size: number): void {
    if (this.files.has(path)) return;
    this.ended(true);
    this.files.set(path, size);
    this.#current = { path, size };
    this.#onTransfer(path, size);
  }
}
