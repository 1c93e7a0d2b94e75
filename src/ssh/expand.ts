import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { TowlineError } from '../core/errors.js';

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

/** As OpenSSH since 9.6 refuses them in names (ssh.c, valid_hostname): they mean something to the shell. */
const shellCharacters = /['"`$;&<>|(){}\s]|\\$|^-/;

/**
 * The text of a ProxyCommand or ProxyJump with its tokens (`%%`, `%h`, `%k`, `%n`, `%p`, `%r`) expanded; ssh -G leaves
 * them as they are.
 * @throws TowlineError `configuration` for another token, and for a name that a shell would take for more than a name
 */
export function expandProxy(
  text: string,
  host: Pick<PathContext, 'alias' | 'hostName' | 'port' | 'user' | 'hostKeyAlias'>,
  setting: 'ProxyCommand' | 'ProxyJump',
): string {
  const { alias } = host;
  const tokens: Record<string, string> = {
    h: host.hostName,
    k: host.hostKeyAlias ?? alias,
    n: alias,
    p: String(host.port),
    r: host.user,
  };
  return text.replaceAll(/%(.?)/g, (whole, letter: string) => {
    if (letter === '%') return '%';
    const value = tokens[letter];
    if (value === undefined) {
      throw new TowlineError('configuration', `${setting} for ${alias} has the unknown token '${whole}'`, {
        host: alias,
        hint: 'Known are %%, %h, %k, %n, %p and %r',
      });
    }
    if (!shellCharacters.test(value)) return value;
    throw new TowlineError('configuration', `'${value}' cannot be a part of ${setting} for ${alias}`, {
      host: alias,
      hint: 'Names of users and hosts hold no characters that mean something to a shell',
    });
  });
}
