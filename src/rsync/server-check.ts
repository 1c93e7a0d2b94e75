/** Whether the server runs an rsync, in the tree that SFTP shows, before anything is handed to it. */
import { randomBytes } from 'node:crypto';
import { TowlineError } from '../core/errors.js';
import type { Commands } from '../ports.js';

const answerMs = 30_000;

/**
 * @param seen a name that SFTP shows in the root and nobody can guess: the shell must see it too; `null`: nothing is known
 * to be there
 * @throws `unsupported` when commands do not run there, see another tree, or there is no rsync; `network`
 */
export async function checkServer(
  commands: Commands,
  seen: string | null,
  label: string,
  signal: AbortSignal,
): Promise<void> {
  const word = randomBytes(8).toString('hex');
  // Put together over there only: a server that repeats the command has answered nothing.
  const say = (what: string) => `printf "%s%s\\n" "${word}" "-${what}"`;
  const script = [
    say('shell'),
    ...(seen === null ? [] : [`test -d "./${seen}" && ${say('tree')}`]),
    `command -v rsync >/dev/null 2>&1 && ${say('rsync')}`,
  ];
  const { stdout } = await commands.run('remote', {
    command: `sh -c '${script.join('; ')}'`,
    stdin: '',
    environment: {},
    timeoutMs: answerMs,
    signal,
    onOutput: () => undefined,
  });
  const said = new Set(stdout.split(/\r?\n/));
  const has = (what: string) => said.has(`${word}-${what}`);
  const hint = 'Leave out --transport rsync: plain SFTP will do';
  if (!has('shell')) throw refused(`${label} runs no commands: rsync cannot be used`, label, hint);
  if (seen !== null && !has('tree'))
    throw refused(`the shell of ${label} does not see the folder that SFTP shows`, label, hint);
  if (!has('rsync')) {
    const install = 'Install rsync there, or leave out --transport rsync';
    throw refused(`${label}: there is no rsync on the server`, label, install);
  }
}

function refused(what: string, label: string, hint: string): TowlineError {
  return new TowlineError('unsupported', what, { host: label, hint });
}
