/** The rsync of this machine. */
import { execFile } from 'node:child_process';
import { TowlineError } from '../core/errors.js';
import { rsyncEnvironment } from './environment.js';

const versionMs = 10_000;
/** `--outbuf`, `--secluded-args` and quiet keepalives. */
const pushFrom = [3, 1, 0];
/** Older ones take names from the server that lead out of the folder (CVE-2022-29154). */
const pullFrom = [3, 2, 5];

/**
 * Makes sure that there is an rsync here that can be used.
 * @throws `unsupported`, with what to install
 */
export async function requireRsync(
  way: 'push' | 'pull',
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const text = await versionText(env);
  const match = /^rsync +version v?(\d+)\.(\d+)\.?(\d*)/m.exec(text);
  const version = match === null ? null : match.slice(1).map(Number);
  const needed = way === 'push' ? pushFrom : pullFrom;
  if (version !== null && !isOlder(version, needed)) return;
  const found = match?.[0] ?? text.split('\n')[0]!.slice(0, 100);
  const why = way === 'pull' ? ' (older ones let a server write outside of the folder)' : '';
  throw new TowlineError('unsupported', `the rsync of this machine cannot be used: it says '${found}'`, {
    hint: `Install rsync ${needed.join('.')} or newer${why}, or leave out --transport rsync`,
  });
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, part] of than.entries()) {
    const has = version[index] ?? 0;
    if (has !== part) return has < part;
  }
  return false;
}

/** What a missing program is to people. */
export function notInstalled(cause: unknown): TowlineError {
  return new TowlineError('unsupported', 'there is no rsync on this machine', {
    hint: 'Install it (apt install rsync, brew install rsync), or leave out --transport rsync',
    cause,
  });
}

function versionText(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const options = { env: rsyncEnvironment(env), timeout: versionMs, encoding: 'utf8' } as const;
  return new Promise((resolve, reject) => {
    execFile('rsync', ['--version'], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') reject(notInstalled(error));
      else {
        const text = `the rsync of this machine cannot be run: ${error.message.trim()}`;
        reject(
          new TowlineError('unsupported', text, {
            hint: 'Mend it, or leave out --transport rsync',
            cause: error,
          }),
        );
      }
    });
  });
}
