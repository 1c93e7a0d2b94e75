/** How fast something goes, and how long the rest will take: the speed of the last seconds. */

/** The speed is that of this time back, so that it follows a link that changes and does not jump. */
const windowMs = 5_000;
/** Until then any guess would be wild. */
const guessAfterMs = 2_000;
/** What a file costs beside its content, in bytes: many small ones are slower than a large one. */
const fileCost = 16 * 1024;
/** Samples closer together than this are one: pieces of a file come by the thousand. */
const sampleMs = 100;

/** An amount of work: content, and the files it is in. */
export interface Amount {
  readonly bytes: number;
  readonly files: number;
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  readonly cost: number;
}

/** Tell it now and then how much is done; times are ms of any clock that does not jump. */
export class Pace {
  #samples: Sample[] = [];
  #rate = 0;
  #costPerMs = 0;
  #nowMs = 0;
  #beganMs: number | null = null;

  /** Bytes per second, as of the last sample. */
  get rate(): number {
    return this.#rate;
  }

  /** The work begins: only from here on the time left can be guessed. Again does nothing. */
  begin(nowMs: number): void {
    this.#beganMs ??= nowMs;
  }

  /** @param done all that is done by now */
  sample({ bytes, files }: Amount, nowMs: number): void {
    const sample = { atMs: nowMs, bytes, cost: bytes + files * fileCost };
    const first = this.#samples.findIndex(({ atMs }) => atMs >= nowMs - windowMs);
    if (first > 0) this.#samples.splice(0, first);
    else if (first === -1) this.#samples = [];
    const last = this.#samples.at(-1);
    if (last === undefined || nowMs - last.atMs >= sampleMs) this.#samples.push(sample);
    const [oldest = sample] = this.#samples;
    const ms = nowMs - oldest.atMs;
    this.#nowMs = nowMs;
    this.#rate = ms > 0 ? ((bytes - oldest.bytes) / ms) * 1000 : 0;
    this.#costPerMs = ms > 0 ? (sample.cost - oldest.cost) / ms : 0;
  }

  /**
   * How long `rest` will take, ms, as of the last sample; `null` while nobody can tell: in the first two seconds, and when
   * nothing moves.
   */
  leftMs(rest: Amount): number | null {
    if (this.#beganMs === null || this.#nowMs - this.#beganMs < guessAfterMs) return null;
    if (this.#costPerMs <= 0) return null;
    return Math.max(rest.bytes + rest.files * fileCost, 0) / this.#costPerMs;
  }
}
