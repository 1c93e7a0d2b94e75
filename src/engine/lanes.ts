import PQueue from 'p-queue';

/** Files above this share few slots, so that they do not keep small ones waiting. */
const largeBytes = 2 ** 20;
const largeAtOnce = 4;
/** Enough to hide the round trips of a slow link; what they may hold in memory is bounded by `largeBytes`. */
const smallAtOnce = 64;

/** Where work runs: small things many at once, large files a few at a time. p-queue runs it; nothing is kept there. */
export class Lanes {
  readonly #small = new PQueue({ concurrency: smallAtOnce });
  readonly #large = new PQueue({ concurrency: largeAtOnce });

  /** Runs `work` when there is room for `bytes` of content. */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    return (bytes > largeBytes ? this.#large : this.#small).add(work);
  }

  /** Runs `work` on each item, as many at once as small work may, and resolves when all are done. */
  async each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    await this.#small.addAll(items.map((item) => () => work(item)));
  }
}
