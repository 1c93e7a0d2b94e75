/** Carries the bytes of one attempt. */
import { recordsProgress } from '../core/resume.js';
import type { Source, Temp } from '../ports.js';
import type { ContentHash } from './content-hash.js';
import { pieceBytes, Pieces } from './pieces.js';
import type { Carriage, OpenTarget } from './target.js';

/** Puts on record how far a transfer came, every now and then. */
export class KeptProgress {
  readonly #target: OpenTarget;
  readonly #now: () => number;
  #last: { readonly bytes: number; readonly atMs: number };

  constructor(target: OpenTarget, now: () => number) {
    this.#target = target;
    this.#now = now;
    this.#last = { bytes: target.temp.acknowledged, atMs: now() };
  }

  async note(): Promise<void> {
    const now = { bytes: this.#target.temp.acknowledged, atMs: this.#now() };
    if (!recordsProgress(this.#last, now)) return;
    this.#last = now;
    await this.#target.progress(now.bytes);
  }
}

/** Sends what the temp lacks, up to the source's length at opening. False when that turned out shorter. */
export async function copy(
  job: Carriage,
  source: Source,
  temp: Temp,
  hash: ContentHash | null,
  progress: KeptProgress | null,
): Promise<boolean> {
  const { size } = source.entry;
  const present = temp.acknowledged;
  if (hash !== null) await hashBeginning(job.signal, source, hash, present);
  if (present > 0) job.progress(present);
  const pieces = new Pieces(job, source, present);
  try {
    for (let offset = present; offset < size;) {
      job.signal.throwIfAborted();
      const { data, length } = await pieces.next();
      if (data.length < length) return false;
      hash?.update(data);
      await temp.write(data, offset);
      offset += data.length;
      job.progress(data.length);
      await progress?.note();
    }
    return true;
  } finally {
    await pieces.end();
  }
}

/** What is over there already is part of the content all the same. */
async function hashBeginning(
  signal: AbortSignal,
  source: Source,
  hash: ContentHash,
  bytes: number,
): Promise<void> {
  for (let offset = 0; offset < bytes;) {
    signal.throwIfAborted();
    const data = await source.read(offset, Math.min(pieceBytes, bytes - offset));
    // Shorter than it was: the check before the rename notices.
    if (data.length === 0) return;
    hash.update(data);
    offset += data.length;
  }
}
