/** `http://` and `https://` addresses of the command line. */
import { TowlineError } from '../../core/errors.js';

/** A folder on a WebDAV server, as the user named it. */
export interface WebdavTarget {
  readonly scheme: 'http' | 'https';
  /** `null`: nobody in particular; the server is asked without a name. */
  readonly user: string | null;
  /** A name or an address (IPv6 without brackets), as requests write it. */
  readonly host: string;
  readonly port: number;
  /** Absolute, percent-decoded, without a trailing slash; `/` for the server's root. */
  readonly path: string;
}

const hint = 'It is written https://USER@HOST:PORT/PATH, with %25 for a percent sign in the path';

/** Whether `text` is the address of a WebDAV server. */
export function isWebdavTarget(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * Parses `http[s]://[USER@]HOST[:PORT][/PATH]`.
 * @throws TowlineError `configuration`; what may be a password is never repeated
 */
export function parseWebdavTarget(text: string): WebdavTarget {
  const match =
    /^(https?):\/\/(?:([^/?#]*)@)?(?:\[([^\]/?#]*)\]|([^/:@[\]?#]*))(?::(\d*))?(\/[^?#]*)?$/is.exec(text);
  // Not repeated as it stands: what cannot be read may hold a password.
  if (match === null) throw wrong('the http(s):// address cannot be read');
  const [, schemeText = '', login, address, name = '', portText = '', path = ''] = match;
  if (login?.includes(':') === true) {
    throw new TowlineError(
      'configuration',
      'a password in an http(s):// address is not accepted, since others can read it in the list of processes',
      { hint: 'Leave it out, and use --password-file or the variable TOWLINE_PASSWORD' },
    );
  }
  const scheme = schemeText.toLowerCase() === 'https' ? 'https' : 'http';
  const shown = `${scheme}://${address === undefined ? name : `[${address}]`}${path}`;
  const host = address ?? name;
  if (host === '') throw wrong(`'${shown}' has no host`);
  const valid =
    address === undefined ? /^[\p{L}\p{N}._-]+$/u.test(host) : /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(host);
  if (!valid || host.startsWith('-')) throw wrong(`'${shown}' names a host that cannot exist`);
  return {
    scheme,
    user: login === undefined ? null : userOf(login, shown),
    host: canonical(host, shown),
    port: portOf(portText, scheme, shown),
    path: pathOf(path, shown),
  };
}

/** A host is written in several ways (`127.1`, `[0::1]`, letters beyond ASCII), and sent and compared in one. */
function canonical(host: string, shown: string): string {
  const origin = `http://${host.includes(':') ? `[${host}]` : host}`;
  if (!URL.canParse(origin)) throw wrong(`'${shown}' names a host that cannot exist`);
  return new URL(origin).hostname.replace(/^\[|\]$/g, '');
}

function userOf(login: string, shown: string): string {
  const user = decode(login, shown);
  if (user === '') throw wrong(`'${shown}' has an @ but no user ahead of it`);
  // Basic authentication has no way to write a colon in a name.
  if (user.includes(':') || /\p{Cc}/u.test(user)) throw wrong(`'${shown}' names a user that cannot exist`);
  return user;
}

function portOf(text: string, scheme: WebdavTarget['scheme'], shown: string): number {
  if (text === '') return scheme === 'https' ? 443 : 80;
  const port = text.length <= 5 ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw wrong(`'${shown}' has a port that is no number from 1 to 65535`);
}

function pathOf(path: string, shown: string): string {
  const components = path.split('/').map((component) => decode(component, shown));
  const kept = components.filter((component) => component !== '' && component !== '.');
  for (const component of kept) {
    if (component === '..') throw wrong(`'${shown}' holds '..', which servers take out in different ways`);
    if (/[/\0\ufffd]/.test(component)) throw wrong(`'${shown}' holds a name that no folder can have`);
  }
  return `/${kept.join('/')}`;
}

function decode(text: string, shown: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new TowlineError('configuration', `'${shown}' has a percent sign that begins no character`, {
      hint,
      cause: error,
    });
  }
}

function wrong(what: string): TowlineError {
  return new TowlineError('configuration', what, { hint });
}
