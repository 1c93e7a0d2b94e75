/** `towline push`, `towline pull`, `towline sync`: the commands that bring both sides in step once. */
import type { Command } from 'commander';
import { TowlineError } from '../core/errors.js';
import type { PairOptions } from '../index.js';
import { configured } from './configured.js';
import type { CliContext } from './context.js';
import { parseEvery, repeat } from './every.js';
import { lineWriter } from './linewriter.js';
import { addPairFlags } from './options.js';
import { PromptsOfFirstRun } from './prompt.js';
import { runSync } from './sync.js';

export const exitCodesHelp = `
Exit codes:
  0 done   1 some paths failed   2 usage or configuration   3 authentication or host key
  4 could not connect   5 deletions held back   130 interrupted`;

type Mode = NonNullable<PairOptions['mode']>;

interface Verb {
  readonly name: 'push' | 'pull' | 'sync';
  readonly summary: string;
  readonly description: string;
  /** The first is the default. */
  readonly modes: readonly Mode[];
  readonly usage: string;
  readonly examples: string;
}

const verbs: readonly Verb[] = [
  {
    name: 'push',
    summary: 'send what is new or changed, once',
    description: 'Sends what is new or changed in the folder LOCAL to PATH on HOST, once.',
    modes: ['push', 'push-backup'],
    usage: 'LOCAL [USER@]HOST:PATH',
    examples: `
  towline push ./app dev@box:/srv/app            send what is new or changed
  towline push -n --delete ./app box:/srv/app    show what would be sent and deleted
  towline push --exclude node_modules/ --exclude '*.log' . box:site
  towline push --json ./app box:/srv/app         one JSON object on stdout`,
  },
  {
    name: 'pull',
    summary: 'bring what is new or changed on the server, once',
    description: 'Brings what is new or changed in PATH on HOST to the folder LOCAL, once.',
    modes: ['pull', 'pull-backup'],
    usage: '[USER@]HOST:PATH LOCAL',
    examples: `
  towline pull dev@box:/srv/app ./app            bring what is new or changed there
  towline pull -n --delete box:/srv/app ./app    show what would be brought and deleted here
  towline pull --mode pull-backup --every 1h box:/srv/data ./backup`,
  },
  {
    name: 'sync',
    summary: 'bring both sides in step, both ways, once',
    description: 'Carries what changed on either side to the other, once; deletions too (--no-delete: not).',
    modes: ['two-way', 'push', 'pull', 'push-backup', 'pull-backup'],
    usage: 'LOCAL [USER@]HOST:PATH',
    examples: `
  towline sync ./notes box:notes                 both ways; a conflict keeps both versions
  towline sync -n ./notes box:notes              show what would be done
  towline sync --conflict newest ./notes box:notes`,
  },
];

interface OnceFlags {
  readonly dryRun?: boolean;
  readonly every?: string;
}

/** @param runFailed tells of a run that is followed by another */
export function addOnce(
  program: Command,
  context: CliContext,
  ended: (code: number) => void,
  runFailed: (error: TowlineError) => void,
): void {
  for (const verb of verbs) addVerb(program, context, verb, ended, runFailed);
}

function addVerb(
  program: Command,
  context: CliContext,
  verb: Verb,
  ended: (code: number) => void,
  runFailed: (error: TowlineError) => void,
): void {
  const command = program
    .command(verb.name)
    .usage(`[options] [${verb.usage}]`)
    .summary(verb.summary)
    .description(verb.description)
    .argument('[arguments...]')
    .configureHelp({ visibleArguments: () => [] })
    .option('-n, --dry-run', 'show what would be done, and change nothing')
    .option(
      '--every <time>',
      'again and again, this long after the last run: 30s, 15m, 2h, 1d (default: once)',
    )
    .addHelpText('after', `\nExamples:${verb.examples}\n${exitCodesHelp}`);
  const flags = addPairFlags(command);
  command.action(async (given: string[], { dryRun = false, every, ...more }: OnceFlags & { mode?: Mode }) => {
    const { pair: asked, command: settings } = await configured(context, verb.name, given, flags);
    const pair = { ...asked, ...modeOf(verb, more.mode, asked.mode) };
    flags.refuseIdle(pair, false);
    const output = flags.output();
    const time = every ?? settings.every;
    if (time === undefined || dryRun) {
      ended(await runSync(context, pair, { ...output, dryRun }));
      return;
    }
    const prompts = context.prompts && new PromptsOfFirstRun(context.prompts);
    const asking = { ...context, ...(prompts && { prompts }) };
    const once = () => runSync(asking, pair, { ...output, dryRun }).finally(() => prompts?.next());
    const everyMs = parseEvery(time);
    const lines = lineWriter(context, output, false);
    const waiting = (text: string) => (output.json ? undefined : lines.out(text, 'faint'));
    ended(await repeat({ context, everyMs, once, failed: runFailed, waiting }));
  });
}

/** The verb fixes the direction: what a file says about the mode counts only where it goes the same way. */
function modeOf(verb: Verb, flag: Mode | undefined, configuredMode: Mode | undefined): { mode?: Mode } {
  if (flag !== undefined && !verb.modes.includes(flag)) {
    throw new TowlineError('configuration', `${verb.name} does not go with --mode ${flag}`, {
      hint: `Use: towline ${flag.startsWith('pull') ? 'pull' : 'sync'} --mode ${flag}`,
    });
  }
  const fitting = configuredMode !== undefined && verb.name !== 'sync' && verb.modes.includes(configuredMode);
  const mode = flag ?? (fitting ? configuredMode : verb.modes[0]!);
  // What is the default anyway need not be said.
  return mode === 'push' && configuredMode === undefined ? {} : { mode };
}
