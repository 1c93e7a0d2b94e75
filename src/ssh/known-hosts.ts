import { createHmac, timingSafeEqual } from 'node:crypto';
import { keyTypeOf } from './host-key.js';
import { matchesPatterns } from './pattern.js';

/** What a line of known_hosts says of its key: it is the host's, it signs the host's certificates, it is stolen. */
export type Marker = 'host' | 'cert-authority' | 'revoked';

/** One usable line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownHostLine {
  readonly marker: Marker;
  /** The names as they are written: patterns with commas between them, or one hashed name. */
  readonly names: string;
  readonly type: string;
  /** The key in SSH wire format. */
  readonly blob: Buffer;
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** A file and its text; a missing file is an empty text. */
export interface KnownHostsText {
  readonly file: string;
  readonly text: string;
}

/** The usable lines of a file, in order. Comments, blank lines and what makes no sense are left out, as ssh does. */
export function parseKnownHosts({ file, text }: KnownHostsText): KnownHostLine[] {
  const lines: KnownHostLine[] = [];
  text.split('\n').forEach((content, index) => {
    const line = parseLine(content);
    if (line !== null) lines.push({ ...line, file, line: index + 1 });
  });
  return lines;
}

function parseLine(content: string): Omit<KnownHostLine, 'file' | 'line'> | null {
  const words = content.split(/[ \t\r]+/).filter((word) => word !== '');
  if (words[0]?.startsWith('#') === true) return null;
  const marker = markerOf(words[0] ?? '');
  if (marker === null) return null;
  const [names, type, base64] = marker === 'host' ? words : words.slice(1);
  if (names === undefined || type === undefined || base64 === undefined) return null;
  const blob = Buffer.from(base64, 'base64');
  return keyTypeOf(blob) === type ? { marker, names, type, blob } : null;
}

function markerOf(word: string): Marker | null {
  if (!word.startsWith('@')) return 'host';
  if (word === '@revoked') return 'revoked';
  return word === '@cert-authority' ? 'cert-authority' : null;
}

/** The name under which ssh files a host: `[name]:port`, or the bare name for port 22. */
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${String(port)}`;
}

/**
 * The lines of all files, in order, that speak of this host.
 * @param host a name as ssh would look it up: without a port where it is a HostKeyAlias (pass port 22 then)
 */
export function lookupHost(files: readonly KnownHostsText[], host: string, port: number): KnownHostLine[] {
  const name = knownHostName(host, port);
  return files.flatMap(parseKnownHosts).filter((line) => matchesNames(name, line.names));
}

/** Whether the names field of a line speaks of `name`: one negated pattern that matches overrules all others. */
export function matchesNames(name: string, names: string): boolean {
  if (names.startsWith('|')) return matchesHash(name, names);
  return matchesPatterns(name, names.toLowerCase().split(','));
}

/** `|1|salt|hash`, both in base64: HMAC-SHA1 of the name. */
function matchesHash(name: string, text: string): boolean {
  const [, version, salt, hash] = text.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = hmac(Buffer.from(salt, 'base64'), name);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** The hashed form of a name, with a salt of 20 random bytes. */
export function hashName(name: string, salt: Buffer): string {
  return `|1|${salt.toString('base64')}|${hmac(salt, name).toString('base64')}`;
}

function hmac(salt: Buffer, name: string): Buffer {
  return createHmac('sha1', salt).update(name).digest();
}
