/**
 * A towline.json comes with a checkout, and so may be somebody else's. What in it reaches beyond the folder it lies in
 * (commands, files outside, the check of host keys) counts only once the user has agreed to exactly that, as with direnv's files.
 */
import { createHash } from 'node:crypto';
import { appendFile, chmod, mkdir, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { hasErrno } from '../core/errors.js';
import type { PairOptions } from './options.js';

/** Where agreement is kept: one line for each. */
export interface TrustPlace {
  /** The file of agreements, beside the user's own profiles. */
  readonly file: string;
  /** The towline.json it is about. */
  readonly about: string;
}

/** The settings that reach out. */
type Reaching = Pick<
  Partial<PairOptions>,
  'afterSync' | 'sshConfig' | 'local' | 'acceptNew' | 'passwordCommand' | 'passwordFile' | 'passphraseFile'
>;

/**
 * What settings reach beyond their folder, a line for each; none: nothing has to be agreed to.
 * @param folder where the file lies
 */
export function reachOf(pair: Reaching, folder: string): string[] {
  const { afterSync = [], sshConfig, local, passwordCommand, passwordFile, passphraseFile } = pair;
  const reach = afterSync.map(
    ({ command, where = 'local' }) =>
      `afterSync runs '${command}' ${where === 'local' ? 'here' : 'on the server'}`,
  );
  // ProxyCommand, Match exec and the like.
  if (sshConfig !== undefined) reach.push(`sshConfig ${sshConfig} may run commands here`);
  if (pair.acceptNew === true) reach.push('acceptNew takes unknown host keys for good');
  if (passwordCommand !== undefined) reach.push(`passwordCommand runs '${passwordCommand}' here`);
  // What the file holds goes to the server.
  if (passwordFile !== undefined) reach.push(`passwordFile sends what ${passwordFile} holds`);
  if (passphraseFile !== undefined) reach.push(`passphraseFile reads ${passphraseFile}`);
  if (local !== undefined && isOutside(folder, local))
    reach.push(`local is ${local}, outside of this folder`);
  return reach;
}

function isOutside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return isAbsolute(way) || way === '..' || way.startsWith('../') || way.startsWith('..\\');
}

/** Whether the user agreed to exactly this. */
export async function isTrusted(place: TrustPlace, reach: readonly string[]): Promise<boolean> {
  try {
    return (await readFile(place.file, 'utf8')).split('\n').includes(keyOf(place, reach));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Remembers that the user agreed; the file is for its owner only (0600). Rejects with what the file system says. */
export async function trust(place: TrustPlace, reach: readonly string[]): Promise<void> {
  if (await isTrusted(place, reach)) return;
  await mkdir(dirname(place.file), { recursive: true, mode: 0o700 });
  await appendFile(place.file, `${keyOf(place, reach)}\n`, { mode: 0o600 });
  await chmod(place.file, 0o600);
}

/** The file of agreements beside the file of profiles. */
export function trustFile(profiles: string): string {
  return join(dirname(profiles), 'trusted');
}

function keyOf({ about }: TrustPlace, reach: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([about, ...reach]))
    .digest('hex');
}
