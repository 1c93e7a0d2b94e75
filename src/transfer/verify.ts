/** `verify: checksum`: what was written is hashed where it lies and compared with what was sent. */
import { sameRevision } from '../core/compare.js';
import { type Entry, otherSide, type Side } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import type { Storage } from '../ports.js';
import { entryAt } from './entry-at.js';
import { type FileTransfer, type FileTransferred, transferFile } from './file-lane.js';
import type { SideHashes } from './gathered-hashes.js';

type Looking = Pick<Storage, 'observe'>;

/** Compares files after their transfer; shared by all transfers, so that many are hashed in one go. */
export class Verifier {
  readonly #sides: Readonly<Record<Side, Looking>>;
  readonly #hashes: SideHashes;
  readonly #signal: AbortSignal;

  constructor(sides: Readonly<Record<Side, Looking>>, hashes: SideHashes, signal: AbortSignal) {
    this.#sides = sides;
    this.#hashes = hashes;
    this.#signal = signal;
  }

  /**
   * As `transferFile`, and what came of it is compared; if it is not what was sent, it is sent once more.
   * @param side the one that is written
   * @param unproved awaited when something else arrived than was sent, or that could not be told: it has its name already, and
   * bears size and time of what was sent
   * @throws as `transferFile`; `damaged` when it is not what was sent for the second time
   */
  async transfer(
    job: FileTransfer,
    side: Side,
    unproved: (done: FileTransferred) => Promise<void> = () => Promise.resolve(),
  ): Promise<FileTransferred> {
    let expected = job.expected;
    let bytes = 0;
    for (let attempt = 1; ; attempt++) {
      const done = await transferFile({ ...job, expected, hashed: true });
      bytes += done.bytes;
      const verdict = await this.#compare(job.path, side, done).catch(async (error: unknown) => {
        await unproved(done);
        throw error;
      });
      if (verdict !== 'different') return { ...done, bytes, dirty: done.dirty || verdict === 'changed' };
      await unproved(done);
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
    const other = otherSide(side);
    try {
      const [sent, written] = await Promise.all([
        source.hash ?? this.#hashes[other].of(path, { signal: this.#signal }),
        this.#hashes[side].of(path, { signal: this.#signal }),
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

async function isStill(storage: Looking, path: string, entry: Entry): Promise<boolean> {
  return sameRevision(await entryAt(storage, path), entry);
}
