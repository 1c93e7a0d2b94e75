/** The command line of one run of rsync. */
import { remoteFolder, remoteShell, type RsyncServer } from './server.js';

export interface RsyncRun {
  readonly way: 'push' | 'pull';
  /** The local folder, absolute. */
  readonly local: string;
  readonly server: RsyncServer;
  /** A directory in the root of the side that is written: rsync's own temps lie in it. */
  readonly tempName: string;
  /** The name of directories in which rsync keeps what broke off, beside the files. */
  readonly partialName: string;
  /** KiB/s; `null`: no limit. */
  readonly bwlimit: number | null;
  /** As `--chmod`; `''`: modes as they are. */
  readonly chmod: string;
  readonly fsync: boolean;
}

/**
 * Arguments for rsync, which reads the paths to carry from its standard input, each ended by NUL.
 *
 * `-a` without what Towline does not carry (owners, devices). The list names everything, each directory ahead of what is in
 * it, so that nothing is entered by itself, and the root stays as it is; no option deletes anything. `-s`: names never pass through a shell of the server.
 * @throws `unsupported` for a path that rsync cannot be given
 */
export function rsyncArguments(run: RsyncRun): string[] {
  const { way, local, server, tempName, partialName, bwlimit, chmod, fsync } = run;
  const here = local.endsWith('/') ? local : `${local}/`;
  const there = remoteFolder(server);
  return [
    ...[
      '-a',
      '--no-owner',
      '--no-group',
      '--no-devices',
      '--no-specials',
      '--no-recursive',
      '--dirs',
      '--no-implied-dirs',
    ],
    ...['--checksum', '--partial', `--partial-dir=${partialName}`, `--temp-dir=${tempName}`, '-s'],
    ...['--from0', '--files-from=-', '--out-format=%i %l %n', '--8-bit-output', '--outbuf=L'],
    ...(bwlimit === null ? [] : [`--bwlimit=${String(Math.max(1, Math.floor(bwlimit)))}`]),
    ...(chmod === '' ? [] : [`--chmod=${chmod}`]),
    ...(fsync ? ['--fsync'] : []),
    ...['-e', remoteShell(server), '--'],
    ...(way === 'push' ? [here, there] : [there, here]),
  ];
}
