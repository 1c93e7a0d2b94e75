/** `towline rescan`: compares everything now. */
import type { Command } from 'commander';
import type { CliContext } from './context.js';
import { addPairChoice, askAndSay, type Question } from './control.js';
import { formatCount, formatDuration } from './numbers.js';

const description =
  'Lets the agent of a pair compare everything on both sides now, and waits until what that finds is done.';

const question: Question = {
  name: 'rescan',
  request: { ask: 'rescan' },
  said: ({ lastScan }) =>
    lastScan === null
      ? 'compared everything'
      : `compared ${formatCount(lastScan.entries, 'path')} in ${formatDuration(lastScan.durationMs)}`,
};

/** Declares the command; `ended` is told its exit code. */
export function addRescan(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('rescan')
    .summary('let an agent compare everything now')
    .description(description);
  const choose = addPairChoice(command);
  command.action(async (given: string[]) => ended(await askAndSay(context, choose(given), question)));
}
