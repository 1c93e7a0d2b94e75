/**
 * The `file` lane: one file, whole, from one side to the other, through a temp beside its destination.
 *
 * Order (DESIGN.md section 7): bytes into the temp → size, mode, times → source and destination looked at again →
 * renamed. Until the rename nothing that a reader could see has changed; whatever fails before it leaves the old version.
 */
import { createHash, type Hash } from 'node:crypto';
import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { TowlineError } from '../core/errors.js';
import type { Source, Storage, Temp } from '../ports.js';
import type { Throttle } from './throttle.js';

/** Files up to this size are hashed on their way, so that a later touch is told from an edit without sending anything. */
const hashedBytesMax = 64 * 2 ** 20;
const pieceBytes = 2 ** 20;
/** Pieces read ahead of the write that waits for room. */
const readAhead = 2;
const nothing = Buffer.alloc(0);
const attemptsMax = 3;
/** A file modified less than this before it was read may change again without its time showing it. */
const racyMs = 2_000;
/** From this size on the free space is asked for before anything is sent. */
const spaceCheckedBytes = 2 ** 20;

export interface FileTransfer {
  readonly from: Storage;
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
  /** A temp name that is on record; called once per attempt. */
  readonly tempName: () => Promise<string>;
  /** Called with the name once it is certain that nothing of it is left behind under it. */
  readonly tempGone: (name: string) => void;
  readonly progress: (bytes: number) => void;
  /** Shared by all transfers. */
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
}

export interface FileTransferred {
  /** The source as it was read. */
  readonly source: Entry;
  /** The destination as the side made it. */
  readonly made: Entry;
  readonly racy: boolean;
  /** The source went on growing: what was published is its beginning, and the path is to be looked at again. */
  readonly dirty: boolean;
  readonly bytes: number;
}

/**
 * Carries one file over.
 * @throws `vanished` (source gone), `changing` (it never held still), `changed` (the destination is not what the plan
 * saw), `exists`, `no-space`, `permission`, `network`, `interrupted`
 */
export async function transferFile(job: FileTransfer): Promise<FileTransferred> {
  for (let attempt = 1; ; attempt++) {
    const done = await attemptTransfer(job, attempt === attemptsMax);
    if (done !== null) return done;
    if (attempt === attemptsMax) {
      throw new TowlineError('changing', `'${job.path}' kept changing while it was read`, {
        path: job.path,
        hint: 'It is tried again when it holds still',
      });
    }
  }
}

/** One try. `null`: the source changed meanwhile, and nothing was published. */
async function attemptTransfer(job: FileTransfer, last: boolean): Promise<FileTransferred | null> {
  job.signal.throwIfAborted();
  const source = await job.from.openSource(job.path);
  try {
    await requireSpace(job, source.entry.size);
    const racy = job.now() - source.entry.mtimeMs < racyMs;
    const hash = racy || source.entry.size <= hashedBytesMax ? createHash('sha256') : null;
    const name = await job.tempName();
    const temp = await createTemp(job, name);
    let published = false;
    try {
      const short = !(await copy(job, source, temp, hash));
      const outcome = short ? null : await finish(job, source, temp, last);
      if (outcome === null) return null;
      published = true;
      const entry = hash === null ? source.entry : { ...source.entry, hash: hash.digest('hex') };
      return { ...outcome, source: entry, racy, bytes: source.entry.size };
    } finally {
      if (published || (await temp.discard())) job.tempGone(name);
    }
  } finally {
    await source.close();
  }
}

async function createTemp(job: FileTransfer, name: string): Promise<Temp> {
  try {
    return await job.to.createTemp(job.path, name);
  } catch (error) {
    // Anything but a lost link is an answer: the temp was not made.
    if (!(error instanceof TowlineError && error.code === 'network')) job.tempGone(name);
    throw error;
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

/** Sends the content up to its length at opening. False when the source turned out shorter. */
async function copy(job: FileTransfer, source: Source, temp: Temp, hash: Hash | null): Promise<boolean> {
  const { size } = source.entry;
  const pieces = new Pieces(job, source);
  try {
    for (let offset = 0; offset < size;) {
      job.signal.throwIfAborted();
      const { data, length } = await pieces.next();
      if (data.length < length) return false;
      hash?.update(data);
      await temp.write(data, offset);
      offset += data.length;
      job.progress(data.length);
    }
    return true;
  } finally {
    await pieces.end();
  }
}

interface Piece {
  readonly data: Buffer;
  /** What was asked for. */
  readonly length: number;
}

/** Reads a source from its start to its length at opening, a little ahead, in pieces as large as the throttle allows. */
class Pieces {
  readonly #job: FileTransfer;
  readonly #source: Source;
  readonly #reads: Promise<Piece>[] = [];
  readonly #stop = new AbortController();
  /** The last piece that was asked for. */
  #granted = Promise.resolve({ offset: 0, length: 0 });

  constructor(job: FileTransfer, source: Source) {
    this.#job = job;
    this.#source = source;
  }

  /** The next piece; of length 0 at the end. */
  next(): Promise<Piece> {
    while (this.#reads.length < readAhead) this.#reads.push(this.#read());
    return this.#reads.shift()!;
  }

  /** Asks for no more; resolves when nothing is being read any more. */
  async end(): Promise<void> {
    this.#stop.abort(new TowlineError('interrupted', `'${this.#job.path}' is not read any further`));
    await Promise.allSettled(this.#reads);
  }

  #read(): Promise<Piece> {
    const granted = this.#grant(this.#granted);
    this.#granted = granted;
    const read = granted.then(async ({ offset, length }) => {
      return { data: length === 0 ? nothing : await this.#source.read(offset, length), length };
    });
    // Awaited in its turn; without this a later read's failure would count as unhandled meanwhile.
    read.catch(() => undefined);
    return read;
  }

  async #grant(before: Promise<{ offset: number; length: number }>): Promise<{ offset: number; length: number }> {
    const last = await before;
    const offset = last.offset + last.length;
    const wanted = Math.min(pieceBytes, this.#source.entry.size - offset);
    const { throttle, signal } = this.#job;
    if (throttle.kibPerSecond === null) return { offset, length: wanted };
    return { offset, length: await throttle.take(wanted, AbortSignal.any([signal, this.#stop.signal])) };
  }
}

async function finish(
  job: FileTransfer,
  source: Source,
  temp: Temp,
  last: boolean,
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
  if (state === 'changed' || (state === 'grown' && !last)) return null;
  if (!sameRevision(destination, job.expected)) {
    throw new TowlineError('changed', `'${job.path}' changed on the other side meanwhile`, {
      path: job.path,
    });
  }
  await temp.publish(job.expected);
  return { made, dirty: state === 'grown' };
}
