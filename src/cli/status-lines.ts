/** How a pair is doing, in words: plain text without colours, not yet made printable. */
import type { AgentStatus, PairStatus } from '../index.js';
import { doneText, holdText, problemText } from './lines.js';
import { formatBytes, formatCount, formatDuration } from './numbers.js';

const nameWidth = 11;
const transfersShownMax = 5;
const problemsShownMax = 20;

/** A line and its meaning, for its colour. */
export interface StatusLine {
  readonly text: string;
  readonly paint: 'good' | 'warn' | 'bad' | 'faint' | 'plain';
}

/** What an agent does, in one line, as `systemctl status` shows it. */
export function oneLineStatus(status: AgentStatus): string {
  const { state, queue, lagMs, link, holds } = status;
  const parts: string[] = [state];
  const waiting = queue.total + queue.settling;
  if (link.error !== null) parts.push(`no connection: ${link.error}`);
  if (waiting > 0) parts.push(`${formatCount(waiting, 'path')} waiting`);
  if (queue.inFlight > 0) parts.push(`${formatCount(queue.inFlight, 'path')} in work`);
  if (lagMs > 0) parts.push(`oldest change ${formatDuration(lagMs)} ago`);
  if (queue.problems > 0) parts.push(formatCount(queue.problems, 'problem'));
  if (holds.length > 0) parts.push('deletions held back');
  return parts.length === 1 && state === 'watching' ? 'watching, nothing waits' : parts.join('; ');
}

/** All that is known of a pair, line by line. */
export function statusLines(status: PairStatus, nowMs: number): StatusLine[] {
  return [
    headLine(status, nowMs),
    ...pairLines(status),
    ...linkLines(status),
    ...queueLines(status),
    ...scanLines(status, nowMs),
    ...transferLines(status),
    ...totalLines(status),
    ...troubleLines(status),
  ];
}

function headLine(status: PairStatus, nowMs: number): StatusLine {
  if (!status.running) return { text: 'stopped: no agent is running for this pair', paint: 'warn' };
  const since = formatDuration(Math.max(0, nowMs - status.startedMs));
  const paint = status.state === 'watching' || status.state === 'scanning' ? 'good' : 'warn';
  return { text: `${status.state} (process ${String(status.pid)}, running for ${since})`, paint };
}

function pairLines({ local, remote, mode }: PairStatus): StatusLine[] {
  if (local === '') return [];
  return [field('pair', `${local} → ${remote}${mode === '' ? '' : ` (${mode})`}`)];
}

function linkLines({ running, link, bwlimit }: PairStatus): StatusLine[] {
  if (!running) return [];
  const text =
    link.state === 'ready' ? 'connected' : link.error === null ? link.state : `${link.state}: ${link.error}`;
  const limit = bwlimit === null ? [] : [field('limit', `${String(bwlimit)} KiB/s`)];
  return [field('link', text, link.error === null ? 'plain' : 'warn'), ...limit];
}

function queueLines({ queue, lagMs }: PairStatus): StatusLine[] {
  const parts: string[] = [];
  const count = (n: number, what: string) => {
    if (n > 0) parts.push(`${n.toLocaleString('en-US')} ${what}`);
  };
  count(queue.total - queue.held - queue.problems, 'waiting');
  count(queue.settling, 'settling');
  count(queue.inFlight, 'in work');
  count(queue.held, 'held back');
  count(queue.problems, queue.problems === 1 ? 'problem' : 'problems');
  const lines = [field('queue', parts.length === 0 ? 'empty' : parts.join(', '))];
  return lagMs > 0 ? [...lines, field('lag', formatDuration(lagMs))] : lines;
}

function scanLines({ lastScan }: PairStatus, nowMs: number): StatusLine[] {
  if (lastScan === null) return [];
  const { endedMs, durationMs, entries } = lastScan;
  const ago = formatDuration(Math.max(0, nowMs - endedMs));
  return [field('last scan', `${ago} ago: ${formatCount(entries, 'path')} in ${formatDuration(durationMs)}`)];
}

function transferLines({ transfers }: PairStatus): StatusLine[] {
  const lines = transfers
    .slice(0, transfersShownMax)
    .map(({ path, size, bytes }) =>
      field('sending', `${path}  ${formatBytes(bytes)} of ${formatBytes(size)}`),
    );
  const rest = transfers.length - transfersShownMax;
  return rest > 0 ? [...lines, field('', `and ${formatCount(rest, 'more file')}`)] : lines;
}

function totalLines({ totals }: PairStatus): StatusLine[] {
  const text = totals === null ? null : doneText({ ...totals, failed: 0 });
  return text === null ? [] : [field('so far', text)];
}

function troubleLines({ problems, queue, holds }: PairStatus): StatusLine[] {
  const shown = problems.slice(0, problemsShownMax);
  const rest = Math.max(queue.problems, problems.length) - shown.length;
  return [
    ...shown.map((problem): StatusLine => ({ text: `! ${problemText(problem)}`, paint: 'bad' })),
    ...(rest > 0 ? [{ text: `! and ${formatCount(rest, 'more problem')}`, paint: 'bad' } as const] : []),
    ...holds.map((hold): StatusLine => ({ text: holdText(hold), paint: 'warn' })),
  ];
}

function field(name: string, text: string, paint: StatusLine['paint'] = 'plain'): StatusLine {
  return { text: `  ${name.padEnd(nameWidth)}${text}`, paint };
}
