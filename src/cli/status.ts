/** `towline status`: how a pair is doing, with or without an agent. */
import type { Command } from 'commander';
import { exitCodes } from '../core/errors.js';
import { pairStatus } from '../index.js';
import type { CliContext } from './context.js';
import { addPairChoice, chosenFolder, type PairCommand } from './control.js';
import { writeObject } from './json.js';
import { lineWriter } from './linewriter.js';
import { statusLines } from './status-lines.js';

const description = [
  'Shows what the agent of a pair is doing: connection, queue, problems, what is held back. Without arguments it is the',
  'only agent that runs. Of a stopped agent it shows what its state folder says.',
].join(' ');

/** Declares the command; `ended` is told its exit code. */
export function addStatus(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program.command('status').summary('show what an agent is doing').description(description);
  const choose = addPairChoice(command);
  command.action(async (given: string[]) => ended(await runStatus(context, choose(given))));
}

async function runStatus(context: CliContext, choice: PairCommand): Promise<number> {
  const status = await pairStatus(await chosenFolder('status', context, choice));
  const flags = choice.flags.output();
  if (flags.json) return writeObject(context, status) ? exitCodes.done : exitCodes.someFailed;
  const lines = lineWriter(context, flags, false);
  for (const { text, paint } of statusLines(status, context.now().getTime())) lines.out(text, paint);
  return exitCodes.done;
}
