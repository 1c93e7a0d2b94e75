/** The command line as a whole: which commands there are, and how each way of ending becomes an exit code. */
import { Command, CommanderError } from 'commander';
import { ConfigurationError } from '../config/problems.js';
import { asTowlineError, exitCodes, TowlineError } from '../core/errors.js';
import { addConflicts } from './conflicts.js';
import { configured } from './configured.js';
import type { CliContext } from './context.js';
import { exitCodeOfError } from './exit.js';
import { errorObject, writeObject } from './json.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { addExplain } from './explain.js';
import { addFlush } from './flush.js';
import { addLimit } from './limit.js';
import { addPairFlags, addWatchFlags } from './options.js';
import { addPause } from './pause.js';
import { addOnce, exitCodesHelp } from './once.js';
import { addRescan } from './rescan.js';
import { addResume } from './resume.js';
import { addService } from './service.js';
import { addStatus } from './status.js';
import { addServiceFlags } from './supervised.js';
import { printable } from './text.js';
import { runWatch } from './watch.js';

const programExamples = `
Examples:
  towline push ./app dev@box:/srv/app     send what is new or changed, once
  towline watch ./app dev@box:/srv/app    and then every change a moment later
  towline pull dev@box:/srv/app ./app     bring what is new or changed there, once
  towline sync ./app dev@box:/srv/app     both ways, once; watch --mode two-way: from then on
  towline push --help                     all options
${exitCodesHelp}`;

const watchExamples = `
Examples:
  towline watch ./app dev@box:/srv/app           sync, then every change a moment later
  towline watch --delete --gitignore . box:/srv/app
  towline watch --mode two-way ./notes box:notes
  towline watch -p 2222 -i ~/.ssh/deploy ./site box:/srv/site
  towline watch                                  as towline.json in this directory says
${exitCodesHelp}`;

/**
 * Runs one command line.
 * @param args without the program's own name
 * @returns the exit code; everything that goes wrong is told on stderr, nothing is thrown
 */
export async function runCommandLine(args: readonly string[], context: CliContext): Promise<number> {
  let code: number = exitCodes.done;
  const program = buildProgram(args, context, (ended) => (code = ended));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    return failed(args, context, error);
  }
}

function buildProgram(args: readonly string[], context: CliContext, ended: (code: number) => void): Command {
  const program = new Command('towline')
    .description('Keeps two directories in step, one of them on a server, over plain SFTP.')
    .version(context.version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .usage('COMMAND [options] LOCAL [USER@]HOST:PATH')
    .configureHelp({ subcommandTerm: (command) => command.name() })
    // So that a command gets its arguments as they are, `--` included.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      outputError: () => undefined, // `failed` says it
      getOutHelpWidth: () => context.stdout.columns(),
      getErrHelpWidth: () => context.stderr.columns(),
    })
    .addHelpText('after', programExamples);
  addOnce(program, context, ended, (error) => void failed(args, context, error));
  addWatch(program, context, ended);
  addStatus(program, context, ended);
  addConflicts(program, context, ended);
  addExplain(program, context, ended);
  addFlush(program, context, ended);
  addPause(program, context, ended);
  addResume(program, context, ended);
  addRescan(program, context, ended);
  addLimit(program, context, ended);
  addService(program, context, args, ended);
  addDemo(program, context, ended);
  addDoctor(program, context, ended);
  return program;
}

interface WatchOnlyFlags {
  readonly dryRun?: boolean;
  readonly readyAfterSync?: boolean;
}

function addWatch(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('watch')
    .usage('[options] [LOCAL [USER@]HOST:PATH]')
    .summary('sync, then follow every change')
    .description(
      'Brings LOCAL and PATH on HOST in step, then every change as it is made: to the server, or as --mode says.',
    )
    .argument('[arguments...]')
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText('after', watchExamples);
  const flags = addPairFlags(command);
  addWatchFlags(command);
  addServiceFlags(command);
  command.addOption(command.createOption('-n, --dry-run').hideHelp());
  command.action(async (given: string[], { dryRun, readyAfterSync = false }: WatchOnlyFlags) => {
    if (dryRun === true) {
      throw new TowlineError('configuration', 'watch has no dry run', {
        hint: 'Use: towline push --dry-run LOCAL [USER@]HOST:PATH (or pull, or sync)',
      });
    }
    const { pair } = await configured(context, 'watch', given, flags);
    flags.refuseIdle(pair, true);
    ended(await runWatch(context, pair, { ...flags.output(), readyAfterSync }));
  });
}

/** Says what went wrong in one line on stderr and, for programs, as an object on stdout. */
function failed(args: readonly string[], context: CliContext, error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done; // help or version was shown
  if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage; // shown on stderr
  const problem = error instanceof CommanderError ? usageError(error, args) : asTowlineError(error);
  const lines = problem instanceof ConfigurationError ? problem.lines : [problem.message];
  for (const line of lines) context.stderr.write(`towline: ${printable(line)}\n`);
  if (problem.code === 'internal' && problem.cause instanceof Error && asksForMore(args)) {
    context.stderr.write(`${problem.cause.stack ?? ''}\n`);
  }
  if (wantsObject(args)) writeObject(context, errorObject(problem));
  return exitCodeOfError(problem);
}

function usageError(error: CommanderError, args: readonly string[]): TowlineError {
  const message = error.message.replace(/^error: /, '').replace('\n(Did you mean', ' (Did you mean');
  const early = error.code === 'commander.unknownOption' && args[0]?.startsWith('-') === true;
  const hint = 'Options come after the command: towline COMMAND [options] LOCAL [USER@]HOST:PATH';
  return new TowlineError('configuration', message, { cause: error, ...(early ? { hint } : {}) });
}

function flagsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end === -1 ? args : args.slice(0, end);
}

/** Looked up in the words themselves: the flags may be what could not be parsed. `watch --json` writes JSON lines instead. */
function wantsObject(args: readonly string[]): boolean {
  return args[0] !== 'watch' && flagsOf(args).includes('--json');
}

function asksForMore(args: readonly string[]): boolean {
  return flagsOf(args).some((arg) => /^-v+$/.test(arg) || arg === '--verbose');
}
