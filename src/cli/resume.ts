/** `towline resume`: ends a pause, and lets deletions go that the guard holds back. */
import type { Command } from 'commander';
import type { CliContext } from './context.js';
import { addPairChoice, askAndSay } from './control.js';

const description =
  'Ends a pause. With --allow-deletes the deletions that are held back (too many, a lost state, changed filter rules) go, this once.';

/** Declares the command; `ended` is told its exit code. */
export function addResume(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('resume')
    .summary('end a pause; let held deletions go')
    .description(description)
    .option('--allow-deletes', 'let the deletions go that are held back now');
  const choose = addPairChoice(command);
  command.action(async (given: string[], { allowDeletes = false }: { allowDeletes?: boolean }) => {
    const said = () => (allowDeletes ? 'resumed; what was held back may go now' : 'resumed');
    const request = { ask: 'resume', allowDeletes } as const;
    ended(await askAndSay(context, choose(given), { name: 'resume', request, said }));
  });
}
