import PQueue from 'p-queue';

/** Files above this share few slots, so that they do not keep small ones waiting. */
const largeBytes = 2 ** 20;
const largeAtOnce = 4;
const smallAtOnce = 32;
/**
 * Tiny files (and everything without content) are bound by round trips alone: this many at once hide those of a slow
 * link, and stay well below the open handles that servers allow (OpenSSH: about 1,000).
 */
const tinyBytes = 64 * 2 ** 10;
const tinyAtOnce = 192;

/** Where work runs: small things many at once, large files a few at a time. p-queue runs it; nothing is kept there. */
export class Lanes {
  readonly #tiny: PQueue;
  readonly #small: PQueue;
  readonly #large: PQueue;

  /** @param atOnceMax for all lanes together; `null`: what each takes */
  constructor(atOnceMax: number | null = null) {
    const lane = (atOnce: number) => new PQueue({ concurrency: atOnce });
    this.#tiny = lane(atOnceMax ?? tinyAtOnce);
    // One lane for all, in the order they came.
    this.#small = atOnceMax === null ? lane(smallAtOnce) : this.#tiny;
    this.#large = atOnceMax === null ? lane(largeAtOnce) : this.#tiny;
  }

  /** Runs `work` when there is room for `bytes` of content. */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    return this.#laneFor(bytes).add(work);
  }

  #laneFor(bytes: number): PQueue {
    if (bytes > largeBytes) return this.#large;
    return bytes > tinyBytes ? this.#small : this.#tiny;
  }

  /** Runs `work` on each item, as many at once as tiny work may, and resolves when all are done. */
  async each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    await this.#tiny.addAll(items.map((item) => () => work(item)));
  }
}
