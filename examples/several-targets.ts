/**
 * Sends one folder to several servers at once. One that fails does not keep the others from it.
 *
 *   node examples/several-targets.ts ./site web1:/srv/site web2:/srv/site dev@web3:/srv/site
 */
import { sync, TowlineError } from 'towline';

const [local, ...remotes] = process.argv.slice(2);
if (local === undefined || remotes.length === 0) {
  console.error('usage: node several-targets.ts LOCAL [USER@]HOST:PATH …');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

// Each target is a pair of its own, with its own connection and its own memory of what it has.
const outcomes = await Promise.allSettled(
  remotes.map((remote) => sync({ local, remote, delete: true, ...(sshConfig && { sshConfig }) })),
);

let failures = 0;
for (const [index, outcome] of outcomes.entries()) {
  const remote = remotes[index] ?? '';
  if (outcome.status === 'fulfilled') {
    const { transferred, failed, durationMs } = outcome.value;
    console.log(`${remote}: sent ${transferred}, failed ${failed}, ${durationMs} ms`);
    if (failed > 0) failures++;
  } else {
    const error: unknown = outcome.reason;
    if (!(error instanceof TowlineError)) throw error;
    console.error(`${remote}: ${error.code}: ${error.message}`);
    failures++;
  }
}
process.exitCode = failures === 0 ? 0 : 1;
