import { execFile } from 'node:child_process';
import { TowlineError } from '../core/errors.js';

/** What is asked of ssh; the rest is up to ssh_config. */
export interface SshQuestion {
  readonly host: string;
  readonly user?: string | null;
  readonly port?: number | null;
  /** Absolute paths, given with `-i`. */
  readonly identityFiles: readonly string[];
  /** Given with `-F`. */
  readonly configFile?: string;
  /** Given with `-J`. */
  readonly proxyJump?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A `Match exec` or the lookups of CanonicalizeHostname may take their time. */
const sshTimeoutMs = 30_000;

/**
 * What the installed ssh would do for this host: the output of `ssh -G`; `null` where there is no ssh.
 * @throws TowlineError `configuration`: ssh refused, with its text
 */
export function askSsh(question: SshQuestion): Promise<string | null> {
  const { host, env } = question;
  return new Promise((settle, reject) => {
    const options = { env, timeout: sshTimeoutMs, encoding: 'utf8' } as const;
    execFile('ssh', argumentsFor(question), options, (error, stdout, stderr) => {
      if (error === null) settle(stdout);
      else if (error.code === 'ENOENT') settle(null);
      else reject(refused(host, stderr.trim(), error));
    });
  });
}

function argumentsFor({ host, user, port, identityFiles, configFile, proxyJump }: SshQuestion): string[] {
  const args = ['-T', '-G'];
  if (configFile !== undefined) args.push('-F', configFile);
  if (port !== undefined && port !== null) args.push('-p', String(port));
  if (user !== undefined && user !== null) args.push('-l', user);
  // ssh adds its default files only where none is named.
  for (const file of identityFiles) args.push('-i', file);
  if (proxyJump !== undefined) args.push('-J', proxyJump);
  args.push('--', host);
  return args;
}

function refused(host: string, text: string, cause: unknown): TowlineError {
  return new TowlineError(
    'configuration',
    `ssh cannot resolve '${host}': ${text === '' ? 'no reason given' : text}`,
    {
      host,
      hint: `Mend the SSH configuration until 'ssh -G ${host}' works`,
      serverText: text,
      cause,
    },
  );
}
