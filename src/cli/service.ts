/** `towline service`: writes a systemd unit for the `watch` that the same arguments would start. */
import type { Command } from 'commander';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { exitCodes, hasErrno, TowlineError } from '../core/errors.js';
import { findPair, type PairOptions } from '../index.js';
import { unitPair, userUnit } from '../serve/unit.js';
import { configured } from './configured.js';
import type { CliContext } from './context.js';
import { lineWriter, type LineWriter } from './linewriter.js';
import { addPairFlags, addWatchFlags, type OutputFlags } from './options.js';
import { addServiceFlags } from './supervised.js';

const description = [
  'Writes a systemd unit for your own service manager that runs towline watch with the same arguments in the present',
  'folder, and says how to start it. For a service of the whole system see systemd/towline@.service.',
].join(' ');

/** Flags of `service` itself, by what follows each. */
const ownFlags: Readonly<Record<string, 'value' | 'nothing'>> = {
  '--user': 'nothing',
  '--print': 'nothing',
  '--name': 'value',
};

interface ServiceFlags {
  readonly print?: boolean;
  readonly name?: string;
}

/** Declares the command; `args` are the words of the command line, `ended` is told its exit code. */
export function addService(
  program: Command,
  context: CliContext,
  args: readonly string[],
  ended: (code: number) => void,
): void {
  const command = program
    .command('service')
    .usage('[options] LOCAL [USER@]HOST:PATH')
    .summary('write a systemd unit')
    .description(description)
    .argument('[arguments...]')
    .configureHelp({ visibleArguments: () => [] })
    .option('--user', 'a unit for your own service manager, in ~/.config/systemd/user (what is done anyway)')
    .option('--print', 'write it to standard output instead')
    .option('--name <name>', 'name of the unit (default: towline-FOLDER-HOST)', unitName);
  const flags = addPairFlags(command);
  addWatchFlags(command);
  addServiceFlags(command);
  command.action(async (given: string[], { print = false, name }: ServiceFlags) => {
    const { pair } = await configured(context, 'service', given, flags);
    flags.refuseIdle(pair, true);
    const watchArgs = withoutOwnFlags(args.slice(1), command);
    const unit = await makeUnit(context, pair, watchArgs, name);
    ended(print ? printUnit(context, unit) : writeUnit(context, flags.output(), unit));
  });
}

interface Unit {
  /** With `.service` at the end. */
  readonly name: string;
  readonly pair: string;
  readonly text: string;
}

async function makeUnit(
  context: CliContext,
  options: PairOptions,
  watchArgs: readonly string[],
  name: string | undefined,
): Promise<Unit> {
  const pair = basename(await findPair(options, context.env));
  const [, program = ''] = process.argv;
  const text = userUnit({
    description: `Towline: ${options.local} to ${options.remote}`,
    folder: context.cwd,
    command: [process.execPath, program, 'watch', ...watchArgs],
    pair,
  });
  // The state folder's name without its hash.
  return { name: `${name ?? `towline-${pair.replace(/-[0-9a-f]{16}$/, '')}`}.service`, pair, text };
}

function printUnit(context: CliContext, unit: Unit): number {
  return context.stdout.write(unit.text) ? exitCodes.done : exitCodes.someFailed;
}

function writeUnit(context: CliContext, flags: OutputFlags, unit: Unit): number {
  const config = context.env.XDG_CONFIG_HOME ?? join(context.env.HOME ?? homedir(), '.config');
  const file = join(config, 'systemd', 'user', unit.name);
  try {
    refuseForeign(file, unit);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, unit.text, { mode: 0o644 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    if (error instanceof TowlineError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new TowlineError('configuration', `the unit ${file} cannot be written: ${reason}`, {
      path: file,
      hint: 'Use --print and put it where it belongs',
      cause: error,
    });
  }
  sayNext(lineWriter(context, flags, false), file, unit.name);
  return exitCodes.done;
}

/** A unit of another pair, or of somebody else, is not replaced. */
function refuseForeign(file: string, unit: Unit): void {
  let there: string;
  try {
    there = readFileSync(file, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return;
    throw error;
  }
  if (unitPair(there) === unit.pair) return;
  throw new TowlineError('configuration', `${file} exists and is for something else`, {
    path: file,
    hint: 'Choose another name with --name',
  });
}

function sayNext(lines: LineWriter, file: string, name: string): void {
  lines.out(`wrote ${file}`, 'good');
  lines.out('to start it now and whenever you log in:');
  lines.out('  systemctl --user daemon-reload');
  lines.out(`  systemctl --user enable --now ${name}`);
  lines.out('to have it run while you are not logged in, too:');
  lines.out('  loginctl enable-linger');
  lines.out('to see what it does:');
  lines.out(`  systemctl --user status ${name}`);
  lines.out(`  journalctl --user -u ${name}`);
}

/** The words of the command line that are for `watch`. */
function withoutOwnFlags(args: readonly string[], command: Command): string[] {
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') return [...kept, ...args.slice(at)];
    const [flag = ''] = word.split('=', 1);
    const own = ownFlags[flag];
    const option = command.options.find(({ long, short }) => long === word || short === word);
    const length = option?.required === true ? 2 : 1;
    if (own === undefined) kept.push(...args.slice(at, at + length));
    at += length - 1;
  }
  return kept;
}

function unitName(text: string): string {
  if (/^[A-Za-z0-9:_.\\-]{1,200}$/.test(text)) return text.replace(/\.service$/, '');
  throw new TowlineError('configuration', `'${text}' cannot be the name of a unit`, {
    hint: 'Letters, digits and : _ . - are allowed',
  });
}
