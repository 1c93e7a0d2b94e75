/**
 * The `file` lane: one file, whole, from one side to the other, through a temp beside its destination.
 *
 * Order (DESIGN.md section 7): bytes into the temp → size, mode, times → source and destination looked at again →
 * renamed. Until the rename nothing that a reader could see has changed; whatever fails before it leaves the old version.
 */
import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { isSettledSource, keptBytesMin, recordsProgress, resumedBytesMin } from '../core/resume.js';
import type { Source, Storage, Temp } from '../ports.js';
import { type Beginning, ContentHash } from './content-hash.js';
import { pieceBytes, Pieces } from './pieces.js';
import type { Throttle } from './throttle.js';

/** Files up to this size are hashed on their way, so that a later touch is told from an edit without sending anything. */
const hashedBytesMax = 64 * 2 ** 20;
const attemptsMax = 3;
/** A file modified less than this before it was read may change again without its time showing it. */
const racyMs = 2_000;
/** From this size on the free space is asked for before anything is sent. */
const spaceCheckedBytes = 2 ** 20;

export interface FileTransfer {
  readonly from: Pick<Storage, 'openSource' | 'clockOffsetMs'>;
  readonly to: Storage;
  readonly path: string;
  /** What the plan saw at the destination. */
  readonly expected: Entry | null;
  /** The mode and the owner the new file gets. */
  readonly attributes: (source: Entry) => {
    mode?: number;
    mtimeMs?: number;
    owner?: { uid: number; gid: number };
  };
  readonly sync: boolean;
  readonly now: () => number;
  readonly temps: TransferTemps;
  /** Called with every `bytes` more that were sent, or were there already. */
  readonly progress: (bytes: number) => void;
  /** Shared by all transfers. */
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
}

/** The names of one transfer's temps, and what survives of them. */
export interface TransferTemps {
  /** A name that was never used, on record; called once per new temp. */
  fresh(): Promise<string>;
  /**
   * What an earlier attempt left of this path and can be continued; whatever else was left is removed first. Nothing can
   * be when the source is `null`. Called again when `resumed` was told that it did not work.
   */
  resumable(source: { fingerprint: string; size: number } | null): Promise<LeftTemp | null>;
  /** Whether it goes on under the name `to`; if not, what is left of it is removed. */
  resumed(left: LeftTemp, goesOn: boolean): Promise<void>;
  /** `bytes` of the content with this fingerprint are safely under this name. */
  progress(name: string, fingerprint: string, bytes: number): Promise<void>;
  /** Certainly nothing is left under this name. */
  gone(name: string): void;
}

/** A temp to go on with: the name it has, the one it is to get (on record, never used), and how much of it is trusted. */
export interface LeftTemp {
  readonly from: string;
  readonly to: string;
  readonly offset: number;
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
export async function transferFile(job: FileTransfer): Promise<FileTransferred> {
  let before: Beginning | null = null;
  for (let attempt = 1; ; attempt++) {
    const done = await attemptTransfer(job, attempt, before);
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
  job: FileTransfer,
  attempt: number,
  before: Beginning | null,
): Promise<FileTransferred | Missed> {
  job.signal.throwIfAborted();
  const source = await job.from.openSource(job.path);
  try {
    const racy = job.now() - source.entry.mtimeMs < racyMs;
    const keeps = await mayBeContinued(job, source.entry);
    const { name, temp } = await openTemp(job, source);
    const present = temp.acknowledged;
    const hash = attempt > 1 || isHashed(source.entry, racy, present) ? new ContentHash(before) : null;
    let ending: 'published' | 'left' | 'failed' = 'failed';
    try {
      const progress = keeps ? new KeptProgress(job, name, source.fingerprint, temp) : null;
      const short = !(await copy(job, source, temp, hash, progress));
      // A log that is only ever appended to begins as it did a moment ago; a file that is rewritten does not.
      const mayCut = attempt === attemptsMax && hash?.beginsAsBefore === true;
      const outcome = short ? null : await finish(job, source, temp, mayCut);
      const read = hash?.digest() ?? null;
      if (outcome === null) return { read: short ? null : read };
      ending = 'published';
      const entry = read === null ? source.entry : { ...source.entry, hash: read.digest };
      return { ...outcome, source: entry, racy, bytes: source.entry.size - present };
    } catch (error) {
      if (keeps && isInterruption(job, error) && temp.acknowledged >= keptBytesMin) {
        ending = 'left';
        await job.temps.progress(name, source.fingerprint, await temp.leave());
      }
      throw error;
    } finally {
      if (ending === 'published' || (ending === 'failed' && (await temp.discard()))) job.temps.gone(name);
    }
  } finally {
    await source.close();
  }
}

/** What is present is read again for the hash: only on our own machine is that cheaper than having none. */
function isHashed(source: Entry, racy: boolean, present: number): boolean {
  return (racy || source.size <= hashedBytesMax) && (present === 0 || source.ino !== undefined);
}

/** Whether this attempt can be continued by a later one. */
async function mayBeContinued({ from, to, now }: FileTransfer, source: Entry): Promise<boolean> {
  if (!to.capabilities.resume) return false;
  return source.size >= resumedBytesMin && isSettledSource(source, now() + (await from.clockOffsetMs()));
}

/** Whether the attempt was cut short, and nothing is wrong with the path itself. */
function isInterruption({ signal }: FileTransfer, error: unknown): boolean {
  return signal.aborted || hasCode(error, 'network', 'interrupted');
}

/** A temp to write to: the one an earlier attempt left, or a new one. */
async function openTemp(job: FileTransfer, source: Source): Promise<{ name: string; temp: Temp }> {
  const { temps, to, path } = job;
  const { fingerprint, entry } = source;
  for (;;) {
    const left = await temps.resumable({ fingerprint, size: entry.size });
    try {
      await requireSpace(job, entry.size - (left?.offset ?? 0));
    } catch (error) {
      // What cannot be finished is in the way of files that would fit.
      if (left !== null) await temps.resumed(left, false);
      throw error;
    }
    if (left === null) break;
    const temp = await to.resumeTemp(path, left.from, left.to, left.offset);
    await temps.resumed(left, temp !== null);
    if (temp !== null) return { name: left.to, temp };
  }
  const name = await temps.fresh();
  try {
    const { mtimeMs } = job.attributes(entry);
    const hint = { size: entry.size, ...(mtimeMs === undefined ? undefined : { mtimeMs }) };
    return { name, temp: await to.createTemp(path, name, hint) };
  } catch (error) {
    // Anything but a lost link is an answer: the temp was not made.
    if (!hasCode(error, 'network')) temps.gone(name);
    throw error;
  }
}

/** Puts on record how far a transfer came, every now and then. */
class KeptProgress {
  readonly #job: FileTransfer;
  readonly #name: string;
  readonly #fingerprint: string;
  readonly #temp: Temp;
  #last: { readonly bytes: number; readonly atMs: number };

  constructor(job: FileTransfer, name: string, fingerprint: string, temp: Temp) {
    this.#job = job;
    this.#name = name;
    this.#fingerprint = fingerprint;
    this.#temp = temp;
    this.#last = { bytes: temp.acknowledged, atMs: job.now() };
  }

  async note(): Promise<void> {
    const now = { bytes: this.#temp.acknowledged, atMs: this.#job.now() };
    if (!recordsProgress(this.#last, now)) return;
    this.#last = now;
    await this.#job.temps.progress(this.#name, this.#fingerprint, now.bytes);
  }
}

async function requireSpace({ to, path }: FileTransfer, size: number): Promise<void> {
  if (size < spaceCheckedBytes) return;
  const free = await to.freeBytes(path);
  if (free === null || free >= size) return;
  throw new TowlineError(
    'no-space',
    `no space for '${path}': it needs ${String(size)} bytes, ${String(free)} are free`,
    {
      path,
      hint: 'Free some space there; it is tried again by itself',
    },
  );
}

/** Sends what the temp lacks, up to the source's length at opening. False when that turned out shorter. */
async function copy(
  job: FileTransfer,
  source: Source,
  temp: Temp,
  hash: ContentHash | null,
  progress: KeptProgress | null,
): Promise<boolean> {
  const { size } = source.entry;
  const present = temp.acknowledged;
  if (hash !== null) await hashBeginning(job, source, hash, present);
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
  job: FileTransfer,
  source: Source,
  hash: ContentHash,
  bytes: number,
): Promise<void> {
  for (let offset = 0; offset < bytes;) {
    job.signal.throwIfAborted();
    const data = await source.read(offset, Math.min(pieceBytes, bytes - offset));
    // Shorter than it was: the check before the rename notices.
    if (data.length === 0) return;
    hash.update(data);
    offset += data.length;
  }
}

async function finish(
  job: FileTransfer,
  source: Source,
  temp: Temp,
  mayCut: boolean,
): Promise<{ made: Entry; dirty: boolean } | null> {
  const { made, destination } = await temp.complete({
    size: source.entry.size,
    sync: job.sync,
    ...job.attributes(source.entry),
  });
  const state = await source.check();
  if (state === 'vanished') {
    throw new TowlineError('vanished', `'${job.path}' went away while it was read`, { path: job.path });
  }
  if (state === 'changed' || (state === 'grown' && !mayCut)) return null;
  if (!sameRevision(destination, job.expected)) {
    throw new TowlineError('changed', `'${job.path}' changed on the other side meanwhile`, {
      path: job.path,
    });
  }
  await temp.publish(job.expected);
  return { made, dirty: state === 'grown' };
}
