/** What a command works on: its arguments and flags, over the environment, over a file. */
import { loadConfiguration, mergePairs } from '../config/load.js';
import type { CommandOptions } from '../config/options.js';
import type { PairOptions } from '../index.js';
import { readArguments } from './arguments.js';
import type { CliContext } from './context.js';
import type { FlagReader } from './options.js';
import { assertTrusted } from './trust.js';

export interface Configured {
  readonly pair: PairOptions;
  /** What the environment or a file says to the command itself; flags are not in it. */
  readonly command: CommandOptions;
}

/**
 * Reads the configuration and lays arguments and flags over it.
 * @param command the command's name, for messages
 * @param given its arguments
 * @throws TowlineError `configuration` when the file, the environment, the arguments or a flag cannot be used
 */
export async function configured(
  context: CliContext,
  command: string,
  given: readonly string[],
  flags: FlagReader,
): Promise<Configured> {
  const { cwd, env } = context;
  const found = await loadConfiguration({ cwd, env, profile: flags.profile() });
  await assertTrusted(context, found, flags.trust());
  const { local, remote } = readArguments(command, given, { ...found.pair, file: found.file, cwd });
  return { pair: mergePairs(found.pair, flags.pair(local, remote)), command: found.command };
}
