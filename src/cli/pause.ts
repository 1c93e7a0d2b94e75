/** `towline pause`: the agent notes changes and sends nothing, until `resume`. */
import type { Command } from 'commander';
import type { CliContext } from './context.js';
import { addPairChoice, askAndSay, type Question } from './control.js';

const description =
  'The agent of a pair sends and deletes nothing until it is resumed or restarted; changes are noted and follow then.';

const question: Question = {
  name: 'pause',
  request: { ask: 'pause' },
  said: () => "paused: changes wait until 'towline resume'",
};

/** Declares the command; `ended` is told its exit code. */
export function addPause(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('pause')
    .summary('let an agent send nothing for a while')
    .description(description);
  const choose = addPairChoice(command);
  command.action(async (given: string[]) => ended(await askAndSay(context, choose(given), question)));
}
