/** `towline limit`: bounds what a running agent sends. */
import type { Command } from 'commander';
import { TowlineError } from '../core/errors.js';
import type { CliContext } from './context.js';
import { addPairChoice, askAndSay } from './control.js';

const description =
  'Bounds all transfers of a running agent together, in KiB per second, until it is restarted; off: no limit.';

/** Declares the command; `ended` is told its exit code. */
export function addLimit(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('limit')
    .summary('bound how fast an agent sends')
    .description(description)
    .argument('<kib/s|off>');
  const choose = addPairChoice(command);
  command.usage('[options] KIB/S|off [LOCAL [USER@]HOST:PATH]');
  command.action(async (limit: string, given: string[]) => {
    const bwlimit = readLimit(limit);
    const said = () => (bwlimit === null ? 'no limit' : `at most ${limit} KiB/s from now on`);
    ended(
      await askAndSay(context, choose(given), { name: 'limit', request: { ask: 'limit', bwlimit }, said }),
    );
  });
}

function readLimit(text: string): number | null {
  if (text === 'off') return null;
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new TowlineError('configuration', `'${text}' is no limit`, {
    hint: "It is a number of KiB per second above 0, or 'off'",
  });
}
