import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';

/** What makes a pair the one it is. */
export interface PairIdentity {
  /** The local directory with all symlinks resolved. */
  readonly localRealPath: string;
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** The remote directory. */
  readonly path: string;
}

export interface StateLocation {
  /** The base of all states, when the user chose one (`--state-dir`); relative to the working directory. */
  readonly stateDir?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pair: PairIdentity;
}

const unsafePattern = /[^A-Za-z0-9._-]+/g;
const edgePattern = /^[._-]+|[._-]+$/g;
const partLengthMax = 32;

/** A part of the folder's name that every file system takes. */
function slug(text: string, fallback: string): string {
  const safe = text.replace(unsafePattern, '-').slice(0, partLengthMax).replace(edgePattern, '');
  return safe === '' ? fallback : safe;
}

/**
 * Where all states live: the directory the user chose, else `$XDG_STATE_HOME/towline`, else `~/.local/state/towline`.
 * A relative `XDG_STATE_HOME` is ignored, as the XDG Base Directory Specification asks.
 */
export function baseFolder({ stateDir, env }: Omit<StateLocation, 'pair'>): string {
  if (stateDir !== undefined) return resolve(stateDir);
  const xdg = env.XDG_STATE_HOME;
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, 'towline');
  return join(env.HOME ?? homedir(), '.local', 'state', 'towline');
}

/**
 * The folder of a pair's state: a name a person recognises (local folder and host), made unique by a hash of the whole
 * pair.
 */
export function stateFolder(location: StateLocation): string {
  const { localRealPath, user, host, port, path } = location.pair;
  const identity = JSON.stringify([localRealPath, user, host, port, path]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  const name = `${slug(basename(localRealPath), 'root')}-${slug(host, 'host')}-${hash}`;
  return join(baseFolder(location), name);
}
