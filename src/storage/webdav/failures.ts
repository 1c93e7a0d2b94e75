/** The wording of failures, and what the status of an answer means for a path. */
import { hasCode, TowlineError, type ErrorCode } from '../../core/errors.js';

/** What was tried when something failed. */
export interface Attempt {
  /** Completes "cannot …": `create`, `rename a temp onto`, … */
  readonly action: string;
  /** The path, or `/` for the root. */
  readonly path: string;
  /** `https://[user@]host` for people. */
  readonly host: string;
}

const hints: Partial<Record<ErrorCode, string>> = {
  permission: 'Check what this user may do there, and whether another client holds a lock on it',
  authentication: 'Check the user name and the password',
  'no-space': 'Free some space on the server (or raise the quota)',
};

const reasons: Partial<Record<ErrorCode, string>> = {
  exists: 'something is there already',
  'not-empty': 'the directory still holds something',
  'no-space': 'no space is left',
  'not-found': 'it, or its directory, does not exist',
  vanished: 'it is not there (any more)',
};

/**
 * What a status above 399 says about a path (RFC 4918, section 11; RFC 9110, section 15). 500 is a matter of that path:
 * servers give it for a folder they may not read, and the next path may be fine.
 */
export function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'authentication';
    case 403:
    case 423:
      return 'permission';
    case 404:
    case 409:
    case 410:
      return 'not-found';
    case 405:
    case 411:
    case 413:
    case 415:
    case 501:
      return 'unsupported';
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
      return 'network';
    case 412:
      return 'changed';
    case 414:
    case 431:
      return 'name';
    case 507:
      return 'no-space';
    default:
      return 'protocol';
  }
}

const words: Readonly<Record<number, string>> = {
  401: 'it does not accept the user or the password',
  403: 'it is not allowed',
  411: 'it takes no upload whose length is not told ahead',
  413: 'the file is larger than the server takes',
  414: 'the path is longer than the server takes',
  423: 'another client has locked it',
  507: 'no space is left',
};

/**
 * The failure that an answer with this status is.
 * @param code what it turned out to be, where that is more than the status says
 */
export function statusFailure(attempt: Attempt, status: number, code = codeOfStatus(status)): TowlineError {
  const said = `the server answered ${String(status)}`;
  const word = reasons[code] ?? words[status];
  return failure(attempt, code, word === undefined ? said : `${word} (${said})`);
}

/** A failure that we found ourselves. */
export function refusal(attempt: Attempt, code: ErrorCode, reason?: string): TowlineError {
  return failure(attempt, code, reason ?? reasons[code] ?? 'it is refused');
}

function failure({ action, path, host }: Attempt, code: ErrorCode, reason: string): TowlineError {
  const hint = hints[code];
  return new TowlineError(code, `cannot ${action} ${path} on ${host}: ${reason}`, {
    path,
    host,
    ...(hint === undefined ? undefined : { hint }),
  });
}

/** Whether the failure says nothing about the path: the outcome is unknown, and asking further is pointless. */
export function concernsLink(error: unknown): boolean {
  return hasCode(error, 'network', 'interrupted', 'authentication', 'host-key');
}

/** The errors of Node's TLS for a certificate that does not prove who the server is. */
const certificateCodes =
  /^(CERT_|CRL_|ERR_TLS_CERT_|(DEPTH_ZERO_)?SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/;

const connectHints: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Check the port, and that the web server is running',
  ENOTFOUND: 'Check the spelling of the host name',
  EAI_AGAIN: 'The name service does not answer: check the network',
};
const schemeHint = 'Check whether the address is to begin with http:// or https://';

/** Why no answer came at all: `host-key` for a certificate that is not trusted, else `network`. */
export function transportFailure(host: string, error: unknown): TowlineError {
  if (error instanceof TowlineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = systemCodeOf(error);
  if (code !== null && certificateCodes.test(code)) {
    return new TowlineError('host-key', `the certificate of ${host} is not trusted: ${message} (${code})`, {
      host,
      cause: error,
      hint: 'Check the host name and the certificate; for an authority of your own set NODE_EXTRA_CA_CERTS to its file',
    });
  }
  const tls = code !== null && /^(EPROTO$|ERR_SSL_|HPE_)/.test(code);
  const hint = tls ? schemeHint : code === null ? undefined : connectHints[code];
  return new TowlineError('network', `no answer from ${host}: ${message}`, {
    host,
    cause: error,
    ...(hint === undefined ? undefined : { hint }),
  });
}

/** The code of a system error, however deep it lies in what the HTTP client threw; `null` for none. */
export function systemCodeOf(error: unknown): string | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return null;
}
