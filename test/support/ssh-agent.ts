import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder } from './folder.js';

/** A real ssh-agent for one test; ended with the test process at the latest. */
export interface TestAgent {
  readonly socket: string;
  /** Adds private keys; their order is the agent's. */
  add(...keyFiles: string[]): void;
  /** Adds keys that it lists but does not sign with: each use has to be confirmed, and nobody does. */
  addUnconfirmed(...keyFiles: string[]): void;
  /** From now on it answers, but lists nothing and signs nothing. */
  lock(): void;
  stop(): Promise<void>;
}

export async function startAgent(): Promise<TestAgent> {
  // A socket's path may be 108 bytes long at most.
  const socket = join(freshFolder('a'), 's');
  const env = { ...process.env, SSH_ASKPASS: 'false', SSH_ASKPASS_REQUIRE: 'force' };
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore', env });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  for (let attempt = 0; !existsSync(socket); attempt++) {
    if (attempt === 500 || child.exitCode !== null) throw new Error('ssh-agent did not start');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    socket,
    add: (...keyFiles) => {
      for (const file of keyFiles) sshAdd(socket, ['-q', file]);
    },
    addUnconfirmed: (...keyFiles) => {
      for (const file of keyFiles) sshAdd(socket, ['-q', '-c', file]);
    },
    lock: () => {
      // The passphrase is asked of a program where there is no terminal.
      const program = `${socket}-ask`;
      writeFileSync(program, '#!/bin/sh\necho lock\n', { mode: 0o700 });
      sshAdd(socket, ['-x'], { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' });
    },
    stop: () => {
      process.off('exit', kill);
      return ended(child);
    },
  };
}

function sshAdd(socket: string, args: string[], env: Record<string, string> = {}): void {
  execFileSync('ssh-add', args, { env: { ...process.env, ...env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
