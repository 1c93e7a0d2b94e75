/** What the server announced, and how long an answer takes. */
import type { SftpChannel } from '../ssh/channel.js';
import type { Report } from './check.js';
import { bytesText, durationText, listText } from './words.js';

/** The extensions we make use of, and what is done without each. */
const extensions = {
  'posix-rename@openssh.com': 'a file that is replaced is missing for two requests',
  'fsync@openssh.com': 'what was sent cannot be forced to disk (--fsync)',
  'statvfs@openssh.com': 'free space cannot be looked at before sending',
  'limits@openssh.com': 'requests stay at 32 KiB',
  'copy-data': 'a large file that changed a little is sent whole',
  'lsetstat@openssh.com': 'symlinks do not keep their times',
} as const;

export function checkExtensions(report: Report, channel: SftpChannel): void {
  const names = Object.keys(extensions) as (keyof typeof extensions)[];
  const there = names.filter((name) => channel.extensions.has(name));
  const sizes = `${bytesText(channel.maxWriteBytes)} a write`;
  report.ok('sftp', `SFTP extensions: ${listText(there.map(short))}; ${sizes}`);
  for (const name of names.filter((one) => !there.includes(one))) {
    report.warn(
      short(name),
      `the server does not offer ${short(name)}: ${extensions[name]}`,
      'Nothing has to be done; OpenSSH 9.0 and later offer it',
    );
  }
}

function short(name: string): string {
  return name.replace(/@.*$/, '');
}

const roundTrips = 5;

/** The median of a few requests, one at a time. */
export async function checkRoundTrip(report: Report, channel: SftpChannel): Promise<void> {
  const times: number[] = [];
  for (let one = 0; one < roundTrips; one++) {
    const startMs = performance.now();
    await channel.realPath('.');
    times.push(performance.now() - startMs);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(roundTrips / 2)] ?? 0;
  report.ok('round-trip', `an answer takes ${durationText(median)}`);
}
