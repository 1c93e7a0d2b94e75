/** What people read, in words: plain text without colours or times, not yet made printable. */
import type { AgentEvent, BatchSummary, PairOptions, Problem, SyncResult } from '../index.js';
import { formatBytes, formatCount, formatDuration } from './numbers.js';

type Wishes = Pick<PairOptions, 'mode' | 'delete' | 'onDrift'>;
type Hold = SyncResult['holds'][number];
type Notice = Extract<AgentEvent, { type: 'notice' }>;
type LinkState = Extract<AgentEvent, { type: 'link' }>['state'];

/** What was done, as counts: a `SyncResult` and a `BatchSummary` have these in common. */
type Done = Pick<
  BatchSummary,
  | 'transferred'
  | 'moved'
  | 'directories'
  | 'metadata'
  | 'deleted'
  | 'conflicts'
  | 'failed'
  | 'bytesSent'
  | 'bytesReceived'
  | 'durationMs'
>;

/** Width left for the names at the end of a batch's line, at least. */
const pathsWidthMin = 20;

/** The counts of what was done, `↑ 3 files, 12.4 KiB, 2 deleted`, or `null` when nothing was. */
export function doneText(done: Done, more: readonly string[] = []): string | null {
  const parts: string[] = [];
  if (done.transferred > 0) parts.push(formatCount(done.transferred, 'file'), carriedText(done));
  if (done.moved > 0) parts.push(`${done.moved.toLocaleString('en-US')} renamed`);
  if (done.directories > 0) parts.push(`${formatCount(done.directories, 'directory', 'directories')} made`);
  if (done.metadata > 0) parts.push(`${formatCount(done.metadata, 'mode or time', 'modes or times')} set`);
  if (done.deleted > 0) parts.push(`${done.deleted.toLocaleString('en-US')} deleted`);
  if (done.conflicts > 0) parts.push(formatCount(done.conflicts, 'conflict'));
  parts.push(...more);
  if (done.failed > 0) parts.push(`${done.failed.toLocaleString('en-US')} failed`);
  if (parts.length === 0) return null;
  const sign = done.transferred > 0 ? directionOf(done) : done.deleted > 0 ? '−' : '·';
  return `${sign} ${parts.join(', ')} in ${formatDuration(done.durationMs)}`;
}

/** Which way contents went. */
function directionOf({ bytesSent, bytesReceived }: Done): string {
  if (bytesReceived === 0) return '↑';
  return bytesSent === 0 ? '↓' : '↕';
}

function carriedText({ bytesSent, bytesReceived }: Done): string {
  if (bytesReceived === 0 || bytesSent === 0) return formatBytes(bytesSent + bytesReceived);
  return `${formatBytes(bytesSent)} sent, ${formatBytes(bytesReceived)} received`;
}

/** One line for a batch of changes, or `null` when it did nothing. */
export function batchText(summary: BatchSummary, columns: number): string | null {
  const more: string[] = [];
  if (summary.drifted > 0) more.push(`${String(summary.drifted)} changed by others there`);
  if (summary.held > 0) more.push(`${summary.held.toLocaleString('en-US')} held back`);
  const text = doneText(summary, more);
  if (text === null) return null;
  const touched =
    summary.transferred + summary.moved + summary.directories + summary.metadata + summary.deleted;
  const names = namesText(summary.paths, touched, Math.max(columns - text.length - 2, pathsWidthMin));
  return names === '' ? text : `${text}  ${names}`;
}

/** As many names as fit, at least one, and `…` when there are more. */
function namesText(paths: readonly string[], total: number, width: number): string {
  let text = paths[0] ?? '';
  let named = Math.min(paths.length, 1);
  for (const path of paths.slice(1)) {
    if (text.length + path.length + 5 > width) break;
    text += `, ${path}`;
    named++;
  }
  return named > 0 && (named < paths.length || named < total) ? `${text}, …` : text;
}

/** A comparison of everything after which nothing had to be done. */
export function nothingToDoText(skipped: number, durationMs: number): string {
  return `nothing to do: ${formatCount(skipped, 'path')} the same on both sides (${formatDuration(durationMs)})`;
}

/** Paths that stay on one side although the other has nothing (or something else) there. */
export function keptText(kept: number, { mode = 'push', delete: deletes, onDrift }: Wishes): string {
  const many = kept.toLocaleString('en-US');
  switch (mode) {
    case 'push':
    case 'pull': {
      const where = mode === 'push' ? 'on the server' : 'here';
      // Of these some may be on both sides, or gone where others deleted them.
      if (onDrift === 'keep' || onDrift === 'halt')
        return `left ${many} as they are ${where}: changed by others, or only there`;
      const hint = deletes === true ? '' : ' (use --delete to remove them)';
      return `kept ${many} that are only ${where}${hint}`;
    }
    case 'two-way':
      return deletes === false
        ? `left ${many} as they are: deleted on one side only, and --no-delete keeps the other`
        : `left ${many} as they are: something above waits for a decision, or something excluded is in them`;
    default:
      return `left ${many} as they are: deleted or changed on one side only, which mode ${mode} does not carry over`;
  }
}

/** Paths left alone by limits. */
export function leftOutText(leftOut: number): string {
  const paths = formatCount(leftOut, 'path');
  return `left out ${paths} by --max-size, --exclude-up or --exclude-down ('towline explain PATH' says which)`;
}

/** Why deletions are kept back, and what to do. */
export function holdText(hold: Hold): string {
  const hint = hold.cause === 'partial-listing' ? '; make it readable, or exclude it' : '';
  return `${formatCount(hold.deletions, 'deletion')} held back: ${hold.message}${hint}`;
}

/** A path that failed, and why. */
export function problemText(problem: Problem): string {
  return withPath(problem.path, problem.message);
}

/** Something said once. */
export function noticeText(notice: Notice): string {
  return notice.path === undefined ? notice.message : withPath(notice.path, notice.message);
}

/** Messages mostly name their path; a letter that merely occurs in a sentence is no name. */
function withPath(path: string, message: string): string {
  const at = message.indexOf(path);
  const before = message.charAt(at - 1);
  const after = message.charAt(at + path.length);
  const named = at !== -1 && ['', "'", '/'].includes(before) && ['', "'", ':'].includes(after);
  return named ? message : `${path}: ${message}`;
}

/** The state of the link where it matters to a person, else `null`. */
export function linkText(state: LinkState, nowMs: number): string | null {
  if (state.name !== 'waiting') return null;
  const inMs = state.retryAtMs - nowMs;
  const next = inMs > 0 ? `next try in ${formatDuration(inMs)}; ` : '';
  return `no connection: ${state.error.message} (${next}changes wait)`;
}

/** Which way changes go, between the names of the two sides. */
export function arrowOf(mode: PairOptions['mode']): string {
  if (mode === 'two-way' || mode === 'push-backup') return '↔';
  return mode === 'pull' || mode === 'pull-backup' ? '←' : '→';
}

/** What became of a path that both sides changed, or others where they should not have. */
export function conflictText({ path, cause, side, copy }: Extract<AgentEvent, { type: 'conflict' }>): string {
  const what = cause === 'conflict' ? 'changed on both sides' : 'changed by others there';
  if (copy !== null) return `${path}: ${what}; the ${side ?? ''} version is kept as ${copy}`;
  return `${path}: ${what}; the ${side ?? ''} version was overwritten`;
}
