/** What the commands that speak to a running agent have in common: which pair is meant, and how it is asked. */
import type { Command } from 'commander';
import { loadConfiguration } from '../config/load.js';
import { exitCodes, TowlineError } from '../core/errors.js';
import { type AgentStatus, asStatus, findPair, type KnownPair, listPairs } from '../index.js';
import { type AgentRequest, askAgent } from '../serve/control-client.js';
import { configured } from './configured.js';
import type { CliContext } from './context.js';
import { writeObject } from './json.js';
import { lineWriter } from './linewriter.js';
import { addPairFlags, addWatchFlags, type FlagReader } from './options.js';
import { interruption } from './signals.js';

/** Of the flags of `watch`, all of which are taken, those that say which pair is meant: the help shows only these. */
const shownFlags = ['port', 'sshConfig', 'stateDir', 'json', 'profile'];

/** What can be asked of a stopped pair, too. */
const ofStopped: readonly string[] = ['status', 'conflicts'];

/** A command that was told which pair is meant; ask after parsing. */
export interface PairCommand {
  readonly flags: FlagReader;
  /** The arguments as they were given: none, or LOCAL and [USER@]HOST:PATH. */
  readonly given: readonly string[];
  readonly stateDir: string | undefined;
}

/** Lets a command take the arguments and flags of the `watch` it is about. */
export function addPairChoice(command: Command): (given: readonly string[]) => PairCommand {
  command
    .usage('[options] [LOCAL [USER@]HOST:PATH]')
    .configureHelp({ visibleArguments: () => [] })
    .argument('[arguments...]');
  const own = command.options.length;
  const flags = addPairFlags(command);
  addWatchFlags(command);
  for (const option of command.options.slice(own)) {
    if (!shownFlags.includes(option.attributeName())) option.hideHelp();
  }
  return (given) => ({ flags, given, stateDir: command.opts<{ stateDir?: string }>().stateDir });
}

/**
 * The state folder of the pair that is meant: the one of the arguments, of the profile, of towline.json, or the only one
 * with a running agent.
 * @throws TowlineError `configuration` when it is not clear which, `not-found` when there is none
 */
export async function chosenFolder(
  name: string,
  context: CliContext,
  { flags, given, stateDir }: PairCommand,
): Promise<string> {
  const { cwd, env } = context;
  const found = await loadConfiguration({ cwd, env, profile: flags.profile() });
  const { local, remote } = found.pair;
  if (given.length > 0 || found.file !== null || local !== undefined || remote !== undefined) {
    return findPair((await configured(context, name, given, flags)).pair, env);
  }
  const pairs = await listPairs(stateDir ?? found.pair.stateDir, env);
  const running = pairs.filter((pair) => pair.running);
  const candidates = running.length === 0 && ofStopped.includes(name) ? pairs : running;
  const [only, ...more] = candidates;
  if (only === undefined) {
    throw new TowlineError('not-found', 'no agent is running', { hint: "Start one with 'towline watch'" });
  }
  if (more.length > 0) throw unclear(name, candidates);
  return only.folder;
}

function unclear(name: string, pairs: readonly KnownPair[]): TowlineError {
  const kind = pairs.every(({ running }) => running) ? 'agents are running' : 'pairs are known';
  const names = pairs.map(({ local, remote, folder }) => (local === '' ? folder : `${local} ${remote}`));
  return new TowlineError('configuration', `${String(pairs.length)} ${kind}: ${names.join('; ')}`, {
    hint: `Say which one: towline ${name} LOCAL [USER@]HOST:PATH`,
  });
}

/**
 * Asks the agent of a pair. A signal ends the wait, not what the agent does.
 * @returns its status afterwards
 * @throws TowlineError as `askAgent` does
 */
export async function ask(context: CliContext, folder: string, request: AgentRequest): Promise<AgentStatus> {
  const stop = interruption(context, () => undefined);
  try {
    return asStatus(await askAgent(folder, request, { signal: stop.signal }));
  } finally {
    stop.dispose();
  }
}

/** A command that asks one thing and says what came of it. */
export interface Question {
  readonly name: string;
  readonly request: AgentRequest;
  /** What people read, in one line. */
  readonly said: (status: AgentStatus) => string;
}

/**
 * Asks one thing of the agent that is meant, and shows the answer: a line, or with `--json` the agent's status.
 * @returns the exit code: 0, or 1 when the answer could not be written
 */
export async function askAndSay(
  context: CliContext,
  choice: PairCommand,
  { name, request, said }: Question,
): Promise<number> {
  const status = await ask(context, await chosenFolder(name, context, choice), request);
  const flags = choice.flags.output();
  if (!flags.json) lineWriter(context, flags, false).out(said(status));
  else if (!writeObject(context, { running: true, ...status })) return exitCodes.someFailed;
  return exitCodes.done;
}
