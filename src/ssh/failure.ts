import { TowlineError } from '../core/errors.js';

/** What the person can do about a system's error code on the way to a host. */
const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Check the port, and that the SSH server is running',
  ENOTFOUND: 'Check the spelling of the host name',
  EAI_AGAIN: 'The name service does not answer: check the network',
  ETIMEDOUT: 'Check the host, the port and any firewall in between',
  EHOSTUNREACH: 'Check the network',
  ENETUNREACH: 'Check the network',
};

/** ssh2 says with `level` in which layer an error arose. */
export function levelOf(error: Error): string | null {
  return 'level' in error && typeof error.level === 'string' ? error.level : null;
}

/**
 * Why a connection, or the attempt to make one, ended, when no better word is known than `network`.
 * @param said what the server said itself
 */
export function networkError(label: string, doing: string, error: Error, said = ''): TowlineError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  // An error of several addresses at once has no text of its own, only the code.
  const text = error.message === '' ? (code ?? error.name) : error.message;
  const hint = code === null ? undefined : hints[code];
  return new TowlineError('network', `${doing}: ${text}${said === '' ? '' : `; the server said: ${said}`}`, {
    host: label,
    cause: error,
    ...(said === '' ? {} : { serverText: said }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The server refused every way of proving who we are. */
export function refusedError(label: string, error: Error): TowlineError {
  return new TowlineError('authentication', `${label} refused to let us in: ${error.message}`, {
    host: label,
    hint: 'Check the user name, and that the key is in authorized_keys there',
    cause: error,
  });
}

/** The host key is not the one that is on record. */
export function hostKeyError(label: string): TowlineError {
  return new TowlineError('host-key', `the host key of ${label} was not accepted`, {
    host: label,
    hint: 'Compare its fingerprint with what the server’s owner says before you change known_hosts',
  });
}

/** The server wants another password before it lets us in. */
export function expiredError(label: string): TowlineError {
  return new TowlineError('authentication', `the password for ${label} has expired`, {
    host: label,
    hint: 'Log in once with ssh and choose a new one',
  });
}
