import { type ErrorCode, TowlineError } from '../core/errors.js';

/** Status codes of draft-ietf-secsh-filexfer-02, section 7. */
export const sftpStatus = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  noConnection: 6,
  connectionLost: 7,
  unsupported: 8,
} as const;

/** The SFTP status that an error of ssh2 carries, or `null` when it is not the server's answer. */
export function statusOf(error: Error): number | null {
  return 'code' in error && typeof error.code === 'number' ? error.code : null;
}

/**
 * The server's refusal of one request as an error of ours.
 * @param status as the server sent it
 * @param text the server's own words
 * @param operation what was asked for, as in "cannot open": one verb
 */
export function statusError(
  status: number,
  text: string,
  operation: string,
  path: string | undefined,
  host: string,
): TowlineError {
  const what = `cannot ${operation} ${path ?? 'an open file'} on ${host}: the server said "${text}"`;
  const details = { host, serverText: text, ...(path === undefined ? {} : { path }) };
  return new TowlineError(codeOf(status), what, details);
}

/** An extension that the server did not announce. */
export function unsupportedError(extension: string, path: string | undefined, host: string): TowlineError {
  return new TowlineError('unsupported', `${host} does not offer ${extension}`, {
    host,
    ...(path === undefined ? {} : { path }),
  });
}

function codeOf(status: number): ErrorCode {
  switch (status) {
    case sftpStatus.noSuchFile:
      return 'not-found';
    case sftpStatus.permissionDenied:
      return 'permission';
    case sftpStatus.noConnection:
    case sftpStatus.connectionLost:
      return 'network';
    case sftpStatus.unsupported:
      return 'unsupported';
    default:
      return 'protocol';
  }
}
