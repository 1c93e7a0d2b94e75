import { readFile } from 'node:fs/promises';
import './keep-ciphers.js';
import ssh2, { type ParsedKey } from 'ssh2';
import { hasErrno, TowlineError } from '../core/errors.js';
import type { IdentityFile } from './config.js';
import { keyTypeOf, readWireString } from './host-key.js';
import { fromPkcs8 } from './pkcs8.js';

/** Why a key file cannot be used by itself. An agent may hold its key all the same. */
export type KeyFileProblem =
  'missing' | 'unreadable' | 'encrypted' | 'public-only' | 'security-key' | 'unusable';

export interface KeyFile {
  readonly path: string;
  readonly origin: IdentityFile['origin'];
  /** The public key in wire format, by which it is found in an agent; `null` when it cannot be told. */
  readonly publicKey: Buffer | null;
  /** The private key, parsed; `null` with a `problem`. */
  readonly privateKey: ParsedKey | null;
  readonly problem: KeyFileProblem | null;
  /** What an `encrypted` file holds, for `unlockKey`; else `null`. */
  readonly locked: Buffer | null;
}

/**
 * Reads and parses all identity files, once. Default files that are not there are left out.
 * @throws TowlineError `configuration` for a file given with `-i` that is missing, unreadable or no key
 */
export async function loadKeyFiles(files: readonly IdentityFile[]): Promise<KeyFile[]> {
  const loaded = await Promise.all(files.map(loadKeyFile));
  return loaded.filter((file) => file.origin !== 'default' || file.problem !== 'missing');
}

async function loadKeyFile({ path, origin }: IdentityFile): Promise<KeyFile> {
  const content = await read(path);
  const beside = await publicKeyBeside(path);
  const found: Omit<KeyFile, 'path' | 'origin'> =
    'problem' in content
      ? { ...nothing, publicKey: beside, problem: beside === null ? content.problem : 'public-only' }
      : parseKeyFile(content.data);
  const useless = ['missing', 'unreadable', 'unusable'].find((problem) => problem === found.problem);
  if (origin === 'option' && useless !== undefined) throw uselessOption(path, useless, content);
  return { path, origin, ...found, publicKey: found.publicKey ?? beside };
}

type Content =
  { readonly data: Buffer } | { readonly problem: 'missing' | 'unreadable'; readonly cause: unknown };

async function read(path: string): Promise<Content> {
  try {
    return { data: await readFile(path) };
  } catch (cause) {
    const missing = hasErrno(cause, 'ENOENT');
    return { problem: missing ? 'missing' : 'unreadable', cause };
  }
}

/** The key of `PATH.pub`, or `null` where there is none. */
async function publicKeyBeside(path: string): Promise<Buffer | null> {
  const content = await read(`${path}.pub`);
  return 'data' in content ? publicKeyOf(content.data) : null;
}

/** The key of a line `TYPE BASE64 COMMENT`, of any type. */
function publicKeyOf(data: Buffer): Buffer | null {
  const [type, base64] = data.toString('latin1').trim().split(/\s+/);
  const blob = Buffer.from(base64 ?? '', 'base64');
  return keyTypeOf(blob) === type ? blob : null;
}

const nothing = { publicKey: null, privateKey: null, locked: null };

function parseKeyFile(data: Buffer): Omit<KeyFile, 'path' | 'origin'> {
  const header = openSshHeader(data);
  if (header?.publicKey != null && keyTypeOf(header.publicKey)?.startsWith('sk-') === true) {
    return { ...nothing, publicKey: header.publicKey, problem: 'security-key' };
  }
  if (header?.encrypted === true || isEncryptedPem(data)) {
    return { ...nothing, publicKey: header?.publicKey ?? null, problem: 'encrypted', locked: data };
  }
  const key = parseAny(data);
  if (key !== null) return { ...nothing, publicKey: key.getPublicSSH(), privateKey: key, problem: null };
  const publicKey = publicKeyOf(data);
  return { ...nothing, publicKey, problem: publicKey === null ? 'unusable' : 'public-only' };
}

/** The private key of an encrypted file; `null` when the passphrase does not fit (or the file is damaged). */
export function unlockKey(locked: Buffer, passphrase: string): ParsedKey | null {
  // ssh2 takes an empty one for none, and would say that one is needed.
  return passphrase === '' ? null : parseAny(locked, passphrase);
}

/** What OpenSSH's own format (PROTOCOL.key) shows without a passphrase. */
function openSshHeader(data: Buffer): { encrypted: boolean; publicKey: Buffer | null } | null {
  const armour = /^-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([\s\S]+?)-----END/.exec(
    data.toString('latin1').trim(),
  );
  const body = Buffer.from(armour?.[1] ?? '', 'base64');
  const magic = 'openssh-key-v1\0';
  if (body.subarray(0, magic.length).toString('latin1') !== magic) return null;
  const cipher = readWireString(body, magic.length);
  const kdf = cipher && readWireString(body, cipher.next);
  const kdfOptions = kdf && readWireString(body, kdf.next);
  // Four bytes: the number of keys, which is always one.
  const key = kdfOptions && readWireString(body, kdfOptions.next + 4);
  return { encrypted: cipher?.data.toString('latin1') !== 'none', publicKey: key?.data ?? null };
}

/** PEM (RFC 1421), PKCS #8 and PuTTY's format say so in their headers. PuTTY's third version cannot be read at all. */
function isEncryptedPem(data: Buffer): boolean {
  const text = data.toString('latin1');
  return (
    /^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text) ||
    /^Proc-Type: 4,ENCRYPTED\s*$/m.test(text) ||
    /^PuTTY-User-Key-File-2: [^]*?^Encryption: (?!none)/m.test(text)
  );
}

/** The private key in any of the formats, PKCS #8 by way of an older one: ssh2 does not read it. */
function parseAny(data: Buffer, passphrase?: string): ParsedKey | null {
  const converted = fromPkcs8(data, passphrase);
  const key: ParsedKey | Error =
    converted === null ? ssh2.utils.parseKey(data, passphrase) : ssh2.utils.parseKey(converted);
  return key instanceof Error || !key.isPrivateKey() ? null : key;
}

function uselessOption(path: string, problem: string, content: Content): TowlineError {
  const what = {
    missing: 'there is no such key file',
    unreadable: 'this key file cannot be read',
    unusable: 'this file is not a private key (in a format that can be used)',
  }[problem];
  return new TowlineError('configuration', `-i ${path}: ${what ?? problem}`, {
    path,
    hint:
      problem === 'unusable'
        ? `Convert it with: ssh-keygen -p -f '${path}' (or name another key)`
        : 'Name the private key that the server knows, for example ~/.ssh/id_ed25519',
    cause: 'cause' in content ? content.cause : undefined,
  });
}
