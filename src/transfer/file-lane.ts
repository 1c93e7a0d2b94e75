/**
 * The `file` lane: one file, whole, from one side to the other, through a temp beside its destination.
 *
 * Order (DESIGN.md section 7): bytes into the temp → size, mode, times → source and destination looked at again →
 * renamed. Until the rename nothing that a reader could see has changed; whatever fails before it leaves the old version.
 */
import type { Entry } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { racyMs } from '../core/racy.js';
import { isSettledSource, keptBytesMin, resumedBytesMin } from '../core/resume.js';
import type { Source } from '../ports.js';
import { type Beginning, ContentHash } from './content-hash.js';
import { copy, KeptProgress } from './copy.js';
import { entryAt } from './entry-at.js';
import { type InPlaceCarriage, openInPlaceTarget } from './in-place.js';
import { proveSame } from './proof.js';
import type { Carriage, OpenTarget, OpenTargetFor, TransferTemps } from './target.js';
import { openTempTarget } from './temp-target.js';

/** Files up to this size are hashed on their way, so that a later touch is told from an edit without sending anything. */
const hashedBytesMax = 64 * 2 ** 20;
const attemptsMax = 3;

export interface FileTransfer extends Carriage {
  readonly temps: TransferTemps;
}

export interface FileTransferred {
  /** The source as it was read. */
  readonly source: Entry;
  /** The destination as the side made it. */
  readonly made: Entry;
  readonly racy: boolean;
  /** The source went on growing: what was published is its beginning, and the path is to be looked at again. */
  readonly dirty: boolean;
  /** What was sent: less than the file when it was continued. */
  readonly bytes: number;
}

/**
 * Carries one file over.
 * @throws `vanished` (source gone), `changing` (it never held still), `changed` (the destination is not what the plan
 * saw), `exists`, `no-space`, `permission`, `network`, `interrupted`
 */
export function transferFile(job: FileTransfer): Promise<FileTransferred> {
  return carry(job, (source) => openTempTarget(job, job.temps, source));
}

/** The same into the destination itself: see in-place.ts for what is given up. */
export function transferInPlace(job: InPlaceCarriage): Promise<FileTransferred> {
  let present = job.expected;
  let attempts = 0;
  return carry(job, async (source) => {
    // What the first attempt wrote is there for the second.
    if (attempts++ > 0) present = await entryAt(job.to, job.path);
    return openInPlaceTarget(job, source, present);
  });
}

async function carry(job: Carriage, open: OpenTargetFor): Promise<FileTransferred> {
  let before: Beginning | null = null;
  for (let attempt = 1; ; attempt++) {
    const done = await attemptTransfer(job, open, attempt, before);
    if ('made' in done) return done;
    before = done.read;
    if (attempt === attemptsMax) {
      throw new TowlineError('changing', `'${job.path}' kept changing while it was read`, {
        path: job.path,
        hint: 'It is tried again when it holds still',
      });
    }
  }
}

/** Nothing was published, since the source changed meanwhile: what was read of it, if it was hashed. */
interface Missed {
  readonly read: Beginning | null;
}

async function attemptTransfer(
  job: Carriage,
  open: OpenTargetFor,
  attempt: number,
  before: Beginning | null,
): Promise<FileTransferred | Missed> {
  job.signal.throwIfAborted();
  const source = await job.from.openSource(job.path);
  try {
    if (attempt === 1) await job.requireDue?.(source.entry);
    const racy = job.now() - source.entry.mtimeMs < racyMs;
    const keeps = await mayBeContinued(job, source.entry);
    const target = await open(source);
    const { temp } = target;
    const present = temp.acknowledged;
    const hash = attempt > 1 || isHashed(job, source.entry, racy, present) ? new ContentHash(before) : null;
    let ending: 'published' | 'left' | 'failed' = 'failed';
    try {
      const progress = keeps ? new KeptProgress(target, job.now) : null;
      const short = !(await copy(job, source, temp, hash, progress));
      // A log that is only ever appended to begins as it did a moment ago; a file that is rewritten does not.
      const mayCut = attempt === attemptsMax && hash?.beginsAsBefore === true;
      const read = hash?.digest() ?? null;
      const outcome = short
        ? null
        : await finish(job, source, target, { cut: mayCut ? read : null, present });
      if (outcome === null) return { read: short ? null : read };
      ending = 'published';
      const entry = read === null ? source.entry : { ...source.entry, hash: read.digest };
      return { ...outcome, source: entry, racy, bytes: source.entry.size - present };
    } catch (error) {
      if (keeps && isInterruption(job, error) && temp.acknowledged >= keptBytesMin) {
        ending = 'left';
        await target.progress(await temp.leave());
      }
      throw error;
    } finally {
      if (ending === 'published' || (ending === 'failed' && (await temp.discard()))) target.gone();
    }
  } finally {
    await source.close();
  }
}

/** What is present is read again for the hash: only on our own machine is that cheaper than having none. */
function isHashed({ hashed }: Carriage, source: Entry, racy: boolean, present: number): boolean {
  const wanted = hashed === true || racy || source.size <= hashedBytesMax;
  return wanted && (present === 0 || source.ino !== undefined);
}

/** Whether this attempt can be continued by a later one. */
async function mayBeContinued({ from, to, now }: Carriage, source: Entry): Promise<boolean> {
  if (!to.capabilities.resume) return false;
  return source.size >= resumedBytesMin && isSettledSource(source, now() + (await from.clockOffsetMs()));
}

/** Whether the attempt was cut short, and nothing is wrong with the path itself. */
function isInterruption({ signal }: Carriage, error: unknown): boolean {
  return signal.aborted || hasCode(error, 'network', 'interrupted');
}

async function finish(
  job: Carriage,
  source: Source,
  target: OpenTarget,
  { cut, present }: { readonly cut: Beginning | null; readonly present: number },
): Promise<{ made: Entry; dirty: boolean } | null> {
  const { made, destination } = await target.temp.complete({
    size: source.entry.size,
    sync: job.sync,
    ...job.attributes(source.entry),
  });
  const doubtful = present > 0 && source.entry.ino === undefined;
  if (doubtful && (await isMixture(job, source, target))) return null;
  const state = await source.check();
  if (state === 'vanished') {
    throw new TowlineError('vanished', `'${job.path}' went away while it was read`, { path: job.path });
  }
  if (state === 'changed') return null;
  if (state === 'grown' && !(cut !== null && (await isStillThere(job, cut)))) return null;
  if (!target.isAsExpected(doubtful ? await entryAt(job.to, job.path) : destination, made)) {
    throw new TowlineError('changed', `'${job.path}' changed on the other side meanwhile`, {
      path: job.path,
    });
  }
  await target.temp.publish(job.expected);
  return { made, dirty: state === 'grown' };
}

/**
 * Whether the file still begins with what was read of it: the attempt before has shown that of the part it read, and somebody
 * may have written the whole anew, and longer, while the rest was read. Where that cannot be told, it is believed.
 */
async function isStillThere({ from, path, signal }: Carriage, { size, digest }: Beginning): Promise<boolean> {
  const hashes = await from.hashInPlace([{ path, length: size }], signal);
  return hashes === null || hashes[0] === digest;
}

/**
 * Size and time in whole seconds are all that a server tells of a source: before what was continued by them alone gets its
 * name, the whole is compared where that can be done without reading it again.
 */
async function isMixture(
  { from, path, to, signal }: Carriage,
  source: Source,
  target: OpenTarget,
): Promise<boolean> {
  const [whole, written] = [
    { on: from, path },
    { on: to, path: target.path },
  ];
  return (await proveSame(whole, written, source.entry.size, signal)) === 'different';
}
