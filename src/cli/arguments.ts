/** LOCAL and [USER@]HOST:PATH: whether both are there, and in the order of the command. */
import { TowlineError } from '../core/errors.js';

/** As ssh's tools do: a colon before any slash, an address in brackets allowed. A Windows drive is no host. */
export function isRemoteArgument(argument: string): boolean {
  if (/^[A-Za-z]:[\\/]/.test(argument)) return false;
  return /^[^/]*\[[0-9A-Fa-f:.%\w]+\]:/.test(argument) || /^[^/:]+:/.test(argument);
}

/** Commands whose name fixes the direction: the two arguments may come in either order. */
const eitherOrder: readonly string[] = ['pull', 'sync', 'explain', 'conflicts', 'doctor'];

/** What a configuration says where an argument is left out. */
export interface ConfiguredArguments {
  readonly local?: string;
  readonly remote?: string;
  /** The file that was read; `null` when there is none. */
  readonly file: string | null;
  readonly cwd: string;
}

/**
 * The two arguments of a command that goes from the local folder to the server.
 * @param command the command's name, for the message
 * @param configured stands in for arguments that are not given
 * @throws TowlineError `configuration` when one is missing, there are more, or they are swapped
 */
export function readArguments(
  command: string,
  given: readonly string[],
  configured?: ConfiguredArguments,
): { local: string; remote: string } {
  const [first, second, ...more] = given;
  const usage = `towline ${command} LOCAL [USER@]HOST:PATH`;
  if (eitherOrder.includes(command) && first !== undefined && second !== undefined) {
    if (isRemoteArgument(first) && !isRemoteArgument(second))
      return readArguments(command, [second, first, ...more]);
  }
  // Of two folders of this machine, a pull brings what the first one holds into the second: as cp, and as its usage line.
  const twoFolders = [first, second].every(
    (one) => one !== undefined && one !== '' && !isRemoteArgument(one),
  );
  if (command === 'pull' && twoFolders && more.length === 0) return { local: second!, remote: first! };
  const only = second === undefined && first !== undefined && first !== '';
  const local = only && isRemoteArgument(first) ? configured?.local : (first ?? configured?.local);
  const remote = only && isRemoteArgument(first) ? first : (second ?? configured?.remote);
  if (local === undefined || local === '' || remote === undefined || remote === '') {
    throw missing(command, { local, remote }, configured);
  }
  if (more.length > 0) {
    return fail(
      `too many arguments: '${more.join("', '")}'`,
      `Write: ${usage} (quote names that hold spaces)`,
    );
  }
  // What a file says is a path already, whatever it looks like.
  if (first === undefined || local !== first) return { local, remote };
  if (isRemoteArgument(local) && !isRemoteArgument(remote)) {
    return fail(
      `${command} goes from the local folder to the server, and '${local}' is on a server`,
      `Write: towline ${command} ${remote} ${local}`,
    );
  }
  if (isRemoteArgument(local)) {
    return fail(
      `'${local}' and '${remote}' both look like HOST:PATH`,
      `A local folder whose name holds a colon is written './${local}'`,
    );
  }
  return { local, remote };
}

function fail(what: string, hint: string): never {
  throw new TowlineError('configuration', what, { hint });
}

function missing(
  command: string,
  { local = '', remote = '' }: { readonly local: string | undefined; readonly remote: string | undefined },
  configured: ConfiguredArguments | undefined,
): TowlineError {
  const usage = `Write: towline ${command} LOCAL [USER@]HOST:PATH`;
  const what =
    local === '' && remote === ''
      ? `${command} needs a local folder and a remote one`
      : `${local === '' ? 'the local folder' : 'the remote folder, [USER@]HOST:PATH,'} is missing`;
  if (configured === undefined) return new TowlineError('configuration', what, { hint: usage });
  if (configured.file !== null) {
    const keys = [local === '' ? '"local"' : '', remote === '' ? '"remote"' : ''].filter((key) => key !== '');
    return new TowlineError(
      'configuration',
      `${what}, and ${configured.file} does not say ${keys.join(' and ')}`,
      { hint: `Add it there, or write: ${usage.slice(7)}` },
    );
  }
  const example = '{ "local": ".", "remote": "dev@box:/srv/app" }';
  return new TowlineError('configuration', `${what}, and there is no towline.json in ${configured.cwd}`, {
    hint: `${usage}, or put ${example} into towline.json there`,
  });
}
