/** `towline flush`: waits until every change made before is on the other side. */
import type { Command } from 'commander';
import { exitCodes } from '../core/errors.js';
import type { AgentStatus } from '../index.js';
import type { CliContext } from './context.js';
import { addPairChoice, ask, chosenFolder, type PairCommand } from './control.js';
import { writeObject } from './json.js';
import { type LineWriter, lineWriter } from './linewriter.js';
import { holdText, problemText } from './lines.js';

const description = [
  'Waits until every change made before is on the other side. Exit code 1 when some paths have problems, 5 when',
  'deletions are held back: these are not waited for.',
].join(' ');

/** Declares the command; `ended` is told its exit code. */
export function addFlush(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('flush')
    .summary('wait until all changes are on the other side')
    .description(description);
  const choose = addPairChoice(command);
  command.action(async (given: string[]) => ended(await runFlush(context, choose(given))));
}

async function runFlush(context: CliContext, choice: PairCommand): Promise<number> {
  const folder = await chosenFolder('flush', context, choice);
  const flags = choice.flags.output();
  const lines = lineWriter(context, flags, false);
  const before = await ask(context, folder, { ask: 'status' });
  if (before.state === 'paused') lines.err("the agent is paused: this waits for 'towline resume'", 'warn');
  if (before.state === 'waiting') lines.err('the agent has no connection: this waits for it', 'warn');
  const status = await ask(context, folder, { ask: 'flush' });
  if (!flags.json) showLeftOver(lines, status);
  else if (!writeObject(context, { running: true, ...status })) return exitCodes.someFailed;
  return exitCodeOf(status);
}

/** As for one-shot runs: a hold outranks failed paths. */
function exitCodeOf({ holds, problems, queue }: AgentStatus): number {
  if (holds.length > 0 || queue.held > 0) return exitCodes.held;
  return problems.length > 0 || queue.problems > 0 ? exitCodes.someFailed : exitCodes.done;
}

function showLeftOver(lines: LineWriter, status: AgentStatus): void {
  const { problems, holds } = status;
  for (const problem of problems) lines.err(`! ${problemText(problem)}`, 'bad');
  for (const hold of holds) lines.err(holdText(hold), 'warn');
  if (exitCodeOf(status) === exitCodes.done) lines.out('every change is on the other side');
}
