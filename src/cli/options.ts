/** The flags, each declared once, and what they become: the options of the library. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { conflictPolicies, driftPolicies, modes, type PairOptions } from '../index.js';
import { addChoiceFlags } from './choice-flags.js';
import { bwlimit, type Compare, maxDelete, positiveNumber, wholeNumber } from './flag-values.js';
import { refuseIdle } from './idle-flags.js';
import { readRules, type RuleFlag } from './rules.js';
import { addSecretFlags, type SecretFlags } from './secret-flags.js';

/** How much is shown, and in which form. */
export interface OutputFlags {
  readonly json: boolean;
  /** How often `-v` was given. */
  readonly verbose: number;
  readonly quiet: boolean;
}

/** What commander collects from the flags of `push` and `watch`, by its own names. */
interface ParsedFlags extends SecretFlags {
  readonly json?: boolean;
  readonly verbose?: number;
  readonly quiet?: boolean;
  readonly mode?: Mode;
  readonly conflict?: Conflict;
  readonly maxConflictCopies?: number;
  readonly onDrift?: Drift;
  readonly remotePollSeconds?: number;
  readonly port?: number;
  readonly identity?: string[];
  readonly sshConfig?: string;
  readonly acceptNew?: boolean;
  readonly delete?: boolean;
  readonly maxDelete?: string;
  readonly compare?: Compare;
  readonly maxSize?: string;
  readonly gitignore?: boolean;
  readonly editorFiles?: boolean;
  readonly chmod?: string;
  readonly mkpath?: boolean;
  readonly force?: boolean;
  readonly fsync?: boolean;
  readonly verify?: Verify;
  readonly bwlimit?: number;
  readonly concurrency?: number;
  readonly transport?: Transport;
  readonly stateDir?: string;
  readonly settleMs?: number;
  readonly settleMaxMs?: number;
  readonly rescanMinutes?: number;
  readonly profile?: string;
  readonly trust?: boolean;
}

type Mode = NonNullable<PairOptions['mode']>;
type Conflict = NonNullable<PairOptions['conflict']>;
type Transport = NonNullable<PairOptions['transport']>;
type Verify = NonNullable<PairOptions['verify']>;
type Drift = NonNullable<PairOptions['onDrift']>;
type AfterSync = NonNullable<PairOptions['afterSync']>[number];

/** The flags of one command; ask after parsing. */
export interface FlagReader {
  output(): OutputFlags;
  /** @throws TowlineError `configuration` when a file named by `--exclude-from` or `--filter-from` cannot be read */
  pair(local: string, remote: string): PairOptions;
  /** @throws TowlineError `configuration` when one of the flags can have no effect in a run (`watches`: an agent) of this pair */
  refuseIdle(pair: PairOptions, watches: boolean): void;
  /** `--profile`. */
  profile(): string | undefined;
  /** `--trust`. */
  trust(): boolean;
}

/** Declares the flags that all syncing commands share. */
export function addPairFlags(command: Command): FlagReader {
  const rules: RuleFlag[] = [];
  const afterSync: AfterSync[] = [];
  addConnectionFlags(command);
  addChoiceFlags(command, rules);
  addModeFlags(command);
  addDeletionFlags(command);
  addServerFlags(command);
  addFlowFlags(command, afterSync);
  addOutputFlags(command);
  addNegations(command);
  return {
    output: () => {
      const { json = false, verbose = 0, quiet = false } = command.opts<ParsedFlags>();
      return { json, verbose, quiet };
    },
    pair: (local, remote) => pairOptions(command.opts<ParsedFlags>(), { rules, afterSync }, local, remote),
    refuseIdle: (pair, watches) => refuseIdle(command, pair, watches),
    profile: () => command.opts<ParsedFlags>().profile,
    trust: () => command.opts<ParsedFlags>().trust ?? false,
  };
}

/** Declares the flags that only a watching agent has. */
export function addWatchFlags(command: Command): void {
  command
    .optionsGroup('While watching:')
    .option('--settle-ms <ms>', 'quiet time before a changed file is read (default: 20)', wholeNumber(0))
    .option(
      '--settle-max-ms <ms>',
      'read a file that never rests after this long (default: 10000)',
      wholeNumber(0),
    )
    .option(
      '--remote-poll-seconds <n>',
      'look for changes on the server this often, where they come here (default: 15)',
      positiveNumber,
    )
    .option('--rescan-minutes <n>', 'compare everything this often (default: 10)', positiveNumber);
}

function addConnectionFlags(command: Command): void {
  command
    .optionsGroup('Connection:')
    .option(
      '-p, --port <port>',
      'port of the SSH server (default: as ssh_config says, else 22)',
      wholeNumber(1, 65_535),
    )
    .option(
      '-i, --identity <file>',
      'private key to log in with (repeatable; default: as ssh_config says)',
      collect,
    )
    .option('-F, --ssh-config <file>', 'another ssh_config (default: ~/.ssh/config)')
    .option('--accept-new', "add an unknown host's key to known_hosts instead of refusing it");
  addSecretFlags(command);
}

function addModeFlags(command: Command): void {
  const one = (flags: string, description: string, values: readonly string[]) =>
    new Option(flags, description).choices(values);
  command
    .optionsGroup('Which way:')
    .addOption(one('--mode <mode>', `which way changes go (default: ${usualMode(command.name())})`, modes))
    .addOption(
      one(
        '--conflict <policy>',
        'two-way: when both sides changed a file (default: keep-both)',
        conflictPolicies,
      ),
    )
    .option(
      '--max-conflict-copies <n>',
      'versions kept beside one file, at most (default: 10)',
      wholeNumber(1, 1_000),
    )
    .addOption(
      one(
        '--on-drift <policy>',
        'push, pull: when others changed the side that only follows (default: overwrite)',
        driftPolicies,
      ),
    );
}

/** Where nothing says a mode; for a command of one direction it is its name. */
function usualMode(command: string): Mode {
  if (command === 'sync') return 'two-way';
  return command === 'pull' ? 'pull' : 'push';
}

function addDeletionFlags(command: Command): void {
  command
    .optionsGroup('Deletions:')
    .option('--delete', 'delete on one side what the other does not have (two-way: on by default)')
    .option(
      '--max-delete <n|n%>',
      'hold deletions back when they are more (default: 50% and more than 20)',
      maxDelete,
    );
}

function addServerFlags(command: Command): void {
  command
    .optionsGroup('On the server:')
    .option('--chmod <changes>', "modes there, as rsync's: D755,F644 or u+rwX,go-w")
    .option('--mkpath', 'make missing parents of the remote folder too')
    .option('--fsync', 'force each file to disk before it gets its name (two-way: on by default)')
    .addOption(
      new Option(
        '--verify <how>',
        'check each file once more after it was carried over (default: none)',
      ).choices(['none', 'size', 'checksum']),
    );
}

function addFlowFlags(command: Command, afterSync: AfterSync[]): void {
  const hookFlag = (flags: string, description: string, where: 'local' | 'remote') =>
    // One list for both flags: they run in the order of the command line.
    new Option(flags, description).argParser((value: string) => {
      if (value.trim() === '') throw new InvalidArgumentError('It must be a command for a shell.');
      afterSync.push({ command: value, where });
      return value;
    });
  command
    .optionsGroup('Pace, and what follows:')
    .option('--bwlimit <KiB/s>', 'send at most this much (default: no limit)', bwlimit)
    .option(
      '--concurrency <n>',
      'work on at most this many files at once (default: 4 to 192, by size)',
      wholeNumber(1, 256),
    )
    .addOption(
      new Option('--transport <how>', 'push, pull: what carries contents (default: sftp)').choices([
        'sftp',
        'rsync',
      ]),
    )
    .addOption(
      hookFlag('--after-sync <command>', 'run here once changes are on the server (repeatable)', 'local'),
    )
    .addOption(hookFlag('--after-sync-remote <command>', 'the same, run on the server', 'remote'));
}

function addOutputFlags(command: Command): void {
  command
    .optionsGroup('Output and state:')
    .option(
      '-v, --verbose',
      'show more; repeat for still more',
      (_, count: number | undefined) => (count ?? 0) + 1,
    )
    .addOption(new Option('-q, --quiet', 'show only problems').conflicts('verbose'))
    .option('--json', 'write JSON for programs')
    .option('--profile <name>', 'use this profile of yours instead of towline.json')
    .option('--trust', 'agree, from now on, to what towline.json reaches for beyond its folder')
    .option('--state-dir <dir>', 'where the state is kept (default: $XDG_STATE_HOME/towline)')
    .helpOption('-h, --help', 'show this help');
}

/** For what a file or the environment turned on. Their help would say everything twice. */
function addNegations(command: Command): void {
  for (const name of ['accept-new', 'delete', 'gitignore', 'editor-files', 'mkpath', 'force', 'fsync']) {
    command.addOption(new Option(`--no-${name}`).hideHelp());
  }
}

function pairOptions(
  flags: ParsedFlags,
  { rules, afterSync }: { rules: readonly RuleFlag[]; afterSync: readonly AfterSync[] },
  local: string,
  remote: string,
): PairOptions {
  const given: { [K in keyof PairOptions]?: PairOptions[K] | undefined } = {
    mode: flags.mode,
    conflict: flags.conflict,
    maxConflictCopies: flags.maxConflictCopies,
    onDrift: flags.onDrift,
    remotePollSeconds: flags.remotePollSeconds,
    port: flags.port,
    identityFiles: flags.identity,
    sshConfig: flags.sshConfig,
    acceptNew: flags.acceptNew,
    passwordFile: flags.passwordFile,
    passwordCommand: flags.passwordCommand,
    passphraseFile: flags.passphraseFile,
    delete: flags.delete,
    maxDelete: flags.maxDelete,
    compare: flags.compare,
    rules: rules.length > 0 ? readRules(rules) : undefined,
    maxSize: flags.maxSize,
    gitignore: flags.gitignore,
    editorFiles: flags.editorFiles,
    chmod: flags.chmod,
    mkpath: flags.mkpath,
    force: flags.force,
    fsync: flags.fsync,
    verify: flags.verify,
    bwlimit: flags.bwlimit,
    concurrency: flags.concurrency,
    transport: flags.transport,
    afterSync: afterSync.length > 0 ? afterSync : undefined,
    stateDir: flags.stateDir,
    settleMs: flags.settleMs,
    settleMaxMs: flags.settleMaxMs,
    rescanMinutes: flags.rescanMinutes,
  };
  return { local, remote, ...withoutUndefined(given) };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** What was not given is absent, so that the defaults of the library (and later of a file) hold. */
function withoutUndefined<T extends object>(given: T): Defined<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
