/**
 * Tells failures apart by their code, never by their text: what to try again, what to ask somebody about, and what is
 * wrong with the call itself.
 *
 *   node examples/error-handling.ts ./app dev@box:/srv/app
 */
import { sync, type SyncResult, TowlineError } from 'towline';

const [local, remote] = process.argv.slice(2);
if (local === undefined || remote === undefined) {
  console.error('usage: node error-handling.ts LOCAL [USER@]HOST:PATH');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

try {
  process.exitCode = report(await sync({ local, remote, delete: true, ...(sshConfig && { sshConfig }) }));
} catch (error) {
  // Anything else is a bug, and should look like one.
  if (!(error instanceof TowlineError)) throw error;
  console.error(`${adviceOn(error)}: ${error.message}`);
  process.exitCode = 2;
}

/** The call as a whole failed: nothing, or not everything, was looked at. */
function adviceOn(error: TowlineError): string {
  switch (error.code) {
    case 'network':
    case 'locked':
      return 'try again later';
    case 'authentication':
    case 'host-key':
      return `ask who looks after ${error.host ?? 'the server'}`;
    case 'configuration':
    case 'unsupported':
      return 'correct the call';
    default:
      return `look at ${error.path ?? 'the log'}`;
  }
}

/** The call went through. Single paths may have failed: each has a code, and is tried again by the next call. */
function report({ problems, holds }: SyncResult): number {
  for (const { path, code } of problems) {
    if (code === 'no-space') console.error(`${path}: the server is full`);
    else if (code === 'permission') console.error(`${path}: not allowed`);
    else console.error(`${path}: ${code}`);
  }
  for (const { cause, deletions } of holds) console.error(`${deletions} deletions held back: ${cause}`);
  return problems.length > 0 || holds.length > 0 ? 1 : 0;
}
