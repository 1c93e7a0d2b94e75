/** What people see while the agent works: quiet, one line for each thing worth knowing. */
import type { AgentEvent, PairOptions, SyncResult } from '../index.js';
import type { CliContext } from './context.js';
import {
  arrowOf,
  batchText,
  conflictText,
  holdText,
  keptText,
  linkText,
  noticeText,
  nothingToDoText,
  problemText,
} from './lines.js';
import type { LineWriter } from './linewriter.js';
import { formatBytes } from './numbers.js';
import type { OutputFlags } from './options.js';

/** Problems remembered, to say each only once. */
const problemsKnownMax = 10_000;

/** Shows what both kinds of runs have in common: notices, the link, and with `-v` each file. */
export function commonEvents(
  context: CliContext,
  lines: LineWriter,
  flags: OutputFlags,
): (event: AgentEvent) => void {
  let waiting = '';
  return (event) => {
    if (event.type === 'notice') {
      // Slower crypto is no news for someone who did not ask.
      if (event.code === 'native-crypto' && flags.verbose === 0) return;
      if (event.level === 'warn') lines.err(noticeText(event), 'warn');
      else lines.out(noticeText(event), 'faint');
    } else if (event.type === 'transfer-end' && event.ok && flags.verbose > 0) {
      lines.out(`↑ ${event.path}  ${formatBytes(event.size)}`);
    } else if (event.type === 'conflict') {
      // One that waits is a problem, which is shown with what to do.
      if (event.resolution !== 'waiting') lines.err(conflictText(event), 'warn');
    } else if (event.type === 'link') {
      if (event.state.name === 'ready' && waiting !== '') lines.err('connected again', 'good');
      if (event.state.name === 'ready') waiting = '';
      const text = linkText(event.state, context.now().getTime());
      if (text === null || event.state.name !== 'waiting') return;
      // Retries go on for hours: the same reason is said once.
      if (event.state.error.message !== waiting || flags.verbose > 0) lines.err(text, 'warn');
      waiting = event.state.error.message;
    }
  };
}

/** Shows a watching agent: one line per batch, problems, holds and notices as they come. */
export function watchEvents(
  context: CliContext,
  lines: LineWriter,
  options: PairOptions,
  flags: OutputFlags,
): (event: AgentEvent) => void {
  const common = commonEvents(context, lines, flags);
  const showBatch = batches(context, lines, options);
  const showHolds = holds(lines);
  const problems = new Map<string, string>();
  return (event) => {
    if (event.type === 'watching') {
      lines.out(
        `watching ${options.local} ${arrowOf(options.mode)} ${options.remote} (Ctrl-C stops)`,
        'good',
      );
    } else if (event.type === 'batch') {
      showBatch(event.summary);
    } else if (event.type === 'holds') {
      showHolds(event.holds);
    } else if (event.type === 'problem') {
      const { path, message } = event.problem;
      if (problems.get(path) !== message) lines.err(`! ${problemText(event.problem)}`, 'bad');
      if (problems.size < problemsKnownMax) problems.set(path, message);
    } else if (event.type === 'solved') {
      if (problems.delete(event.path)) lines.out(`solved: ${event.path}`, 'good');
    } else {
      common(event);
    }
  };
}

type ShowBatch = (summary: Extract<AgentEvent, { type: 'batch' }>['summary']) => void;

function batches(context: CliContext, lines: LineWriter, options: PairOptions): ShowBatch {
  let first = true;
  let keptSaid = 0;
  return (summary) => {
    const isFirst = first && summary.cause === 'scan';
    // The time before the line takes ten characters.
    const text = batchText(summary, context.stdout.columns() - 10);
    if (text !== null) lines.out(isFirst ? `first sync: ${text}` : text);
    else if (isFirst) lines.out(nothingToDoText(summary.skipped, summary.durationMs));
    // Every later scan counts the same ones again.
    if (summary.kept > 0 && (summary.cause === 'changes' || summary.kept !== keptSaid)) {
      lines.out(keptText(summary.kept, options), 'faint');
    }
    if (summary.cause === 'scan') {
      first = false;
      keptSaid = summary.kept;
    }
  };
}

function holds(lines: LineWriter): (holds: SyncResult['holds']) => void {
  let known = new Set<string>();
  return (current) => {
    // Counts change while it lasts; only a new cause is news.
    for (const hold of current) if (!known.has(hold.cause)) lines.err(holdText(hold), 'warn');
    if (current.length === 0 && known.size > 0)
      lines.err('deletions go on: nothing holds them back any more', 'good');
    known = new Set(current.map((hold) => hold.cause));
  };
}
