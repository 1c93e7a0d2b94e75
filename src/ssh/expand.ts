import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

/** What the tokens in paths of ssh_config stand for (ssh_config(5), TOKENS). */
export interface PathContext {
  /** The home directory of the password database, which ssh uses for `~` and `%d` whatever `$HOME` says. */
  readonly home: string;
  /** Name and id of the local user. */
  readonly localUser: string;
  readonly uid: number;
  /** The host as it was given. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly hostKeyAlias: string | null;
  readonly proxyJump: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * A path as ssh would use it: `~/`, `%`-tokens and `${VARIABLE}` expanded, and absolute. Tokens and variables that are
 * not known stay as they are, so that the message about the missing file shows them.
 */
export function expandPath(text: string, context: PathContext): string {
  const tilde = text === '~' || text.startsWith('~/') ? join(context.home, text.slice(1)) : text;
  const tokens = tilde.replaceAll(/%(.)/g, (whole, letter: string) => tokenOf(letter, context) ?? whole);
  return resolve(tokens.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => context.env[name] ?? whole));
}

function tokenOf(letter: string, context: PathContext): string | undefined {
  const tokens: Record<string, string> = {
    '%': '%',
    d: context.home,
    h: context.hostName,
    i: String(context.uid),
    j: context.proxyJump ?? '',
    k: context.hostKeyAlias ?? context.alias,
    L: hostname().split('.')[0] ?? '',
    l: hostname(),
    n: context.alias,
    p: String(context.port),
    r: context.user,
    u: context.localUser,
  };
  return letter === 'C' ? connectionHash(context) : tokens[letter];
}

/** `%C`: SHA-1 of `%l%h%p%r%j`. */
function connectionHash(context: PathContext): string {
  const { hostName, port, user, proxyJump } = context;
  return createHash('sha1')
    .update(`${hostname()}${hostName}${String(port)}${user}${proxyJump ?? ''}`)
    .digest('hex');
}
