/**
 * The destination itself as what is written to: `atomic: false`. A reader sees it half written, and whatever cuts the
 * transfer short leaves it so; in exchange it keeps its inode, its owner and its links, and needs no space twice.
 */
import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { Source } from '../ports.js';
import type { InPlaceStorage } from '../ports-in-place.js';
import { proveSame } from './proof.js';
import { requireSpace } from './space.js';
import type { Carriage, OpenTarget } from './target.js';

export interface InPlaceCarriage extends Carriage {
  readonly to: InPlaceStorage;
  /** Go on with a destination that is the beginning of the source. */
  readonly resume: boolean;
  readonly written: WrittenInPlace;
}

/** What earlier attempts of this very call wrote; new for each call. */
export interface WrittenInPlace {
  /** So many bytes of the source with this fingerprint. */
  last: { readonly fingerprint: string; readonly bytes: number } | null;
}

/**
 * @param present what is at the destination now
 * @throws `exists` (no file), `changed`, `no-space`, `permission`, `network`
 */
export async function openInPlaceTarget(
  job: InPlaceCarriage,
  source: Source,
  present: Entry | null,
): Promise<OpenTarget> {
  const { to, path, written } = job;
  if (present !== null && present.kind !== 'file') {
    throw new TowlineError('exists', `'${path}' is no file: it cannot be written in place`, { path });
  }
  const offset = present === null ? 0 : await provedBytes(job, source, present);
  await requireSpace(to, path, source.entry.size - (present?.size ?? 0));
  return {
    temp: await to.openInPlace(path, present, offset),
    path,
    isAsExpected: (destination, made) => sameRevision(destination, made),
    progress: (bytes) => {
      written.last = { fingerprint: source.fingerprint, bytes };
      return Promise.resolve();
    },
    gone: () => {
      written.last = null;
    },
  };
}

/** How much of the destination is the beginning of the source: by this call's own hands, or by hash. */
async function provedBytes(job: InPlaceCarriage, source: Source, present: Entry): Promise<number> {
  const { last } = job.written;
  if (last?.fingerprint === source.fingerprint && present.size >= last.bytes) return last.bytes;
  const length = Math.min(present.size, source.entry.size);
  if (!job.resume || length === 0) return 0;
  const [origin, destination] = [
    { on: job.from, path: job.path },
    { on: job.to, path: job.path },
  ];
  const here = source.entry.ino !== undefined;
  const [first, second] = here ? [destination, origin] : [origin, destination];
  return (await proveSame(first, second, length, job.signal)) === 'same' ? length : 0;
}
