/** `verify: checksum`: what was written is hashed where it lies and compared with what was sent. */
import { sameRevision } from '../core/compare.js';
import type { Entry, Side } from '../core/entry.js';
import { asTowlineError, TowlineError, hasCode } from '../core/errors.js';
import type { Storage } from '../ports.js';
import { type FileTransfer, type FileTransferred, transferFile } from './file-lane.js';

/** Files of one `hashInPlace`, at most. */
const gatheredMax = 256;

type Hashing = Pick<Storage, 'hash' | 'hashInPlace' | 'observe'>;

/** Compares files after their transfer; shared by all transfers, so that many are hashed in one go. */
export class Verifier {
  readonly #sides: Readonly<Record<Side, Hashing>>;
  readonly #hashes: Readonly<Record<Side, GatheredHashes>>;

  constructor(sides: Readonly<Record<Side, Hashing>>, signal: AbortSignal) {
    this.#sides = sides;
    this.#hashes = {
      local: new GatheredHashes(sides.local, signal),
      remote: new GatheredHashes(sides.remote, signal),
    };
  }

  /**
   * As `transferFile`, and what came of it is compared; if it is not what was sent, it is sent once more.
   * @param side the one that is written
   * @throws as `transferFile`; `damaged` when it is not what was sent for the second time
   */
  async transfer(job: FileTransfer, side: Side): Promise<FileTransferred> {
    let expected = job.expected;
    let bytes = 0;
    for (let attempt = 1; ; attempt++) {
      const done = await transferFile({ ...job, expected, hashed: true });
      bytes += done.bytes;
      const verdict = await this.#compare(job.path, side, done);
      if (verdict !== 'different') return { ...done, bytes, dirty: done.dirty || verdict === 'changed' };
      if (attempt === 2) {
        throw new TowlineError('damaged', `'${job.path}' does not hold what was sent, for the second time`, {
          path: job.path,
          hint: 'Check the disk and the memory of both machines; it is tried again',
        });
      }
      expected = done.made;
    }
  }

  /** `changed`: one of the two is not what was carried any more, so that nothing can be said. */
  async #compare(
    path: string,
    side: Side,
    { source, made }: FileTransferred,
  ): Promise<'same' | 'different' | 'changed'> {
    const other = side === 'local' ? 'remote' : 'local';
    try {
      const [sent, written] = await Promise.all([
        source.hash ?? this.#hashes[other].of(path),
        this.#hashes[side].of(path),
      ]);
      if (sent === written) return 'same';
    } catch (error) {
      if (hasCode(error, 'changed', 'vanished', 'not-found')) return 'changed';
      throw error;
    }
    const still = await Promise.all([
      isStill(this.#sides[side], path, made),
      // The hash that was made on the way is not that of another state.
      source.hash !== undefined || isStill(this.#sides[other], path, source),
    ]);
    return still.every(Boolean) ? 'different' : 'changed';
  }
}

async function isStill(storage: Hashing, path: string, entry: Entry): Promise<boolean> {
  const [seen] = await storage.observe([path]);
  if (seen instanceof TowlineError) throw seen;
  return sameRevision(seen ?? null, entry);
}

interface Wanted {
  readonly path: string;
  readonly settle: (hash: string | Promise<string>) => void;
}

/** Hashes of one side: those wanted while a batch is under way are the next one. */
class GatheredHashes {
  readonly #storage: Hashing;
  readonly #signal: AbortSignal;
  #wanted: Wanted[] = [];
  #running = false;

  constructor(storage: Hashing, signal: AbortSignal) {
    this.#storage = storage;
    this.#signal = signal;
  }

  /**
   * SHA-256 of a file, hex: in place where that can be done, else its content is read back.
   * @throws as `Storage.hash`
   */
  of(path: string): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#wanted.push({ path, settle: resolve });
    if (!this.#running) void this.#run();
    return promise;
  }

  /** Never rejects: each gets its own answer. */
  async #run(): Promise<void> {
    this.#running = true;
    // Whatever else ended in this turn comes along.
    await Promise.resolve();
    while (this.#wanted.length > 0) await this.#answer(this.#wanted.splice(0, gatheredMax));
    this.#running = false;
  }

  async #answer(batch: readonly Wanted[]): Promise<void> {
    const files = batch.map(({ path }) => ({ path }));
    try {
      const hashes = await this.#storage.hashInPlace(files, this.#signal);
      // Callers bound how many are read back at once: each of them holds a place in a lane.
      batch.forEach(({ path, settle }, index) =>
        settle(hashes?.[index] ?? this.#storage.hash(path, this.#signal)),
      );
    } catch (error) {
      for (const { settle } of batch) settle(Promise.reject(asTowlineError(error)));
    }
  }
}
