/** `towline conflicts`: what both sides changed and a person is to decide, and the decision. */
import { posix } from 'node:path';
import { type Command, Option } from 'commander';
import { exitCodes, hasCode } from '../core/errors.js';
import { decideConflict, pairStatus, type Resolution } from '../index.js';
import type { CliContext } from './context.js';
import { addPairChoice, ask, chosenFolder, type PairCommand } from './control.js';
import { writeObject } from './json.js';
import { lineWriter } from './linewriter.js';
import { formatCount } from './numbers.js';

const keeps: readonly Resolution[] = ['local', 'remote', 'both'];

/** Declares the command; `ended` is told its exit code. */
export function addConflicts(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('conflicts')
    .summary('list conflicts that wait for a person, and decide them')
    .description('Lists the paths that both sides changed and that --conflict manual leaves to a person.')
    .addHelpText(
      'after',
      '\nDecide one: towline conflicts resolve PATH --keep local|remote|both [LOCAL [USER@]HOST:PATH]',
    );
  const choose = addPairChoice(command);
  command.action(async (given: string[]) => ended(await list(context, choose(given))));
  addResolve(command, context, ended);
}

function addResolve(parent: Command, context: CliContext, ended: (code: number) => void): void {
  const command = parent
    .command('resolve')
    .summary('decide what is kept of one path')
    .description('Decides what is kept of a path that both sides changed: at once, or at the next sync.')
    .argument('<path>')
    .addOption(
      new Option('--keep <side>', 'the version that keeps the name; both: the other stays beside it')
        .choices(keeps)
        .makeOptionMandatory(),
    );
  const choose = addPairChoice(command);
  command.usage('PATH --keep local|remote|both [options] [LOCAL [USER@]HOST:PATH]');
  command.action(async (path: string, given: string[], { keep }: { keep: Resolution }) =>
    ended(await decide(context, choose(given), plainPath(path), keep)),
  );
}

/** As the state has it: a shell completes `notes/`, and people write `./notes`. */
function plainPath(path: string): string {
  return posix.normalize(path).replace(/\/+$/, '');
}

async function list(context: CliContext, choice: PairCommand): Promise<number> {
  const status = await pairStatus(await chosenFolder('conflicts', context, choice));
  const conflicts = status.problems.filter(({ code }) => code === 'conflict');
  const flags = choice.flags.output();
  if (flags.json) {
    const paths = conflicts.map(({ path, message }) => ({ path, message }));
    return writeObject(context, { conflicts: paths }) ? exitCodes.done : exitCodes.someFailed;
  }
  const lines = lineWriter(context, flags, false);
  for (const { path } of conflicts) lines.out(path);
  if (conflicts.length === 0) lines.out('no conflicts');
  else
    lines.err(
      `${formatCount(conflicts.length, 'conflict')}; decide: towline conflicts resolve PATH --keep …`,
      'faint',
    );
  return exitCodes.done;
}

async function decide(
  context: CliContext,
  choice: PairCommand,
  path: string,
  keep: Resolution,
): Promise<number> {
  const folder = await chosenFolder('conflicts', context, choice);
  const atOnce = await askRunning(context, folder, path, keep);
  if (!atOnce) await decideConflict(folder, path, keep);
  const flags = choice.flags.output();
  if (flags.json) {
    return writeObject(context, { path, keep, done: atOnce }) ? exitCodes.done : exitCodes.someFailed;
  }
  const what = keep === 'both' ? 'both versions of' : `the ${keep} version of`;
  const when = atOnce ? 'kept' : 'will be kept by the next sync';
  lineWriter(context, flags, false).out(
    `${what} '${path}' ${atOnce && keep === 'both' ? 'are ' : atOnce ? 'is ' : ''}${when}`,
  );
  return exitCodes.done;
}

/** Whether an agent runs and has done it. */
async function askRunning(
  context: CliContext,
  folder: string,
  path: string,
  keep: Resolution,
): Promise<boolean> {
  try {
    await ask(context, folder, { ask: 'status' });
  } catch (error) {
    if (hasCode(error, 'not-found')) return false;
    throw error;
  }
  await ask(context, folder, { ask: 'resolve', path, keep });
  return true;
}
