import { constants, open } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { errnoOf, TowlineError } from '../core/errors.js';
import { firstLineOf } from './secret-command.js';

/** Where secrets are taken from beside the environment. Never the secrets themselves. */
export interface SecretOptions {
  /** A file that holds the password; nobody else may read it. */
  readonly passwordFile?: string;
  /** A command for the shell that prints the password. */
  readonly passwordCommand?: string;
  /** A file that holds the passphrase of the key files. */
  readonly passphraseFile?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where one secret comes from. */
export interface SecretSource {
  /** For messages, as in "the password from NAME". */
  readonly name: string;
  /** The secret; the same each time. @throws TowlineError `configuration` */
  readonly read: () => Promise<string>;
}

/** Longer ones are no password but the wrong file. */
const secretBytesMax = 4096;

/**
 * Where the password comes from: an option, else TOWLINE_PASSWORD, else the credential `towline-password` of the service
 * manager (systemd.exec(5)); `null`: from nowhere. Files are read at once, a command runs when the password is needed.
 * @throws TowlineError `configuration`
 */
export async function passwordSource(options: SecretOptions, env: Env): Promise<SecretSource | null> {
  const { passwordFile, passwordCommand: command } = options;
  if (passwordFile === undefined && command !== undefined) {
    let line: Promise<string> | null = null;
    return { name: 'the password command', read: () => (line ??= firstLineOf(command, env)) };
  }
  return await sourceOf('password', passwordFile, env);
}

/** The same for the passphrase of key files: an option, TOWLINE_PASSPHRASE, the credential `towline-passphrase`. */
export function passphraseSource(options: SecretOptions, env: Env): Promise<SecretSource | null> {
  return sourceOf('passphrase', options.passphraseFile, env);
}

async function sourceOf(
  kind: 'password' | 'passphrase',
  file: string | undefined,
  env: Env,
): Promise<SecretSource | null> {
  if (file !== undefined) {
    const path = resolve(file);
    const secret = await readSecret(path, `${kind} file`, { mayBeMissing: false, mayBeShared: false });
    return known(path, secret ?? '');
  }
  const variable = `TOWLINE_${kind.toUpperCase()}`;
  const value = env[variable] ?? '';
  if (value !== '') return known(variable, value);
  const folder = env.CREDENTIALS_DIRECTORY ?? '';
  if (!isAbsolute(folder)) return null;
  // The service manager sees to who may read it, by means that a mode does not show.
  const name = `towline-${kind}`;
  const secret = await readSecret(join(folder, name), 'credential', {
    mayBeMissing: true,
    mayBeShared: true,
  });
  return secret === null ? null : known(`the credential ${name}`, secret);
}

function known(name: string, secret: string): SecretSource {
  return { name, read: () => Promise.resolve(secret) };
}

/** What a file holds but for one line end; `null` for one that is not there and need not be. */
async function readSecret(
  path: string,
  what: string,
  allowed: { readonly mayBeMissing: boolean; readonly mayBeShared: boolean },
): Promise<string | null> {
  const wrong = (problem: string, hint: string, cause?: unknown) =>
    new TowlineError('configuration', `the ${what} ${path} ${problem}`, { path, hint, cause });
  let data: Buffer;
  try {
    await using handle = await open(path, constants.O_RDONLY);
    const { mode, uid } = await handle.stat();
    if (!allowed.mayBeShared && isShared(mode, uid)) {
      throw wrong('can be read or changed by others', `Make it yours alone: chmod 600 '${path}'`);
    }
    data = await readSome(handle);
  } catch (error) {
    if (error instanceof TowlineError) throw error;
    const code = errnoOf(error) ?? 'unknown reason';
    if (code === 'ENOENT' && allowed.mayBeMissing) return null;
    throw wrong(`cannot be read (${code})`, 'Check its name and its permissions', error);
  }
  if (data.length > secretBytesMax) throw wrong('is too long for a secret', 'Check its name');
  const text = data.toString('utf8').replace(/\r?\n$/, '');
  if (text === '') throw wrong('is empty', 'Write the secret into it, on one line');
  return text;
}

/** As ssh does with private keys: what belongs to somebody else (root, for a service) may be shared with our group. */
function isShared(mode: number, uid: number): boolean {
  const me = process.getuid?.();
  return me !== undefined && (mode & (uid === me ? 0o077 : 0o007)) !== 0;
}

/** Up to a byte more than a secret may have: it may be a pipe, which has no size. */
async function readSome(handle: Awaited<ReturnType<typeof open>>): Promise<Buffer> {
  const buffer = Buffer.alloc(secretBytesMax + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
