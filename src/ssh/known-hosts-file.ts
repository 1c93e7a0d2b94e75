import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, hasErrno, TowlineError } from '../core/errors.js';
import { keyTypeOf } from './host-key.js';
import { hashName, type KnownHostsText } from './known-hosts.js';

/**
 * Reads known_hosts files; a missing one is empty.
 * @throws TowlineError `configuration` for one that is there and cannot be read: it might say that a key is stolen
 */
export function readKnownHosts(files: readonly string[]): Promise<KnownHostsText[]> {
  return Promise.all(files.map(async (file) => ({ file, text: await readText(file) })));
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = errnoOf(error) ?? 'unknown reason';
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return '';
    throw new TowlineError('configuration', `${file} cannot be read (${code})`, {
      path: file,
      hint: 'Host keys are checked against it: make it readable, or name another UserKnownHostsFile',
      cause: error,
    });
  }
}

/**
 * Appends a host's key as ssh would, in one write, so that others who append at the same time lose nothing. Makes the
 * directory (0700) and the file (0600) where they are missing.
 * @param name as `knownHostName` gives it
 * @throws TowlineError `configuration` when it cannot be written
 */
export async function appendKnownHost(
  file: string,
  name: string,
  key: Buffer,
  hashed: boolean,
): Promise<void> {
  const shown = hashed ? hashName(name, randomBytes(20)) : name;
  const line = `${shown} ${keyTypeOf(key) ?? ''} ${key.toString('base64')}\n`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await using handle = await open(file, 'a+', 0o600);
    const { size } = await handle.stat();
    const last = size === 0 ? null : (await handle.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0];
    await handle.appendFile(last === null || last === 0x0a ? line : `\n${line}`);
  } catch (error) {
    const code = errnoOf(error) ?? 'unknown reason';
    throw new TowlineError('configuration', `the host key cannot be added to ${file} (${code})`, {
      path: file,
      hint: 'Make it writable, or name another UserKnownHostsFile in ssh_config',
      cause: error,
    });
  }
}
