/** Carries single files for callers of the library: over lost links, past what is there already, atomically or in place. */
import { throwIfAborted } from '../core/abort.js';
import { sameTimeAcross } from '../core/compare.js';
import type { Entry, Side } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { racyMs } from '../core/racy.js';
import type { Clock, Link, Storage } from '../ports.js';
import { type InPlaceStorage, isInPlace } from '../ports-in-place.js';
import { entryAt } from '../transfer/entry-at.js';
import { type FileTransferred, transferFile, transferInPlace } from '../transfer/file-lane.js';
import type { WrittenInPlace } from '../transfer/in-place.js';
import { proveSame } from '../transfer/proof.js';
import { readHash } from '../transfer/read-hash.js';
import type { Carriage } from '../transfer/target.js';
import type { Throttle } from '../transfer/throttle.js';
import type { Temps } from './temps.js';
import { PathTemps } from './transfer-temps.js';

export interface CarryOptions {
  /**
   * Default: true, the content is written beside the destination and renamed onto it at last. False: it is written into the
   * destination itself. That keeps its inode and needs no second copy's space, but readers see it half written, and it stays
   * so when the call is cut short.
   */
  readonly atomic?: boolean;
  /**
   * Left out: a call goes on over a lost link, and with the temp an earlier call left. True: also with the destination as it
   * is, if it is proved by hash (where the server has a shell) that the source begins with it. Then a destination that
   * holds all of the source, and more, counts as complete; and one that is shorter is continued when `atomic` is false.
   * False: none of this.
   */
  readonly resume?: boolean;
  /** How much of the file is over there by now, and its size, bytes; starts again when an attempt does. */
  readonly progress?: (bytes: number, size: number) => void;
}

/** What became of one file. */
export interface FileCarried {
  /** Bytes that were carried: less than the size when the file was continued. */
  readonly bytes: number;
  /** Of the source. */
  readonly size: number;
  /** The destination was complete already, and nothing was done. */
  readonly complete: boolean;
}

/** One call. */
export interface CarryCall {
  readonly from: Storage;
  readonly source: string;
  readonly to: Storage;
  readonly side: Side;
  readonly destination: string;
  readonly options: CarryOptions;
  readonly signal: AbortSignal;
}

/** What all calls share. */
export interface CarryParts {
  readonly link: Pick<Link, 'ready'>;
  readonly temps: Temps;
  readonly throttle: Throttle;
  readonly clock: Clock;
}

/** Failures of the link in one call that carried nothing further. */
export const idleFailuresMax = 5;

/**
 * Carries one file, however often the link is lost meanwhile.
 * @throws as `transferFile`, `unsupported` (in place, where the side cannot), `interrupted`
 */
export async function carryFile(parts: CarryParts, call: CarryCall): Promise<FileCarried> {
  const { signal, options } = call;
  const written: WrittenInPlace = { last: null };
  let furthest = 0;
  let idle = 0;
  for (;;) {
    let there = 0;
    try {
      throwIfAborted(signal);
      return await attempt(parts, call, written, (bytes) => (there = bytes));
    } catch (error) {
      throwIfAborted(signal);
      idle = there > furthest ? 0 : idle + 1;
      furthest = Math.max(furthest, there);
      if (options.resume === false || !hasCode(error, 'network') || idle >= idleFailuresMax) throw error;
      await parts.link.ready(signal);
    }
  }
}

async function attempt(
  parts: CarryParts,
  call: CarryCall,
  written: WrittenInPlace,
  told: (bytes: number) => void,
): Promise<FileCarried> {
  const { to, destination, options } = call;
  const present = await entryAt(to, destination);
  const size = await sizeIfComplete(parts, call, present);
  if (size !== null) return { bytes: 0, size, complete: true };
  let bytes = 0;
  const job = carriageOf(parts, call, present, (more, of) => {
    bytes += more;
    told(bytes);
    options.progress?.(bytes, of);
  });
  const done =
    options.atomic === false
      ? await transferInPlace({
          ...job,
          to: inPlaceOf(call),
          resume: options.resume === true,
          written,
        })
      : await throughTemp(parts, call, job);
  return { bytes: done.bytes, size: done.source.size, complete: false };
}

function inPlaceOf({ to, destination: path }: CarryCall): InPlaceStorage {
  if (isInPlace(to)) return to;
  throw new TowlineError('unsupported', `'${path}' cannot be written in place on ${to.label}`, {
    path,
    hint: 'Leave out `atomic: false`',
  });
}

async function throughTemp({ temps }: CarryParts, call: CarryCall, job: Carriage): Promise<FileTransferred> {
  const { side, to, destination, options } = call;
  if (options.resume === false) await temps.takeUp(side, destination, to, null);
  const names = new PathTemps({ temps, side, storage: to, path: destination }, null);
  try {
    return await transferFile({ ...job, temps: names });
  } finally {
    names.end();
  }
}

function carriageOf(
  { clock, throttle }: CarryParts,
  { from, source, to, destination, signal }: CarryCall,
  expected: Entry | null,
  progress: (bytes: number, of: number) => void,
): Carriage {
  let size = 0;
  return {
    // The two ends have names of their own: whatever is asked of this side is about the source.
    from: {
      openSource: async () => {
        const opened = await from.openSource(source);
        size = opened.entry.size;
        return opened;
      },
      clockOffsetMs: () => from.clockOffsetMs(),
      hashInPlace: (files, until) =>
        from.hashInPlace(
          files.map((file) => ({ ...file, path: source })),
          until,
        ),
    },
    to,
    path: destination,
    expected,
    attributes: ({ mode, mtimeMs }) => ({ mode, mtimeMs }),
    sync: false,
    now: () => clock.now(),
    progress: (more) => progress(more, size),
    throttle,
    signal,
  };
}

/**
 * The size of the source when the destination is it already: the same size and time, or the same content; or, when that is
 * asked for, all of it and more.
 */
async function sizeIfComplete(
  { clock, throttle }: CarryParts,
  call: CarryCall,
  present: Entry | null,
): Promise<number | null> {
  const { from, source, to, destination, options, signal } = call;
  if (present?.kind !== 'file') return null;
  const wanted = await entryAt(from, source);
  if (wanted?.kind !== 'file' || wanted.size > present.size) return null;
  const same = wanted.size === present.size;
  const granularityMs = Math.max(...[from, to].map((storage) => storage.capabilities.timeGranularityMs));
  // Where times cannot be set they say when something was sent, and nothing of what it is. And a source that is this young may
  // have been carried, and edited again, within the second that its time names.
  const tells = to.capabilities.times && Math.abs(clock.now() - wanted.mtimeMs) >= racyMs;
  if (same && tells && sameTimeAcross(wanted.mtimeMs, present.mtimeMs, granularityMs)) return wanted.size;
  if (!same && options.resume !== true) return null;
  const [near, far] = [
    { on: from, path: source },
    { on: to, path: destination },
  ];
  const [first, second] = call.side === 'remote' ? [far, near] : [near, far];
  const proof = await proveSame(first, second, wanted.size, signal);
  if (proof !== 'unknown' || !same) return proof === 'same' ? wanted.size : null;
  // One of them comes over the link.
  const hashes = await Promise.all([
    readHash({ storage: first.on, throttle }, first.path, signal),
    second.on.hash(second.path, signal),
  ]);
  return hashes[0] === hashes[1] ? wanted.size : null;
}
