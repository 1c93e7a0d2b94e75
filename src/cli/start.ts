/** The command with the real world around it: process, standard streams, signals, and the library. */
import { readFileSync } from 'node:fs';
import { plan, sync, watch } from '../index.js';
import type { CliContext } from './context.js';
import { exitNow } from './exit.js';
import { runCommandLine } from './program.js';
import { terminalPrompts } from './prompt.js';
import { processSignals } from './signals.js';
import { standardOutput } from './streams.js';

/** Runs the command line of this process and exits with its code. */
export async function start(): Promise<void> {
  // A diagnostic report (node --report-on-…) would hold the environment, and passwords may be in it.
  process.report.excludeEnv = true;
  const stderr = standardOutput(2);
  const context: CliContext = {
    version: packageVersion(),
    sync,
    plan,
    watch,
    stdout: standardOutput(1),
    stderr,
    ...(process.stdin.isTTY && stderr.isTTY ? { prompts: terminalPrompts(process.stdin, stderr) } : {}),
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
    onSignal: processSignals,
    exitNow,
  };
  exitNow(await runCommandLine(process.argv.slice(2), context));
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
