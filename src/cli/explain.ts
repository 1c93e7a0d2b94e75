/** `towline explain PATH`: which rule decides about a path, what is known of it, and what would be done. */
import { lstat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { exitCodes } from '../core/errors.js';
import { explain, type EntryShown, type PathExplanation, type RuleShown } from '../index.js';
import { configured } from './configured.js';
import type { CliContext } from './context.js';
import { writeObject } from './json.js';
import { lineWriter } from './linewriter.js';
import { jsonLog, levelOf, textLog } from './log.js';
import { formatBytes, formatDuration } from './numbers.js';
import { addPairFlags, addWatchFlags, type FlagReader } from './options.js';
import { interruption } from './signals.js';

const examples = `
Examples:
  towline explain build/app.js                 as towline.json in this directory says
  towline explain notes/today.md ./notes box:notes
  towline explain --exclude '*.log' debug.log . box:/srv/app
  towline explain --json index.html . box:/srv/app`;

/** Declares the command; `ended` is told its exit code. */
export function addExplain(program: Command, context: CliContext, ended: (code: number) => void): void {
  const command = program
    .command('explain')
    .summary('say what would be done about a path, and why')
    .description(
      'Says which rule decides about PATH, what was known of it, what each side has now, and what a run would do. ' +
        'Changes nothing; an agent may run meanwhile.',
    )
    .usage('PATH [options] [LOCAL [USER@]HOST:PATH]')
    .argument('<path>')
    .argument('[arguments...]')
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText('after', examples);
  const flags = addPairFlags(command);
  addWatchFlags(command);
  command.action(async (path: string, given: string[]) => ended(await run(context, path, given, flags)));
}

/**
 * What a shell completes is relative to the working directory: such a path is meant where it alone names something that is
 * in the local folder.
 */
async function meant(path: string, local: string): Promise<string> {
  const here = resolve(path);
  const isInside = !relative(resolve(local), here).startsWith('..');
  if (isAbsolute(path) || !isInside || (await exists(join(local, path))) || !(await exists(here)))
    return path;
  return path.endsWith('/') ? `${here}/` : here;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    // Whatever keeps it from being seen is told of the path as it was given.
    return false;
  }
}

async function run(
  context: CliContext,
  path: string,
  given: readonly string[],
  reader: FlagReader,
): Promise<number> {
  const { pair } = await configured(context, 'explain', given, reader);
  const flags = reader.output();
  const lines = lineWriter(context, flags, false);
  const level = levelOf(flags, 'warn');
  const log = flags.json ? jsonLog(context.stderr, level) : textLog(lines, level);
  const stop = interruption(context, () => undefined);
  try {
    const { prompts, env } = context;
    const found = await explain(pair, await meant(path, pair.local), {
      log,
      env,
      signal: stop.signal,
      ...(prompts && { prompts }),
    });
    if (flags.json) return writeObject(context, found) ? exitCodes.done : exitCodes.someFailed;
    for (const line of explanationLines(found, context.now().getTime())) lines.out(line);
    return exitCodes.done;
  } finally {
    stop.dispose();
  }
}

/** What people read, line by line. */
export function explanationLines(found: PathExplanation, nowMs: number): string[] {
  const { path, mode, base, local, remote, queue, decision } = found;
  const assumed = assumedText(found);
  const rows: (readonly [string, string])[] = [
    ['rule', ruleLine(found)],
    ...(found.notSent === null ? [] : [['not sent', `by ${ruleText(found.notSent)}`] as const]),
    ...(found.notBrought === null ? [] : [['not brought', `by ${ruleText(found.notBrought)}`] as const]),
    ...(base === null
      ? [['base', 'knows nothing of it: both sides never agreed on it'] as const]
      : [['base, local', entryText(base.local)] as const, ['base, remote', entryText(base.remote)] as const]),
    ['local now', found.problem === null || local !== null ? entryText(local) : 'not known'],
    ['remote now', found.problem === null || remote !== null ? entryText(remote) : 'not known'],
    ...(queue === null ? [] : [['queue', queueText(queue, nowMs)] as const]),
    ...(decision === null ? [] : [['decided', decisionTexts[decision]] as const]),
    ...(assumed === null ? [] : [['as last run', assumed] as const]),
    [`in ${mode}`, found.text],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [path, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
}

/** The policies that were not given; the mode is told anyway. */
function assumedText({
  asInLastRun: { delete: deletes, conflict, onDrift },
}: PathExplanation): string | null {
  const parts = [
    ...(deletes === undefined ? [] : [deletes ? '--delete' : '--no-delete']),
    ...(conflict === undefined ? [] : [`--conflict ${conflict}`]),
    ...(onDrift === undefined ? [] : [`--on-drift ${onDrift}`]),
  ];
  return parts.length === 0 ? null : parts.join(' ');
}

function ruleLine({ excluded, above, rule }: PathExplanation): string {
  const by = rule === null ? '' : ` by ${ruleText(rule)}`;
  if (above !== null) return `'${above}/' above it is excluded${by}`;
  if (excluded) return `excluded${by}`;
  return rule === null ? 'no rule matches' : `included${by}`;
}

function ruleText({ pattern, source, line }: RuleShown): string {
  return `'${pattern}' (${source}${line === undefined ? '' : `:${String(line)}`})`;
}

function entryText(entry: EntryShown | null): string {
  if (entry === null) return 'nothing';
  const { kind, size, mtimeMs, mode, target, hash } = entry;
  const parts = [
    target === undefined ? kind : `${kind} to ${target}`,
    ...(kind === 'file' ? [sizeText(size)] : []),
    new Date(mtimeMs).toISOString(),
    `mode ${mode.toString(8)}`,
    ...(hash === undefined ? [] : [`sha256 ${hash.slice(0, 12)}…`]),
  ];
  return parts.join(', ');
}

function queueText(queue: NonNullable<PathExplanation['queue']>, nowMs: number): string {
  const { cause, attempts, notBeforeMs, held, problem } = queue;
  const inMs = notBeforeMs - nowMs;
  const next = held ? 'held by a guard' : inMs > 0 ? `next try in ${formatDuration(inMs)}` : 'due';
  const failed = attempts === 0 ? [] : [`${String(attempts)} failed`];
  const said = problem === null ? [] : [`${problem.code}: ${problem.message}`];
  return [`waits (${cause})`, next, ...failed, ...said].join(', ');
}

const decisionTexts = {
  local: 'the local version is to be kept',
  remote: 'the remote version is to be kept',
  both: 'both versions are to be kept',
} as const;

/** To the byte: two versions of nearly the same size are to be told apart. */
function sizeText(bytes: number): string {
  const short = formatBytes(bytes);
  return bytes < 1024 ? short : `${short} (${bytes.toLocaleString('en-US')})`;
}
