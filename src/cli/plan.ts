/** What a dry run shows to people. */
import type { PairOptions, PlannedAction, SyncResult } from '../index.js';
import type { LineWriter } from './linewriter.js';
import { formatBytes, formatCount } from './numbers.js';
import type { OutputFlags } from './options.js';
import { showLeftOver } from './summary.js';

const names: Readonly<Record<PlannedAction['action'], string>> = {
  upload: 'upload',
  download: 'download',
  'make-directory': 'make directory',
  'set-metadata': 'set mode/time',
  'delete-local': 'delete here',
  'delete-remote': 'delete there',
  move: 'rename',
  conflict: 'conflict',
};
const nameWidth = Math.max(...Object.values(names).map((name) => name.length));

/** One line of a plan: what, which path, how much, why. */
export function plannedText({ action, path, from, bytes, reason }: PlannedAction): string {
  const why = [...(bytes > 0 ? [formatBytes(bytes)] : []), ...(reason === '' ? [] : [reason])].join(', ');
  const what = from === undefined ? path : `${from} -> ${path}`;
  return `${names[action].padEnd(nameWidth)}  ${what}${why === '' ? '' : `  (${why})`}`;
}

/** Shows one line of a plan as soon as it is known. */
export function showPlanned(lines: LineWriter, action: PlannedAction): void {
  const deletes = action.action === 'delete-local' || action.action === 'delete-remote';
  lines.out(plannedText(action), deletes ? 'bad' : 'plain');
}

/** The last line of a plan. */
export function planTotalsText(totals: SyncResult): string {
  const parts: string[] = [];
  if (totals.transferred > 0) {
    const bytes = formatBytes(totals.bytesSent + totals.bytesReceived);
    const verb = totals.bytesReceived === 0 ? 'send' : totals.bytesSent === 0 ? 'bring' : 'carry over';
    parts.push(`${verb} ${formatCount(totals.transferred, 'file')}, ${bytes}`);
  }
  if (totals.moved > 0) parts.push(`rename ${formatCount(totals.moved, 'path')}`);
  if (totals.directories > 0)
    parts.push(`make ${formatCount(totals.directories, 'directory', 'directories')}`);
  if (totals.metadata > 0)
    parts.push(`set ${formatCount(totals.metadata, 'mode or time', 'modes or times')}`);
  // Of `conflicts`, those that wait are among the problems.
  const waiting = Math.min(
    totals.conflicts,
    totals.problems.filter(({ code }) => code === 'conflict').length,
  );
  const settled = totals.conflicts - waiting;
  if (settled > 0) parts.push(`settle ${formatCount(settled, 'conflict')}`);
  if (waiting > 0) parts.push(`leave ${formatCount(waiting, 'conflict')} to you`);
  if (totals.deleted > 0) parts.push(`delete ${formatCount(totals.deleted, 'path')}`);
  const would = parts.length > 0 ? `would ${parts.join('; ')}` : 'nothing to do';
  return `dry run: ${would}; ${formatCount(totals.skipped, 'path')} the same already; nothing was changed`;
}

/** Shows how a dry run ended. */
export function showPlanEnd(
  lines: LineWriter,
  totals: SyncResult,
  options: PairOptions,
  flags: OutputFlags,
): void {
  lines.out(planTotalsText(totals));
  showLeftOver(lines, totals, options, flags);
}
