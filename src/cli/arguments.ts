/** LOCAL and [USER@]HOST:PATH: whether both are there, and in the order of the command. */
import { TowlineError } from '../core/errors.js';

/** As ssh's tools do: a colon before any slash, an address in brackets allowed. A Windows drive is no host. */
function looksRemote(argument: string): boolean {
  if (/^[A-Za-z]:[\\/]/.test(argument)) return false;
  return /^[^/]*\[[0-9A-Fa-f:.%\w]+\]:/.test(argument) || /^[^/:]+:/.test(argument);
}

/**
 * The two arguments of a command that goes from the local folder to the server.
 * @param command the command's name, for the message
 * @throws TowlineError `configuration` when one is missing, there are more, or they are swapped
 */
export function readArguments(command: string, given: readonly string[]): { local: string; remote: string } {
  const [local, remote, ...more] = given;
  const usage = `towline ${command} LOCAL [USER@]HOST:PATH`;
  const fail = (what: string, hint: string): never => {
    throw new TowlineError('configuration', what, { hint });
  };
  if (local === undefined || local === '') {
    return fail(`${command} needs a local folder and a remote one`, `Write: ${usage}`);
  }
  if (remote === undefined || remote === '') {
    const missing = looksRemote(local) ? 'the local folder' : 'the remote folder, [USER@]HOST:PATH,';
    return fail(`${missing} is missing`, `Write: ${usage}`);
  }
  if (more.length > 0) {
    return fail(
      `too many arguments: '${more.join("', '")}'`,
      `Write: ${usage} (quote names that hold spaces)`,
    );
  }
  if (looksRemote(local) && !looksRemote(remote)) {
    return fail(
      `${command} goes from the local folder to the server, and '${local}' is on a server`,
      `Write: towline ${command} ${remote} ${local}`,
    );
  }
  if (looksRemote(local)) {
    return fail(
      `'${local}' and '${remote}' both look like HOST:PATH`,
      `A local folder whose name holds a colon is written './${local}'`,
    );
  }
  return { local, remote };
}
