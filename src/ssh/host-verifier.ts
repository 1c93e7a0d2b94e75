import { TowlineError } from '../core/errors.js';
import type { ResolvedHost } from './config.js';
import { fingerprintOf, keyKindOf, keyTypeOf } from './host-key.js';
import { appendKnownHost, readKnownHosts } from './known-hosts-file.js';
import { type KnownHostLine, knownHostName, lookupHost } from './known-hosts.js';

export interface HostVerifierOptions {
  readonly resolved: ResolvedHost;
  /** Trust a host that nothing is known of, and write its key down (`--accept-new`). */
  readonly acceptNew: boolean;
  /** The key that was accepted earlier in this run: from then on no other one will do, whatever the files say. */
  readonly pinned?: Buffer | null;
}

/** A host of which nothing is known, and ssh_config says to ask. */
export interface UnknownHost {
  /** As known_hosts would have it. */
  readonly name: string;
  /** In wire format. */
  readonly key: Buffer;
  /**
   * Writes the key down, as ssh would.
   * @throws TowlineError `configuration` when the file cannot be written
   */
  readonly remember: () => Promise<void>;
}

/** Decides on the key of one server, from what the known_hosts files said when it was made. */
export interface HostVerifier {
  /** What to ask the server for: kinds of which a key is known first, so that a known host never fails for its other key. */
  readonly serverHostKeyAlgorithms: readonly HostKeyAlgorithm[];
  /** Whether this key (wire format) is the server's. Says the same however often it is asked; writes nothing. */
  verify(key: Buffer): boolean;
  /** Why the last key was refused: `host-key`; `null` when it was not. */
  refusal(): TowlineError | null;
  /** The host whose key was refused because nothing is known of it and a person was not asked yet; else `null`. */
  unknown(): UnknownHost | null;
  /** The new key that was let in, or `null`. */
  accepted(): Buffer | null;
  /**
   * To be called once the connection stands: writes a new key down.
   * @throws TowlineError `configuration` when the file cannot be written
   */
  record(): Promise<void>;
}

/** The host key algorithms that can be verified here; SHA-1 signatures (`ssh-rsa`, `ssh-dss`) only where ssh_config asks. */
const supported = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
const onRequest = ['ssh-rsa', 'ssh-dss'] as const;

export type HostKeyAlgorithm = (typeof supported)[number] | (typeof onRequest)[number];

/**
 * Reads the known_hosts files and makes the verifier for one connection.
 * @throws TowlineError `configuration` (a file that cannot be read), `unsupported` (no host key algorithm in common)
 */
export async function createHostVerifier(options: HostVerifierOptions): Promise<HostVerifier> {
  const { resolved } = options;
  const files = await readKnownHosts([...resolved.userKnownHostsFiles, ...resolved.globalKnownHostsFiles]);
  // A HostKeyAlias is looked up as it is, whatever the port.
  const port = resolved.hostKeyAlias === null ? resolved.port : 22;
  const host = resolved.hostKeyAlias ?? resolved.hostName;
  const name = knownHostName(host, port);
  const lines = lookupHost(files, host, port);
  // ssh trusts the key of port 22 on another port of which nothing is known; a different key says nothing there.
  const bare = port === 22 ? [] : lookupHost(files, host, 22);
  const judge = (key: Buffer) => judgeKey({ ...options, name, lines, bare }, key);
  let refused: TowlineError | null = null;
  let fresh: Buffer | null = null;
  let recorded = false;
  let unknown: UnknownHost | null = null;
  const write = async (key: Buffer) => {
    const file = resolved.userKnownHostsFiles[0];
    if (file !== undefined) await appendKnownHost(file, name, key, resolved.hashKnownHosts);
  };
  return {
    serverHostKeyAlgorithms: orderAlgorithms(resolved, [...lines, ...bare]),
    verify: (key) => {
      const verdict = fresh === null || fresh.equals(key) ? judge(key) : changedInRun(name, fresh, key);
      // ssh2 owns the buffer and may use it again.
      const own = Buffer.from(key);
      refused = verdict instanceof TowlineError ? verdict : null;
      if (verdict === 'ask') {
        refused = unknownError(resolved, name, own);
        unknown = { name, key: own, remember: () => write(own) };
      }
      if (verdict === 'new') fresh ??= own;
      return refused === null;
    },
    refusal: () => refused,
    unknown: () => unknown,
    accepted: () => fresh,
    record: async () => {
      if (fresh === null || recorded) return;
      await write(fresh);
      recorded = true;
    },
  };
}

interface Known extends HostVerifierOptions {
  /** As known_hosts has it. */
  readonly name: string;
  readonly lines: readonly KnownHostLine[];
  readonly bare: readonly KnownHostLine[];
}

type Verdict = 'known' | 'new' | 'ask' | TowlineError;

function judgeKey(known: Known, key: Buffer): Verdict {
  const { lines, bare, name, pinned } = known;
  const revoked = [...lines, ...bare].find((line) => line.marker === 'revoked' && line.blob.equals(key));
  if (revoked !== undefined) return revokedError(name, revoked, key);
  const own = lines.filter((line) => line.marker === 'host');
  if (own.some((line) => line.blob.equals(key))) return 'known';
  const type = keyTypeOf(key);
  const other = own.find((line) => line.type === type) ?? own[0];
  if (other !== undefined) return changedError(name, other, key);
  // Not revoked and nothing is known of this port.
  if (bare.some((line) => line.marker === 'host' && line.blob.equals(key))) return 'known';
  if (pinned !== undefined && pinned !== null) {
    return pinned.equals(key) ? 'known' : changedInRun(name, pinned, key);
  }
  const authority = lines.find((line) => line.marker === 'cert-authority');
  if (authority !== undefined) return authorityError(name, authority, key);
  const strict = known.resolved.strictHostKeyChecking;
  if (known.acceptNew || strict === 'accept-new' || strict === 'no') return 'new';
  return strict === 'ask' ? 'ask' : unknownError(known.resolved, name, key);
}

/** Known kinds first, then the rest, each in ssh's order. */
function orderAlgorithms(resolved: ResolvedHost, lines: readonly KnownHostLine[]): HostKeyAlgorithm[] {
  const allowed: readonly string[] = resolved.hostKeyAlgorithms;
  const usable: HostKeyAlgorithm[] =
    allowed.length === 0
      ? [...supported]
      : [...supported, ...onRequest]
          .filter((algorithm) => allowed.includes(algorithm))
          .sort((a, b) => allowed.indexOf(a) - allowed.indexOf(b));
  if (usable.length === 0) {
    throw new TowlineError(
      'unsupported',
      `none of the HostKeyAlgorithms for ${resolved.alias} can be used here`,
      {
        host: resolved.alias,
        hint: `Allow one of ${supported.join(', ')} in ssh_config`,
      },
    );
  }
  const types = new Set(lines.filter((line) => line.marker === 'host').map((line) => line.type));
  const isKnown = (algorithm: HostKeyAlgorithm) => types.has(keyTypeFor(algorithm));
  return [...usable.filter(isKnown), ...usable.filter((algorithm) => !isKnown(algorithm))];
}

function keyTypeFor(algorithm: HostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm;
}

function describe(key: Buffer): string {
  return `${keyKindOf(keyTypeOf(key) ?? 'unknown')} key ${fingerprintOf(key)}`;
}

function place(line: KnownHostLine): string {
  return `${line.file}:${String(line.line)}`;
}

function unknownError(resolved: ResolvedHost, name: string, key: Buffer): TowlineError {
  const port = resolved.port === 22 ? '' : `-p ${String(resolved.port)} `;
  return new TowlineError('host-key', `${name} is not known; it shows the ${describe(key)}`, {
    host: name,
    hint:
      'If that fingerprint is the right one, accept it with --accept-new ' +
      `(towline ... --accept-new), or connect once with: ssh ${port}${resolved.alias}`,
  });
}

function changedError(name: string, line: KnownHostLine, key: Buffer): TowlineError {
  return new TowlineError(
    'host-key',
    `the host key of ${name} has CHANGED: it shows the ${describe(key)}, but ${place(line)} has the ${describe(line.blob)}`,
    {
      host: name,
      path: line.file,
      hint:
        'Somebody may be in between. Ask who runs the server; if the new key is right, remove the old one with: ' +
        `ssh-keygen -f '${line.file}' -R '${name}'`,
    },
  );
}

function changedInRun(name: string, before: Buffer, key: Buffer): TowlineError {
  const text = `the host key of ${name} has CHANGED since it was accepted: it was the ${describe(before)} and is now the ${describe(key)}`;
  return new TowlineError('host-key', text, {
    host: name,
    hint: 'Somebody may be in between. Ask who runs the server before you start again',
  });
}

function revokedError(name: string, line: KnownHostLine, key: Buffer): TowlineError {
  return new TowlineError(
    'host-key',
    `${name} shows the ${describe(key)}, which ${place(line)} marks as revoked`,
    {
      host: name,
      path: line.file,
      hint: 'The key is taken for stolen: do not connect until the server has a new one',
    },
  );
}

function authorityError(name: string, line: KnownHostLine, key: Buffer): TowlineError {
  return new TowlineError(
    'host-key',
    `${name} is known by a certificate authority only (${place(line)}), and host certificates are not supported; ` +
      `it shows the ${describe(key)}`,
    { host: name, path: line.file, hint: `Add the host's own key to known_hosts: ssh-keyscan shows it` },
  );
}
