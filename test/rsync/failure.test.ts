import { expect, test } from 'vitest';
import { type ErrorCode, type RetryClass, retryClassOf } from '../../src/core/errors.js';
import { failureOf, failureRows } from '../../src/rsync/failure.js';

const closed =
  'rsync: connection unexpectedly closed (0 bytes received so far) [sender]\n' +
  'rsync error: unexplained error (code 255) at io.c(232) [sender=3.2.7]\n';

/** Exit code, what was written, what it becomes, how that is retried, and whether the run went on past it. */
type Case = readonly [exit: number, text: string, code: ErrorCode, retry: RetryClass, partial?: 'partial'];
const table: readonly Case[] = [
  [255, `dev@box: Permission denied (publickey,password).\r\n${closed}`, 'authentication', 'halt'],
  [
    255,
    `Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\n${closed}`,
    'authentication',
    'halt',
  ],
  [
    255,
    '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n' +
      `Offending ED25519 key in /home/dev/.ssh/known_hosts:3\nHost key verification failed.\n${closed}`,
    'host-key',
    'halt',
  ],
  [
    255,
    `No ED25519 host key is known for box and you have requested strict checking.\r\nHost key verification failed.\r\n${closed}`,
    'host-key',
    'halt',
  ],
  [255, `/home/dev/.ssh/config: line 3: Bad configuration option: hots\n${closed}`, 'configuration', 'stop'],
  [255, `Bad owner or permissions on /home/dev/.ssh/config\n${closed}`, 'configuration', 'stop'],
  [255, `ssh: Could not resolve hostname nowhere: Name or service not known\r\n${closed}`, 'network', 'link'],
  [255, `ssh: connect to host box port 22: Connection refused\r\n${closed}`, 'network', 'link'],
  [255, `ssh: connect to host box port 22: Connection timed out\r\n${closed}`, 'network', 'link'],
  [255, `Timeout, server box not responding.\r\n${closed}`, 'network', 'link'],
  [255, `ssh: connect to host box port 22: No route to host\r\n${closed}`, 'network', 'link'],
  [255, `client_loop: send disconnect: Broken pipe\r\n${closed}`, 'network', 'link'],
  [255, closed, 'network', 'link'],
  [
    14,
    'rsync: [sender] Failed to exec ssh: No such file or directory (2)\nrsync error: error in IPC code (code 14)\n',
    'unsupported',
    'problem',
  ],
  [127, 'bash: line 1: rsync: command not found\n', 'unsupported', 'problem'],
  [
    12,
    'sh: 1: rsync: not found\nrsync: connection unexpectedly closed (0 bytes received so far) [sender]\n',
    'unsupported',
    'problem',
  ],
  [12, 'zsh:1: command not found: rsync\n', 'unsupported', 'problem'],
  [127, 'rsync error: remote command not found (code 127)\n', 'unsupported', 'problem'],
  [126, 'bash: line 1: /usr/bin/rsync: cannot execute\n', 'unsupported', 'problem'],
  [12, 'This service allows sftp connections only.\n', 'unsupported', 'problem'],
  [
    1,
    'This account is currently not available.\nrsync: connection unexpectedly closed\n',
    'unsupported',
    'problem',
  ],
  [
    1,
    'rsync: on remote machine: --outbuf=L: unknown option\nrsync error: syntax or usage error (code 1)\n',
    'unsupported',
    'problem',
  ],
  [
    2,
    'protocol version mismatch -- is your shell clean?\n(see the rsync manpage for an explanation)\n',
    'unsupported',
    'problem',
  ],
  [
    11,
    'rsync: [receiver] write failed on "/srv/a": No space left on device (28)\n',
    'no-space',
    'space',
    'partial',
  ],
  [
    23,
    'rsync: [receiver] mkstemp "/srv/.a" failed: Disk quota exceeded (122)\n',
    'no-space',
    'space',
    'partial',
  ],
  [
    23,
    'rsync: [sender] send_files failed to open "/app/secret": Permission denied (13)\n',
    'permission',
    'problem',
    'partial',
  ],
  [
    3,
    'rsync: [Receiver] mkdir "/srv/app" failed: Read-only file system (30)\n',
    'permission',
    'problem',
    'partial',
  ],
  [
    23,
    'rsync: [generator] delete_file: rmdir(a) failed: Directory not empty (39)\ncould not make way for new regular file: a\n',
    'not-empty',
    'problem',
    'partial',
  ],
  [
    24,
    'file has vanished: "/app/a"\nrsync warning: some files vanished (code 24)\n',
    'vanished',
    'observe',
    'partial',
  ],
  [
    23,
    'rsync: [sender] link_stat "/app/a" failed: No such file or directory (2)\n',
    'not-found',
    'observe',
    'partial',
  ],
  [
    23,
    'rsync error: some files/attrs were not transferred (see previous errors) (code 23)\n',
    'protocol',
    'problem',
    'partial',
  ],
  [3, '', 'protocol', 'problem', 'partial'],
  [11, '', 'protocol', 'problem', 'partial'],
  [1, 'rsync: -Q: something\n', 'unsupported', 'problem'],
  [4, '', 'unsupported', 'problem'],
  [2, '', 'unsupported', 'problem'],
  [19, '', 'interrupted', 'stop'],
  [20, 'rsync error: received SIGINT, SIGTERM, or SIGHUP (code 20)\n', 'interrupted', 'stop'],
  [10, '', 'network', 'link'],
  [12, 'rsync: connection unexpectedly closed (36 bytes received so far) [sender]\n', 'network', 'link'],
  [30, '', 'network', 'link'],
  [35, '', 'network', 'link'],
  [125, '', 'network', 'link'],
  [124, '', 'protocol', 'problem'],
  [5, '', 'protocol', 'problem'],
  [6, '', 'protocol', 'problem'],
  [13, '', 'protocol', 'problem'],
  [14, '', 'protocol', 'problem'],
  [15, '', 'protocol', 'problem'],
  [16, '', 'protocol', 'problem'],
  [21, '', 'protocol', 'problem'],
  [22, '', 'protocol', 'problem'],
  [25, '', 'internal', 'problem'],
  [99, 'what is this?\n', 'protocol', 'problem'],
];

for (const [exit, text, code, retry, partial] of table) {
  test(`exit ${String(exit)}, ${JSON.stringify(text)}`, () => {
    const end = { code: exit, signal: null, stderr: text };
    const failure = failureOf(end, 'dev@box:/srv/app');
    const { error } = failure;
    expect({ code: error.code, retry: retryClassOf(error.code), partial: failure.partial }).toEqual({
      code,
      retry,
      partial: partial !== undefined,
    });
    expect(error.message).toContain('dev@box:/srv/app: ');
    expect(error.message).toContain(`exit ${String(exit)}`);
  });
}

test('each row of the table has a case here', () => {
  const hit = table.map(([exit, text]) =>
    failureRows.findIndex((row) => row.exits.includes(exit) && (row.text?.test(text) ?? true)),
  );
  const missed = failureRows.filter((_, index) => !hit.includes(index));
  expect(missed.map(({ what, text }) => `${what} ${String(text)}`)).toEqual([]);
});

test('the name of a file does not pass for a failure of the connection', () => {
  const text =
    'rsync: [sender] send_files failed to open "/app/Host key verification failed": Permission denied (13)\n';
  expect(failureOf({ code: 23, signal: null, stderr: text }, 'box').error.code).toBe('permission');
});

test('the message tells the first thing that was said, and a signal by its name', () => {
  const { error } = failureOf({ code: 255, signal: null, stderr: `no such agent\n${closed}` }, 'box');
  expect(error.message).toContain('no such agent');
  expect(error.serverText).toContain('unexpectedly closed');
  const killed = failureOf({ code: null, signal: 'SIGKILL', stderr: '' }, 'box').error;
  expect(killed.message).toContain('SIGKILL');
});
