/** The wording of failures: what was tried, on which path and server, and what the server said. */
import { asTowlineError, hasCode, TowlineError, type ErrorCode } from '../../core/errors.js';

/** What was tried when something failed. */
export interface Attempt {
  /** Completes "cannot …": `create`, `rename a temp onto`, … */
  readonly action: string;
  /** The path as the server was told it. */
  readonly path: string;
  /** `[user@]host` for people. */
  readonly host: string;
}

const hints: Partial<Record<ErrorCode, string>> = {
  permission: 'Check its owner and mode, and those of its directory, on the server',
  'no-space': 'Free some space on the server (or raise the quota)',
  name: 'Shorten the name, or exclude it',
  protocol:
    'The server gives no reason: a quota, a read-only file system or a fault of its disk are the usual ones',
};

/** What a code means that we found out; otherwise the server's own words are given. */
const reasons: Partial<Record<ErrorCode, string>> = {
  exists: 'something is there already',
  'not-empty': 'the directory still holds something',
  'no-space': 'no space is left',
  name: 'a name in it is longer than the file system there takes',
  'not-found': 'it, or its directory, does not exist',
  vanished: 'it is not there (any more)',
};

/**
 * The failure as the caller gets it: with the path, the host and the server's words. What concerns the link and not the
 * path (`network`, `interrupted`) stays as it is.
 * @param code what it turned out to be, where that is more than the server said
 */
export function failureOf(attempt: Attempt, error: unknown, code?: ErrorCode): TowlineError {
  const cause = asTowlineError(error);
  if (concernsLink(cause)) return cause;
  const finalCode = code ?? cause.code;
  const hint = hints[finalCode];
  const serverText = cause.serverText;
  const said = serverText === undefined ? cause.message : `the server said "${serverText}"`;
  const reason = reasons[finalCode] ?? said;
  return new TowlineError(
    finalCode,
    `cannot ${attempt.action} ${attempt.path} on ${attempt.host}: ${reason}`,
    {
      path: attempt.path,
      host: attempt.host,
      cause,
      ...(serverText === undefined ? undefined : { serverText }),
      ...(hint === undefined ? undefined : { hint }),
    },
  );
}

/** A failure that we found ourselves, without an error of the server. */
export function refusal(attempt: Attempt, code: ErrorCode, reason: string): TowlineError {
  return new TowlineError(code, `cannot ${attempt.action} ${attempt.path} on ${attempt.host}: ${reason}`, {
    path: attempt.path,
    host: attempt.host,
  });
}

/** Whether the failure says nothing about the path: the outcome is unknown, and asking further is pointless. */
export function concernsLink(error: unknown): boolean {
  return hasCode(error, 'network', 'interrupted');
}
