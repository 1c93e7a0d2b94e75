import { TowlineError } from '../core/errors.js';

/** A directory on a server, as the user named it: nothing of it is resolved yet. */
export interface Target {
  /** `null`: as ssh_config or the login name says. */
  readonly user: string | null;
  /** A name, an address (IPv6 without brackets) or an alias of ssh_config. */
  readonly host: string;
  /** `null`: as ssh_config says. */
  readonly port: number | null;
  /** Absolute, or relative to the login directory (`.` for that directory itself); no trailing slash. */
  readonly path: string;
}

const example = 'An example: deploy@example.com:/srv/app';

/**
 * Whether `text` names a place on a server rather than a local one, by the rule of scp and rsync: there is a colon
 * ahead of the first slash. `C:\x` is a local path.
 */
export function isTarget(text: string): boolean {
  if (/^sftp:\/\//i.test(text)) return true;
  if (/^[a-z]:\\/i.test(text)) return false;
  return /^(?:[^/:]*@)?\[[^/\]]*\]:/.test(text) || /^[^/:]*:/.test(text);
}

/**
 * Parses `[USER@]HOST:PATH`, `[USER@][IPV6]:PATH` or `sftp://[USER@]HOST[:PORT][/PATH]`.
 *
 * `~` and `~/x` mean the login directory, as in `box:~/x`; an empty path does too. In a URL `/x` is absolute, and `/~/x`
 * relative to the login directory.
 * @throws TowlineError `configuration`: what was given, what is expected, an example. A password is never repeated.
 */
export function parseTarget(text: string): Target {
  if (/^sftp:\/\//i.test(text)) return parseUrl(text);
  const scheme = otherSchemes.exec(text)?.[0];
  // Not repeated as a whole: it may hold a password.
  if (scheme !== undefined) throw wrong(`an address that begins with ${scheme} cannot be used`, schemesHint);
  if (!isTarget(text)) throw wrong(`'${text}' is not a place on a server`);
  const match = /^(?:([^/:]*)@)?(?:\[([^\]]*)\]|([^/:@]*)):(.*)$/s.exec(text);
  if (match === null) throw wrong(`'${text}' cannot be read as USER@HOST:PATH`);
  const [, user, address, name, path = ''] = match;
  if (address === undefined && path.startsWith(':')) {
    throw wrong(
      `'${text}' has two colons in a row`,
      `An IPv6 address stands in brackets, as in [::1]:/srv/app; modules of an rsync daemon cannot be used`,
    );
  }
  return {
    user: checkUser(user, text),
    host: address === undefined ? checkName(name ?? '', text) : checkAddress(address, text),
    port: null,
    path: fromHome(path, text),
  };
}

/** What is an address elsewhere, and no name of a host that somebody would write with two slashes behind it. */
const otherSchemes = /^(?:ftps?|ftpe?s|ssh|scp|rsync|file|s3|gs|smb|nfs|davs?|webdavs?|git):\/\//i;
const schemesHint = `It is [USER@]HOST:PATH, sftp://USER@HOST:PORT/PATH or https://USER@HOST/PATH for WebDAV. ${example}`;

function parseUrl(text: string): Target {
  const match = /^sftp:\/\/(?:([^/@]*)@)?(?:\[([^\]]*)\]|([^/:@[\]]*))(?::(\d*))?(\/.*)?$/is.exec(text);
  // Not repeated as it stands: what cannot be read may hold a password.
  if (match === null) throw wrong('the sftp:// address cannot be read', urlHint);
  const [, login, address, name, port, path = ''] = match;
  if (login?.includes(':') === true) {
    throw wrong(
      'a password in an sftp:// address is not accepted, since others can read it in the list of processes',
      'Use a key or an agent',
    );
  }
  const shown = `sftp://${name ?? address ?? ''}${path}`;
  const decoded = decode(path, shown);
  return {
    user: checkUser(login === undefined ? undefined : decode(login, shown), shown),
    host: address === undefined ? checkName(name ?? '', shown) : checkAddress(address, shown),
    port: port === undefined || port === '' ? null : parsePort(port),
    path: decoded.startsWith('/~') ? fromHome(decoded.slice(1), shown) : fromHome(decoded, shown),
  };
}

const urlHint = 'It is written sftp://USER@HOST:PORT/PATH, with %25 for a percent sign in the path';

/**
 * A port as text.
 * @throws TowlineError `configuration` when it is no number from 1 to 65535
 */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new TowlineError('configuration', `'${text}' is not a port`, {
    hint: 'A port is a number from 1 to 65535, usually 22',
  });
}

function decode(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new TowlineError('configuration', `'${shown}' has a percent sign that begins no character`, {
      hint: urlHint,
      cause: error,
    });
  }
}

function checkUser(user: string | undefined, text: string): string | null {
  if (user === undefined) return null;
  if (user === '') throw wrong(`'${text}' has an @ but no user ahead of it`);
  // A leading dash would be taken as an option by ssh.
  if (user.startsWith('-') || hasControls(user)) throw wrong(`'${text}' names a user that cannot exist`);
  return user;
}

function checkName(host: string, text: string): string {
  if (host === '') throw wrong(`'${text}' has no host ahead of the colon`);
  if (host.startsWith('-') || /\s/.test(host) || hasControls(host)) {
    throw wrong(
      `'${text}' names a host that cannot exist`,
      'A host has no blanks and does not begin with a dash',
    );
  }
  return host;
}

function checkAddress(address: string, text: string): string {
  // The part behind % names the interface of a link-local address.
  if (/^[0-9a-f:.]*:[0-9a-f:.]*(?:%[\w.-]+)?$/i.test(address)) return address;
  throw wrong(`'${text}' has no IPv6 address in its brackets`, 'An example: deploy@[2001:db8::7]:/srv/app');
}

/** SFTP servers do not know `~`: their paths begin at the login directory anyway. */
function fromHome(path: string, text: string): string {
  if (path.includes('\0')) throw wrong('the path holds a NUL character');
  const own = /^~(?:$|\/+)(.*)$/s.exec(path);
  if (own !== null) return tidy(own[1] ?? '', false);
  if (path.startsWith('~')) {
    throw wrong(
      `'${text}' begins at the home of another user, which SFTP cannot look up`,
      'Write the whole path (or ./~name for a directory of that name)',
    );
  }
  return tidy(path, path.startsWith('/'));
}

/** `..` stays: what it leads to depends on links that only the server knows. */
function tidy(path: string, absolute: boolean): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (absolute) return `/${parts.join('/')}`;
  return parts.length === 0 ? '.' : parts.join('/');
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function wrong(what: string, hint = `Expected is [USER@]HOST:PATH. ${example}`): TowlineError {
  return new TowlineError('configuration', what, { hint });
}
