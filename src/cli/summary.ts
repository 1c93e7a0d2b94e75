/** What people see of a one-shot run when it is over. */
import type { PairOptions, SyncResult } from '../index.js';
import { doneText, holdText, keptText, leftOutText, nothingToDoText, problemText } from './lines.js';
import type { LineWriter } from './linewriter.js';
import { formatCount } from './numbers.js';
import type { OutputFlags } from './options.js';

/** Problems listed unless `-v` asks for all. */
const problemsShownMax = 20;

/** Shows how a one-shot run ended. */
export function showResult(
  lines: LineWriter,
  result: SyncResult,
  options: PairOptions,
  flags: OutputFlags,
): void {
  const done = doneText(result);
  lines.out(done ?? nothingToDoText(result.skipped, result.durationMs));
  if (done !== null && result.skipped > 0) {
    lines.out(`${formatCount(result.skipped, 'path')} the same already`, 'faint');
  }
  showLeftOver(lines, result, options, flags);
}

/** Shows what a run left: paths kept on the server, holds, problems. */
export function showLeftOver(
  lines: LineWriter,
  result: SyncResult,
  options: PairOptions,
  flags: OutputFlags,
): void {
  if (result.kept > 0) lines.out(keptText(result.kept, options), 'faint');
  if (result.leftOut > 0) lines.out(leftOutText(result.leftOut), 'faint');
  const shown = flags.verbose > 0 ? result.problems : result.problems.slice(0, problemsShownMax);
  for (const problem of shown) lines.err(`! ${problemText(problem)}`, 'bad');
  const rest = Math.max(result.failed, result.problems.length) - shown.length;
  if (rest > 0) lines.err(`! and ${formatCount(rest, 'more problem')}`, 'bad');
  for (const hold of result.holds) lines.err(holdText(hold), 'warn');
}
