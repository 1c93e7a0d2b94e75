import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder } from './folder.js';

export interface KeyOptions {
  readonly type?: 'ed25519' | 'rsa' | 'ecdsa';
  readonly passphrase?: string;
  /** Default: OpenSSH's own. */
  readonly format?: 'PEM' | 'PKCS8';
  readonly name?: string;
}

/** Makes a key pair with ssh-keygen; returns the private file, the public one is beside it (`.pub`). */
export function makeKey({
  type = 'ed25519',
  passphrase = '',
  format,
  name = 'key',
}: KeyOptions = {}): string {
  const file = join(freshFolder('key'), name);
  const formatArgs = format === undefined ? [] : ['-m', format];
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', name, ...formatArgs, '-f', file], {
    stdio: 'pipe',
  });
  return file;
}

/** The key of a public file, without its comment: `TYPE BASE64`. */
export function publicKeyText(file: string): string {
  return readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ').trim();
}

/** The key of a public file in wire format. */
export function publicKeyBlob(file: string): Buffer {
  return Buffer.from(publicKeyText(file).split(' ')[1] ?? '', 'base64');
}

export function authorize(authorizedKeysFile: string, file: string): void {
  appendFileSync(authorizedKeysFile, `${publicKeyText(file)}\n`);
}
