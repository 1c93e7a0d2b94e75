/** What failures of watching mean to the engine. */
import { asTowlineError, errnoOf, TowlineError } from '../core/errors.js';

const raiseLimits =
  'raise the limits, e.g. sysctl fs.inotify.max_user_watches=1048576 fs.inotify.max_user_instances=1024, or exclude large folders';

/**
 * The typed form of what chokidar or the file system reported: `unsupported` when the kernel's limits on watches or open
 * files are reached, `not-found` when the root is gone, else `internal`.
 */
export function watchFailure(error: unknown, root: string): TowlineError {
  if (error instanceof TowlineError) return error;
  switch (errnoOf(error)) {
    case 'ENOSPC':
      return new TowlineError('unsupported', `the kernel allows no more watches below ${root}`, {
        path: root,
        hint: raiseLimits,
        cause: error,
      });
    case 'EMFILE':
    case 'ENFILE':
      return new TowlineError('unsupported', `no more watches or files can be opened below ${root}`, {
        path: root,
        hint: `${raiseLimits}; or raise the limit on open files (ulimit -n)`,
        cause: error,
      });
    case 'ENOENT':
    case 'ENOTDIR':
      return rootMissing(root, error);
    case 'EACCES':
    case 'EPERM':
      return new TowlineError('permission', `${root} cannot be watched`, {
        path: root,
        hint: 'allow this user to read and enter the folder',
        cause: error,
      });
    default:
      return new TowlineError('internal', `watching ${root} failed: ${asTowlineError(error).message}`, {
        path: root,
        cause: error,
      });
  }
}

/** The root is not there, or is no directory. */
export function rootMissing(root: string, cause?: unknown): TowlineError {
  return new TowlineError('not-found', `the folder ${root} is not there`, {
    path: root,
    hint: 'it is watched again when it is back',
    ...(cause === undefined ? {} : { cause }),
  });
}
