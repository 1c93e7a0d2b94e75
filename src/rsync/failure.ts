/**
 * What an exit code of rsync and the text with it mean. The one place where the text of errors is matched: rsync(1), EXIT
 * VALUES, is too coarse (255 is whatever ssh ended with, 12 whatever ended the other rsync).
 */
import { type ErrorCode, TowlineError } from '../core/errors.js';
import type { ChildEnd } from './child.js';

export interface FailureRow {
  readonly exits: readonly number[];
  /** What rsync, ssh or the server's shell wrote. Default: anything. */
  readonly text?: RegExp;
  readonly code: ErrorCode;
  /** What happened, after the name of the remote and a colon. */
  readonly what: string;
  readonly hint?: string;
  /** Some paths were carried and others not: nothing is known to be wrong with the run as a whole. */
  readonly partial?: true;
}

/** The remote end could not be reached, or did not start an rsync. */
const connecting = [1, 2, 5, 10, 12, 14, 124, 126, 127, 255];
/** Paths could not be read or written. */
const files = [3, 11, 23];

const keysHint = 'rsync runs with keys only: load the key into ssh-agent, or leave out --transport rsync';
const installHint = 'Install rsync there, or leave out --transport rsync';
const otherHint = 'Leave out --transport rsync: plain SFTP will do';

/** The first row that fits counts. */
export const failureRows: readonly FailureRow[] = [
  // What ssh says.
  {
    exits: connecting,
    text: /Permission denied \(|Too many authentication failures|No more authentication methods/,
    code: 'authentication',
    what: 'ssh was not let in',
    hint: keysHint,
  },
  {
    exits: connecting,
    text: /REMOTE HOST IDENTIFICATION HAS CHANGED|Offending .* key in/,
    code: 'host-key',
    what: 'the host key is not the one in known_hosts',
    hint: 'Find out why, then mend known_hosts',
  },
  {
    exits: connecting,
    text: /Host key verification failed|No \S+ host key is known for|REVOKED HOST KEY/,
    code: 'host-key',
    what: 'ssh does not trust the host key',
    hint: 'Connect with ssh once and check the fingerprint, or say --accept-new',
  },
  {
    exits: connecting,
    text: /Bad configuration option|no argument after keyword|Bad owner or permissions on|terminating, \d+ bad/,
    code: 'configuration',
    what: 'ssh refuses its configuration',
    hint: "Mend it until 'ssh -G HOST' works",
  },
  {
    exits: connecting,
    text: /Could not resolve hostname|Name or service not known|Temporary failure in name resolution/,
    code: 'network',
    what: 'the name of the host is not known',
  },
  { exits: connecting, text: /Connection refused/, code: 'network', what: 'the connection was refused' },
  {
    exits: connecting,
    text: /timed out|Timeout, server|not responding/,
    code: 'network',
    what: 'it did not answer in time',
  },
  {
    exits: connecting,
    text: /No route to host|Network is unreachable|Host is down/,
    code: 'network',
    what: 'it cannot be reached',
  },
  // What keeps rsync from running.
  {
    exits: connecting,
    text: /Failed to exec \S*ssh\b/,
    code: 'unsupported',
    what: 'there is no ssh on this machine that rsync could use',
    hint: 'Install an OpenSSH client, or leave out --transport rsync',
  },
  {
    exits: connecting,
    text: /rsync: (?:command )?not found|command not found: rsync|Unknown command:? '?rsync|rsync: No such file/,
    code: 'unsupported',
    what: 'there is no rsync on the server',
    hint: installHint,
  },
  {
    exits: [127],
    code: 'unsupported',
    what: 'there is no rsync on the server',
    hint: installHint,
  },
  {
    exits: [126],
    code: 'unsupported',
    what: 'rsync may not be run on the server',
    hint: otherHint,
  },
  {
    exits: connecting,
    text: /allows sftp connections only|This account is (?:currently )?not available/,
    code: 'unsupported',
    what: 'the server runs no commands',
    hint: otherHint,
  },
  {
    exits: connecting,
    text: /unknown option|unrecognized option|invalid option/,
    code: 'unsupported',
    what: 'one of the two rsyncs does not know an option',
    hint: 'rsync 3.1 or newer is needed on both ends',
  },
  {
    exits: [2, 5, 10, 12],
    text: /is your shell clean\?|protocol version mismatch/,
    code: 'unsupported',
    what: 'something else than rsync answers',
    hint: "'ssh HOST true' must print nothing; a login script may be the reason",
  },
  // What happened to paths; the file system may fill while rsync is otherwise fine.
  {
    exits: [3, 11, 12, 23],
    text: /\((?:28|122)\)|No space left on device|Disk quota exceeded/,
    code: 'no-space',
    what: 'there is no room left where rsync writes',
    hint: 'Make room, and run it again: it goes on where it broke off',
    partial: true,
  },
  {
    exits: files,
    text: /\((?:13|1|30)\)|Permission denied|Operation not permitted|Read-only file system/,
    code: 'permission',
    what: 'the system does not let rsync read or write everything',
    partial: true,
  },
  {
    exits: files,
    text: /directory not empty|cannot delete non-empty directory|could not make way for/i,
    code: 'not-empty',
    what: 'a directory is in the way of a file',
    hint: 'Remove it, or leave out --transport rsync, which replaces it with --delete',
    partial: true,
  },
  {
    exits: [24],
    code: 'vanished',
    what: 'files went away while they were carried',
    partial: true,
  },
  {
    exits: [3, 23],
    text: /\(2\)|No such file or directory/,
    code: 'not-found',
    what: 'something that was there is not there any more',
    partial: true,
  },
  { exits: files, code: 'protocol', what: 'some paths could not be carried', partial: true },
  // By the exit code alone.
  {
    exits: [1, 4],
    code: 'unsupported',
    what: 'the two rsyncs cannot do this',
    hint: 'rsync 3.1 or newer is needed on both ends',
  },
  { exits: [2], code: 'unsupported', what: 'the two rsyncs do not understand each other', hint: otherHint },
  { exits: [19, 20], code: 'interrupted', what: 'rsync was stopped by somebody else' },
  { exits: [10, 12, 30, 35, 125, 255], code: 'network', what: 'the connection went' },
  { exits: [124], code: 'protocol', what: 'rsync could not be run over there', hint: otherHint },
  { exits: [5, 6, 13, 14, 15, 16, 21, 22], code: 'protocol', what: 'rsync broke off' },
  // We ask it to delete nothing.
  { exits: [25], code: 'internal', what: 'rsync was to delete' },
];

const unknown: FailureRow = { exits: [], code: 'protocol', what: 'rsync ended in a way that is not known' };
const killed: FailureRow = { exits: [], code: 'protocol', what: 'rsync was killed' };

export interface RsyncFailure {
  readonly error: TowlineError;
  readonly partial: boolean;
}

/**
 * Why a run failed.
 * @param label the remote, for people
 */
export function failureOf({ code, signal, stderr }: ChildEnd, label: string): RsyncFailure {
  const row =
    code === null
      ? killed
      : (failureRows.find(({ exits, text }) => exits.includes(code) && (text?.test(stderr) ?? true)) ??
        unknown);
  const how = code === null ? (signal ?? 'killed') : `exit ${String(code)}`;
  const text = stderr.trim();
  const error = new TowlineError(row.code, `${label}: ${row.what} (rsync: ${how}${said(text)})`, {
    host: label,
    ...(row.hint === undefined ? {} : { hint: row.hint }),
    ...(text === '' ? {} : { serverText: text }),
  });
  return { error, partial: row.partial === true };
}

const saidMax = 300;

/** The first line of what was said, which is the reason; rsync's own summing up comes last. */
function said(text: string): string {
  const line = text
    .split('\n')
    .find((one) => one.trim() !== '' && !/^@+$|^rsync (?:error|warning): /.test(one));
  return line === undefined ? '' : `: ${line.trim().slice(0, saidMax)}`;
}
