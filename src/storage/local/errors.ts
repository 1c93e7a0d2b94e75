/** Turns the operating system's errors into ours: the one table of errno names. */
import { getSystemErrorMessage } from 'node:util';
import { asTowlineError, errnoOf, TowlineError, type ErrorCode } from '../../core/errors.js';

const codes: Record<string, ErrorCode> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EEXIST: 'exists',
  EISDIR: 'exists',
  ENOTEMPTY: 'not-empty',
  ELOOP: 'changed',
  ENAMETOOLONG: 'name',
  EINVAL: 'name',
  EILSEQ: 'name',
  ENOSYS: 'unsupported',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  EXDEV: 'unsupported',
  EFBIG: 'unsupported',
};

const hints: Record<string, string> = {
  ENOSPC: 'Free some space there',
  EDQUOT: 'Free some space there, or raise the quota',
  EACCES: 'Give this user the permission, or exclude the path',
  EPERM: 'Give this user the permission, or exclude the path',
  EROFS: 'The file system is mounted read-only: mount it for writing',
  EMFILE: 'Raise the limit of open files (ulimit -n)',
  ENFILE: 'Raise the limit of open files of the system',
  ENAMETOOLONG: 'Shorten the name, or exclude it',
  EIO: 'Check the disk',
};

/**
 * The error for a failed call. What the system refuses for a reason without a code of its own is `permission`.
 * @param doing what was tried, as in `cannot <doing> <path>`
 * @param path as the user would write it: never the path through which we went there
 */
export function localError(error: unknown, doing: string, path: string): TowlineError {
  const name = errnoOf(error);
  if (name === null) return asTowlineError(error);
  const number = error instanceof Error && 'errno' in error ? error.errno : undefined;
  const text = typeof number === 'number' ? `${getSystemErrorMessage(number)} (${name})` : name;
  const hint = hints[name];
  return new TowlineError(codes[name] ?? 'permission', `cannot ${doing} ${path}: ${text}`, {
    path,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Runs a file system call; what it throws comes out as `localError`. */
export function attempt<T>(doing: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw localError(error, doing, path);
  }
}
