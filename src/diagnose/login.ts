/** Says how a login went: connection, host key, authentication. */
import type { TowlineError } from '../core/errors.js';
import type { ResolvedHost } from '../ssh/config.js';
import { fingerprintOf, keyKindOf, keyTypeOf } from '../ssh/host-key.js';
import type { Handshake, TriedMethod } from '../ssh/handshake.js';
import { loadKeyFiles } from '../ssh/key-file.js';
import type { Report } from './check.js';
import { placeOfKey } from './known-key.js';
import { shortPath } from './words.js';

export interface Login {
  readonly resolved: ResolvedHost;
  readonly handshake: Handshake;
  /** Why there is no connection; `null`: there is one. */
  readonly error: TowlineError | null;
  readonly durationMs: number;
}

/** A server that hangs up after the host key, before it asked who we are, is taken for one that cannot be reached. */
export async function checkLogin(report: Report, login: Login): Promise<void> {
  const { resolved, handshake, error, durationMs } = login;
  const place = `${resolved.hostName} port ${String(resolved.port)}`;
  if (handshake.hostKey === null) {
    if (error !== null) report.fail('connection', error);
    return;
  }
  report.ok('connection', `${place} speaks SSH`);
  if (error?.code === 'host-key') {
    report.fail('host-key', error);
    return;
  }
  await checkHostKey(report, login, handshake.hostKey);
  if (error?.code === 'authentication') report.fail('authentication', error);
  else if (error !== null && handshake.tried.length === 0) report.fail('connection', error);
  else {
    const took = error === null ? ` (${String(durationMs)} ms from the start)` : '';
    report.ok('authentication', `${await lastMethod(login)}${took}`);
    if (error !== null) report.fail('sftp', error);
  }
}

/** One that was accepted just now is in a file already. */
async function checkHostKey(report: Report, { resolved }: Login, key: Buffer): Promise<void> {
  const shown = keyText(key);
  const place = await placeOfKey(resolved, key);
  if (place !== null) report.ok('host-key', `${shown}, known by ${shortPath(place)}`);
  else {
    report.warn(
      'host-key',
      `${shown}, which no known_hosts file knows: ssh_config says StrictHostKeyChecking ${resolved.strictHostKeyChecking}`,
      'Compare the fingerprint with what the owner of the server says; the next sync writes it down',
    );
  }
}

/** The last method that was tried is the one that let us in. */
async function lastMethod({ resolved, handshake }: Login): Promise<string> {
  const tried = handshake.tried.filter(({ method }) => method !== 'none');
  const last = tried.at(-1);
  if (last === undefined) return `let in as ${resolved.user} without being asked for anything`;
  const refused = tried.length - 1;
  const before = refused === 0 ? '' : `, after ${String(refused)} ${refused === 1 ? 'other' : 'others'}`;
  return `let in as ${resolved.user} by ${await methodText(resolved, last)}${before}`;
}

async function methodText(resolved: ResolvedHost, { method, key, byAgent }: TriedMethod): Promise<string> {
  if (key === null) return method;
  const files = await loadKeyFiles(resolved.identityFiles);
  const file = files.find(({ publicKey }) => publicKey?.equals(key.blob) === true);
  const holder = byAgent && file?.problem !== 'encrypted' ? ' (held by the agent)' : '';
  const name = file === undefined ? key.comment : shortPath(file.path);
  return `${method}, ${keyText(key.blob)}${name === '' ? '' : ` ${name}`}${holder}`;
}

function keyText(blob: Buffer): string {
  return `${keyKindOf(keyTypeOf(blob) ?? 'unknown')} key ${fingerprintOf(blob)}`;
}
