/** `towline doctor`: looks at everything a pair needs, and says what is wrong. */
import type { Command } from 'commander';
import { loadConfiguration, mergePairs } from '../config/load.js';
import { exitCodeOf, exitCodes } from '../core/errors.js';
import { type Check, diagnose, type DiagnoseOptions, type Diagnosis, type PairOptions } from '../index.js';
import { isRemoteArgument, readArguments } from './arguments.js';
import type { CliContext } from './context.js';
import { writeObject } from './json.js';
import { lineWriter, type LineWriter } from './linewriter.js';
import { jsonLog, levelOf, textLog } from './log.js';
import { addPairFlags, addWatchFlags, type FlagReader } from './options.js';
import { interruption } from './signals.js';
import { assertTrusted } from './trust.js';

const description = [
  'Looks at this machine, the way to the server, the server and both folders, and says what is wrong and what to do',
  'about it. Changes nothing. Without arguments it looks at the pair of towline.json.',
].join(' ');

/** Of the flags of `watch`, all of which are taken, those that matter here. */
const shownFlags = [
  ...[
    'port',
    'identity',
    'sshConfig',
    'passwordFile',
    'passwordCommand',
    'passphraseFile',
    'acceptNew',
    'mkpath',
    'verbose',
    'quiet',
    'json',
    'profile',
    'stateDir',
  ],
];

/** Declares the command; `ended` is told its exit code. */
export function addDoctor(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('doctor')
    .usage('[options] [[LOCAL] [USER@]HOST:PATH]')
    .summary('say what is wrong, and what to do')
    .description(description)
    .configureHelp({ visibleArguments: () => [] })
    .argument('[arguments...]');
  const flags = addPairFlags(command);
  addWatchFlags(command);
  for (const option of command.options) {
    if (!shownFlags.includes(option.attributeName()) || option.negate) option.hideHelp();
  }
  command.action(async (given: string[]) => ended(await runDoctor(context, given, flags)));
}

async function runDoctor(context: CliContext, given: readonly string[], flags: FlagReader): Promise<number> {
  const options = await optionsOf(context, given, flags);
  const output = flags.output();
  const lines = lineWriter(context, output, false);
  const log = output.json
    ? jsonLog(context.stderr, levelOf(output, 'warn'))
    : textLog(lines, levelOf(output, 'warn'));
  const onCheck = output.json
    ? () => undefined
    : (check: Check) => showCheck(context, lines, output.quiet, check);
  const stop = interruption(context, () => {
    if (context.stderr.isTTY) lines.err('stopping (Ctrl-C again to exit at once)', 'faint');
  });
  try {
    const { env, prompts } = context;
    const asking = prompts === undefined ? {} : { prompts };
    const diagnosis = await diagnose(options, { onCheck, log, signal: stop.signal, env, ...asking });
    if (!output.json) showEnd(lines, diagnosis);
    else if (!writeObject(context, { checks: diagnosis.checks })) return exitCodes.someFailed;
    return diagnosis.failure === null ? exitCodes.done : exitCodeOf(diagnosis.failure);
  } finally {
    stop.dispose();
  }
}

/** HOST:PATH alone is looked at without a local folder, unless a file names one. */
async function optionsOf(
  context: CliContext,
  given: readonly string[],
  flags: FlagReader,
): Promise<DiagnoseOptions> {
  const { cwd, env } = context;
  const found = await loadConfiguration({ cwd, env, profile: flags.profile() });
  await assertTrusted(context, found, flags.trust());
  const [only, more] = given;
  if (only !== undefined && more === undefined && isRemoteArgument(only) && found.pair.local === undefined) {
    return withoutLocal(mergePairs(found.pair, flags.pair('', only)));
  }
  const { local, remote } = readArguments('doctor', given, { ...found.pair, file: found.file, cwd });
  return mergePairs(found.pair, flags.pair(local, remote));
}

function withoutLocal(pair: PairOptions): DiagnoseOptions {
  return Object.fromEntries(Object.entries(pair).filter(([key]) => key !== 'local')) as Omit<
    PairOptions,
    'local'
  >;
}

const marks = { ok: '✓', warn: '!', fail: '✗', skip: '-' } as const;
const words = { ok: 'ok', warn: 'warning', fail: 'WRONG', skip: 'skipped' } as const;
const paints = { ok: 'good', warn: 'warn', fail: 'bad', skip: 'faint' } as const;

/** With `-q` only what is not in order is shown. */
function showCheck(context: CliContext, lines: LineWriter, quiet: boolean, check: Check): void {
  const { name, state, text, fix } = check;
  const stream = quiet && (state === 'warn' || state === 'fail') ? 'err' : 'out';
  const mark = context.stdout.isTTY ? marks[state] : words[state].padEnd(7);
  lines[stream](`${mark} ${name}: ${text}`, paints[state]);
  if (fix !== undefined) lines[stream](`${' '.repeat(mark.length)} → ${fix}`);
}

function showEnd(lines: LineWriter, { checks, failure }: Diagnosis): void {
  const count = (state: Check['state']) => checks.filter((check) => check.state === state).length;
  const [wrong, warnings] = [count('fail'), count('warn')];
  const also = warnings === 0 ? '' : `, ${String(warnings)} ${warnings === 1 ? 'warning' : 'warnings'}`;
  if (failure === null) lines.out(`all is well${also}`, 'good');
  else lines.out(`${String(wrong)} ${wrong === 1 ? 'thing is' : 'things are'} wrong${also}`, 'bad');
}
