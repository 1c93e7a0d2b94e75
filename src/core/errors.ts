/** The closed set of things that can go wrong, each with one way of being retried (see `retryClassOf`). */
export type ErrorCode =
  | 'authentication' // every method was refused, or a key cannot be used
  | 'host-key' // unknown, changed or revoked
  | 'network' // unreachable, refused, reset, a deadline passed: the link, not the path
  | 'no-space' // the file system or a quota is full
  | 'permission' // the operating system said no for this path
  | 'not-found'
  | 'exists'
  | 'not-empty' // a directory that should go still holds something
  | 'unsupported' // a machine, a server or a path cannot do this at all
  | 'changed' // the destination is no longer what the plan saw
  | 'vanished' // the source went away while it was being read
  | 'changing' // the source never held still
  | 'conflict' // both sides changed: a person is to decide
  | 'drift' // others changed the side that only follows, and that is not to be overwritten
  | 'damaged' // what was written is not what was sent
  | 'unmounted' // a folder was a mount point and is none now, or a root was emptied: what was in it is not gone
  | 'name' // a name that cannot be carried to the other side
  | 'protocol' // an answer that makes no sense
  | 'locked' // another agent works on this pair
  | 'state' // our own state folder cannot be read or written
  | 'configuration' // flags, files, arguments
  | 'interrupted' // we were asked to stop
  | 'internal'; // a bug of ours

/** What to do after a failure with a given code. */
export type RetryClass =
  | 'link' // wait for the connection, then go on; does not count against the path
  | 'halt' // stop until a person has mended it
  | 'space' // the path waits until there is room
  | 'observe' // look at both sides again at once; no attempt is counted
  | 'problem' // show it, try again rarely and when the path changes
  | 'stop'; // give up the run

const retryClasses: Record<ErrorCode, RetryClass> = {
  authentication: 'halt',
  'host-key': 'halt',
  network: 'link',
  'no-space': 'space',
  permission: 'problem',
  'not-found': 'observe',
  exists: 'observe',
  'not-empty': 'problem',
  unsupported: 'problem',
  changed: 'observe',
  vanished: 'observe',
  changing: 'problem',
  conflict: 'problem',
  drift: 'halt',
  damaged: 'problem',
  unmounted: 'problem',
  name: 'problem',
  protocol: 'problem',
  locked: 'stop',
  state: 'stop',
  configuration: 'stop',
  interrupted: 'stop',
  internal: 'problem',
};

/** All codes, in the order of their list. */
export const errorCodes = Object.keys(retryClasses) as readonly ErrorCode[];

/** Whether this is one of the codes: what another process says need not be. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(retryClasses, code);
}

/** How a failure with this code is retried. */
export function retryClassOf(code: ErrorCode): RetryClass {
  return retryClasses[code];
}

/** Whether nothing can go on after a failure with this code, whichever path it was about. */
export function endsAll(code: ErrorCode): boolean {
  const retryClass = retryClassOf(code);
  return retryClass === 'halt' || retryClass === 'stop';
}

/** The process exit codes, as DESIGN.md section 9 fixes them. */
export const exitCodes = {
  done: 0,
  someFailed: 1,
  usage: 2,
  authentication: 3,
  connection: 4,
  held: 5,
  interrupted: 130,
} as const;

/** The exit code of a command that ended with this error. */
export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'authentication':
    case 'host-key':
      return exitCodes.authentication;
    case 'network':
      return exitCodes.connection;
    case 'configuration':
      return exitCodes.usage;
    case 'interrupted':
      return exitCodes.interrupted;
    default:
      return exitCodes.someFailed;
  }
}

/** What an error knows beside its code. */
export interface ErrorDetails {
  /** The path on the side that failed, as the user would write it. */
  readonly path?: string;
  /** The host that it is about. */
  readonly host?: string;
  /** What the person can do about it: one sentence. */
  readonly hint?: string;
  /** What the server said, word for word. */
  readonly serverText?: string;
  /** The error below it. */
  readonly cause?: unknown;
}

/**
 * Every failure this library throws. `code` is stable; `message` says what happened, to which path or host, and (after
 * a full stop) what can be done.
 */
export class TowlineError extends Error {
  /** What kind of error this is, for people. */
  override readonly name = 'TowlineError';
  /** What went wrong: one of a closed list. */
  readonly code: ErrorCode;
  /** The path that it is about, as the user would write it. */
  readonly path?: string;
  /** The host that it is about. */
  readonly host?: string;
  /** What can be done about it: one sentence. It is the end of the message, too. */
  readonly hint?: string;
  /** What the server said, word for word. */
  readonly serverText?: string;

  /** @param what What happened, to which path or host; `details.hint` is added to it. */
  constructor(code: ErrorCode, what: string, details: ErrorDetails = {}) {
    super(details.hint === undefined ? what : `${what}. ${details.hint}`, { cause: details.cause });
    this.code = code;
    if (details.path !== undefined) this.path = details.path;
    if (details.host !== undefined) this.host = details.host;
    if (details.hint !== undefined) this.hint = details.hint;
    if (details.serverText !== undefined) this.serverText = details.serverText;
  }
}

/** `error` itself when it is ours, else an `internal` one that carries it as its cause. */
export function asTowlineError(error: unknown): TowlineError {
  if (error instanceof TowlineError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new TowlineError('internal', `unexpected failure: ${text}`, { cause: error });
}

/** Whether `error` is ours and has one of these codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is TowlineError {
  return error instanceof TowlineError && codes.includes(error.code);
}

/** What the operating system calls this failure (`ENOENT`), or `null` when it is none of its own. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether the operating system calls it by one of these names. */
export function hasErrno(error: unknown, ...names: string[]): boolean {
  const name = errnoOf(error);
  return name !== null && names.includes(name);
}
