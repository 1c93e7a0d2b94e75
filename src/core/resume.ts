/**
 * When an upload or download goes on where an earlier attempt ended (DESIGN.md, section 7). What was sent counts only as
 * far as it was acknowledged without a gap, and only while the source is the very one it was, or a hash proves that it
 * still begins so: the rest is sent again.
 */
import type { Entry } from './entry.js';

/** Smaller files are sent again as a whole: that costs less than keeping their progress. */
export const resumedBytesMin = 2 ** 20;
/** Progress is put on record each time this much more is acknowledged… */
const recordBytes = 8 * 2 ** 20;
/** …or this much time has passed. */
const recordMs = 2_000;
/** Less than this is not kept: half a request, so that a link which drops every few hundred KB gets on all the same. */
export const keptBytesMin = 2 ** 17;
/** A partial that nobody went on with for so long is removed. */
const keptMs = 7 * 24 * 60 * 60_000;
/**
 * Kernels stamp changes by a clock that ticks every 1 to 10 ms: a source that was read sooner than this after its last
 * change may have changed once more without its fingerprint showing it.
 */
const tickMs = 20;
/** The same where times are whole seconds (a server, some file systems). */
const coarseTickMs = 2_000;

/** How far a transfer was on record, and when. */
export interface Progress {
  readonly bytes: number;
  readonly atMs: number;
}

/** Whether `now` is to be put on record, after `last` was. */
export function recordsProgress(last: Progress, now: Progress): boolean {
  if (now.bytes <= last.bytes) return false;
  return now.bytes - last.bytes >= recordBytes || now.atMs - last.atMs >= recordMs;
}

/**
 * Whether the beginning of this source, read from now on, is what its fingerprint stands for: not when it was changed so
 * shortly before that another change may bear the same time.
 */
export function isSettledSource(source: Entry, nowMs: number): boolean {
  const changedMs = Math.max(source.mtimeMs, source.ctimeMs ?? Number.NEGATIVE_INFINITY);
  const fine = source.ctimeMs !== undefined && source.ctimeMs % 1000 !== 0;
  return nowMs - changedMs >= (fine ? tickMs : coarseTickMs);
}

/** What `PartialRow.fingerprint` holds: the source's fingerprint and when the progress was made. */
export function markOf(fingerprint: string, nowMs: number): string {
  return `${String(Math.floor(nowMs))} ${fingerprint}`;
}

/** The parts of a row on record that decide. */
export interface Partial {
  /** From `markOf`, or `null`. */
  readonly fingerprint: string | null;
  /** Bytes acknowledged from the start. */
  readonly offset: number;
}

/** Whether what was left may be continued one day, so that a sweep leaves it. */
export function isWorthKeeping(partial: Partial, nowMs: number): boolean {
  const mark = readMark(partial);
  return mark !== null && partial.offset >= keptBytesMin && Math.abs(nowMs - mark.atMs) < keptMs;
}

/**
 * What a partial is to a source: surely its beginning (the source is the very one it was), perhaps (it changed, and may
 * only have grown: a hash has to prove it), or of no use.
 */
export type Standing = 'sure' | 'perhaps' | 'none';

/** How a partial stands to this source. A source that changed never gets old bytes that are not proved to be its own. */
export function standingOf(
  partial: Partial,
  source: { readonly fingerprint: string; readonly size: number },
  nowMs: number,
): Standing {
  const mark = readMark(partial);
  if (mark === null || !isWorthKeeping(partial, nowMs) || partial.offset > source.size) return 'none';
  return mark.fingerprint === source.fingerprint ? 'sure' : 'perhaps';
}

function readMark({ fingerprint }: Partial): { readonly atMs: number; readonly fingerprint: string } | null {
  if (fingerprint === null) return null;
  const blank = fingerprint.indexOf(' ');
  const atMs = blank <= 0 ? Number.NaN : Number(fingerprint.slice(0, blank));
  return Number.isFinite(atMs) ? { atMs, fingerprint: fingerprint.slice(blank + 1) } : null;
}

/** A temp that could not be removed is given up after this many tries… */
const refusalsMax = 5;
/** …of which those within this time count as one: a link that comes and goes refuses nothing. */
const refusalMs = 60 * 60_000;

/**
 * What `PartialRow.fingerprint` holds of a temp that was not removed when that was tried: how often, and when it was
 * counted last. `null`: it is given up, and is not to be remembered any more.
 */
export function markOfRefusal({ fingerprint }: Partial, nowMs: number): string | null {
  const [, count = '0', atMs = '-Infinity'] = /^refused (\d+) (\d+)$/.exec(fingerprint ?? '') ?? [];
  if (fingerprint !== null && Math.abs(nowMs - Number(atMs)) < refusalMs) return fingerprint;
  const counted = Number(count) + 1;
  return counted >= refusalsMax ? null : `refused ${String(counted)} ${String(Math.floor(nowMs))}`;
}
