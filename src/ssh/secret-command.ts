import { spawn } from 'node:child_process';
import { hasErrno, TowlineError } from '../core/errors.js';
import { OutputTail } from '../core/output.js';

/** It may have to ask a person (a key manager that is locked). */
const commandMs = 120_000;
const outputBytesMax = 65_536;

/**
 * Runs a command by the shell and gives the first line that it prints.
 * @throws TowlineError `configuration` when it cannot be run, fails, takes too long or prints nothing; with what it wrote
 * to standard error, but never with what it printed
 */
export async function firstLineOf(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const { how, stdout, stderr } = await run(command, env);
  const line = /^[^\r\n]*/.exec(stdout)?.[0] ?? '';
  if (how === null && line !== '') return line;
  // A careless script repeats on one stream what it prints on the other.
  const said = stderr.trim().split('\n').at(-1) ?? '';
  const told = said === '' || (line !== '' && said.includes(line)) ? '' : `: ${said}`;
  const what = how ?? 'printed nothing';
  throw new TowlineError('configuration', `the password command ${what}${told}`, {
    hint: 'Run it by hand to see why',
  });
}

interface Ran {
  /** How it failed; `null` when it did not. */
  readonly how: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, env: Readonly<Record<string, string | undefined>>): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      env: { ...env, TOWLINE_PASSWORD: undefined, TOWLINE_PASSPHRASE: undefined },
      // A group of its own, to be ended with all that it started.
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed: Buffer[] = [];
    const stderr = new OutputTail();
    let bytes = 0;
    let how: string | null = null;
    const kill = () => endGroup(child.pid);
    const give = (reason: string) => {
      how ??= reason;
      kill();
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => give(`took longer than ${String(commandMs / 1000)} s`), commandMs);
    process.once('exit', kill);
    child.stdout.on('data', (data: Buffer) => {
      printed.push(data);
      bytes += data.length;
      if (bytes > outputBytesMax) give('printed far too much');
    });
    child.stderr.on('data', (data: Buffer) => void stderr.add(data));
    const done = (reason: string | null) => {
      clearTimeout(timer);
      process.removeListener('exit', kill);
      resolve({ how: how ?? reason, stdout: Buffer.concat(printed).toString('utf8'), stderr: stderr.text });
    };
    child.on('error', (error) => done(`cannot be run (${error.message})`));
    child.on('close', (code, signal) =>
      done(
        code === 0 ? null : signal === null ? `ended with exit code ${String(code)}` : `ended by ${signal}`,
      ),
    );
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}
