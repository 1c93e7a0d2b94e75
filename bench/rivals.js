/** What a user would pick instead: the command lines, each doing what Towline does (content, modes, times, no owners). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The Debian package that brings each command. `time` is what measures them. */
export const packages = {
  rsync: 'rsync',
  sftp: 'openssh-client',
  lftp: 'lftp',
  lsyncd: 'lsyncd',
  '/usr/bin/time': 'time',
};

export function rsync({ local, remote, sshConfig }) {
  return {
    file: 'rsync',
    args: ['-rlpt', '-e', `ssh -F ${sshConfig}`, `${local}/`, `box:${remote}/`],
  };
}

/** Sends everything each time: it compares nothing. */
export function sftp({ local, remote, sshConfig, folder }) {
  const batch = join(folder, 'sftp-batch');
  writeFileSync(batch, `put -rp ${local}/. ${remote}\n`);
  return { file: 'sftp', args: ['-q', '-F', sshConfig, '-b', batch, 'box'] };
}

export function lftp({ local, remote, sshConfig, folder }) {
  const script = [
    `set sftp:connect-program "ssh -a -x -F ${sshConfig}"`,
    'set net:max-retries 1',
    'set cmd:fail-exit yes',
    'open sftp://box',
    `mirror -R --parallel=8 ${local} ${remote}`,
  ].join('; ');
  // An empty home: nobody's settings take part.
  return { file: 'lftp', args: ['--norc', '-c', script], env: { LFTP_HOME: folder } };
}

/** Every file, one after another, whatever the other side has. */
export function naive({ local, remote, server, port }) {
  const script = fileURLToPath(new URL('naive-upload.js', import.meta.url));
  return {
    file: process.execPath,
    args: [script, local, String(port), server.user, server.keyFile, server.hostKeyFile, remote],
  };
}
