/** The flags that say where secrets come from. None takes a secret itself. */
import { type Command, Option } from 'commander';
import { TowlineError } from '../core/errors.js';
import type { PairOptions } from '../index.js';

/** What they become; commander's names for them are the library's. */
export type SecretFlags = Pick<PairOptions, 'passwordFile' | 'passwordCommand' | 'passphraseFile'>;

/** Declares them. */
export function addSecretFlags(command: Command): void {
  command
    .option('--password-file <file>', 'read the password from a file that only you can read')
    .addOption(
      new Option('--password-command <command>', 'take the password from what a command prints').conflicts(
        'passwordFile',
      ),
    )
    .option('--passphrase-file <file>', 'read the passphrase of your key from a file that only you can read')
    .addOption(refusedSecret('password'))
    .addOption(refusedSecret('passphrase'));
}

/** So that the usual message, which repeats what was given, does not appear. */
function refusedSecret(name: string): Option {
  return new Option(`--${name} <${name}>`).hideHelp().argParser(() => {
    throw new TowlineError(
      'configuration',
      `a ${name} is not taken from the command line, where others can read it in the list of processes`,
      { hint: `Use --${name}-file, TOWLINE_${name.toUpperCase()}, or type it when you are asked` },
    );
  });
}
