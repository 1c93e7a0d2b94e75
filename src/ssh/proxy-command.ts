import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { TowlineError } from '../core/errors.js';
import { StreamSocket } from './stream-socket.js';

export interface ProxyCommand {
  /** For the user's shell; tokens are expanded. */
  readonly line: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Of what it says on stderr the end is kept, for the message. */
const stderrCharsMax = 2000;
/** How long we wait for its exit code and last words once it closed its output: a child of its own may hold them open. */
const lastWordsMs = 1000;
/** How long it may take to end by itself once it was asked to. */
const graceMs = 2000;

/**
 * Starts the command as ssh does, with `exec` in the user's shell, and returns its standard input and output as a socket.
 * When it ends, the socket ends with an error that tells its exit code and what it said. Destroying the socket ends it.
 *
 * Ctrl-C is for us, not for the command: it must be there for our goodbye.
 * @param label the host it leads to, for messages
 */
export function startProxyCommand({ line, env }: ProxyCommand, label: string): Duplex {
  const shell = env.SHELL === undefined || env.SHELL === '' ? '/bin/sh' : env.SHELL;
  const script = `trap '' INT; exec "$0" -c "$1"`;
  const child = spawn('/bin/sh', ['-c', script, shell, `exec ${line}`], { env, stdio: 'pipe' });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-stderrCharsMax);
  });
  const ended = () => {
    if (!socket.destroyed) socket.destroy(endOf(label, child.exitCode, child.signalCode, said.trim()));
  };
  const socket: StreamSocket = new StreamSocket({
    readable: child.stdout,
    writable: child.stdin,
    exhausted: () => setTimeout(ended, lastWordsMs).unref(),
    release: () => {
      child.stdin.destroy();
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGHUP');
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      child.once('exit', () => clearTimeout(kill));
    },
  });
  child.on('error', (error) => socket.destroy(error));
  child.on('close', ended);
  return socket;
}

function endOf(label: string, code: number | null, signal: string | null, said: string): TowlineError {
  const how =
    signal === null ? `ended with exit code ${String(code ?? 'unknown')}` : `was ended by ${signal}`;
  const what = `the ProxyCommand for ${label} ${how}${said === '' ? '' : `; it said: ${said}`}`;
  // Not found or not executable, by the rule of all shells: no further attempt would mend that.
  const missing = code === 126 || code === 127;
  return new TowlineError(missing ? 'configuration' : 'network', what, {
    host: label,
    // The line itself may hold a password.
    hint: 'Try by hand the line that ssh_config has',
    ...(said === '' ? {} : { serverText: said }),
  });
}
