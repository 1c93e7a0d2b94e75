/**
 * Pulls a backup every hour, until Ctrl-C or SIGTERM. What is gone on the server stays here, and a version that would be
 * lost is kept beside (mode `pull-backup`).
 *
 *   node examples/hourly-pull.ts dev@box:/srv/data ./backup        # every hour
 *   node examples/hourly-pull.ts dev@box:/srv/data ./backup 15     # every 15 minutes
 *   node examples/hourly-pull.ts dev@box:/srv/data ./backup once   # for cron or a systemd timer
 */
import { setTimeout as delay } from 'node:timers/promises';
import { sync, TowlineError } from 'towline';

const [remote, local, minutes = '60'] = process.argv.slice(2);
if (local === undefined || remote === undefined) {
  console.error('usage: node hourly-pull.ts [USER@]HOST:PATH LOCAL [MINUTES|once]');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

/** One backup. A server that is away, or an agent that works on this pair just now, is no reason to give up. */
async function pull(from: string, to: string): Promise<void> {
  try {
    const result = await sync(
      { local: to, remote: from, mode: 'pull-backup', ...(sshConfig && { sshConfig }) },
      { signal: stop.signal },
    );
    console.log(`pulled ${result.transferred} of ${result.transferred + result.skipped}`);
    for (const { path, message } of result.problems) console.error(`${path}: ${message}`);
    process.exitCode = result.problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof TowlineError) || !['network', 'locked'].includes(error.code)) throw error;
    console.error(`not this time: ${error.message}`);
    process.exitCode = 1;
  }
}

try {
  await pull(remote, local);
  while (minutes !== 'once') {
    await delay(Number(minutes) * 60_000, undefined, { signal: stop.signal });
    await pull(remote, local);
  }
} catch (error) {
  // Being asked to stop is a good end, in a pull as between two.
  if (!stop.signal.aborted) throw error;
  process.exitCode = 0;
}
