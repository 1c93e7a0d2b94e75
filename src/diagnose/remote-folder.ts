/** The remote folder: whether it is there, can be listed and written, and what works in it. */
import { asTowlineError, hasCode, TowlineError } from '../core/errors.js';
import type { Link } from '../ports.js';
import type { SftpChannel, SftpSession } from '../ssh/channel.js';
import { offsetOf } from '../storage/sftp/clock-offset.js';
import type { Report } from './check.js';
import { type Probed, probeFolder } from './remote-probe.js';
import { bytesText, durationText } from './words.js';

export interface RemoteFolder {
  readonly session: SftpSession;
  readonly link: Link;
  /** As the server is told it. */
  readonly path: string;
  /** Missing parents are made, too. */
  readonly mkpath: boolean;
  readonly signal: AbortSignal;
}

const directoryBits = 0o040000;
const kindBits = 0o170000;

export async function checkRemoteFolder(report: Report, folder: RemoteFolder): Promise<void> {
  const channel = await folder.session.channel('transfer');
  if (!(await isThere(report, channel, folder))) {
    for (const name of ['remote-write', 'clock'])
      report.skip(name, 'not tried: there is no remote folder yet');
    return;
  }
  const { path, session, link, signal } = folder;
  const probed = await probeFolder({ session, link, signal, folder: path === '.' ? '' : path });
  if (probed.refused === null) {
    report.ok('remote-write', 'files can be made, written, renamed and removed there');
    checkAbilities(report, probed);
    checkClock(report, probed);
  } else {
    report.fail('remote-write', probed.refused);
    report.skip('clock', 'not measured: it takes a file there');
  }
  if (probed.left.length > 0) {
    report.warn(
      'remote-temps',
      `the connection was lost meanwhile, and these may be left: ${probed.left.join(', ')}`,
      'Remove them, or leave them to the agent, which does so after 7 days',
    );
  }
  await checkSpace(report, channel, path);
}

async function isThere(report: Report, channel: SftpChannel, folder: RemoteFolder): Promise<boolean> {
  const { path, session, mkpath } = folder;
  const name = 'remote-folder';
  try {
    const { mode = 0 } = await channel.stat(path);
    if ((mode & kindBits) !== directoryBits) {
      const hint = 'Name the folder that is to hold the files';
      const what = `${path} on ${session.label} is a file, not a directory`;
      report.fail(name, new TowlineError('configuration', what, { path, host: session.label, hint }));
      return false;
    }
    await channel.closeHandle(await channel.openDirectory(path));
    report.ok(name, `${await channel.realPath(path)} is there and can be listed`);
    return true;
  } catch (error) {
    if (!hasCode(error, 'not-found')) {
      if (hasCode(error, 'network')) throw error;
      report.fail(name, asTowlineError(error));
      return false;
    }
  }
  const parent = path.replace(/\/?[^/]*$/, '') || (path.startsWith('/') ? '/' : '.');
  if (mkpath || (await isDirectory(channel, parent))) {
    report.ok(name, `${path} is not there yet: the first sync makes it`);
  } else {
    const what = `neither ${path} nor the folder above it is there on ${session.label}`;
    const hint = 'Use --mkpath to make it, or correct the path';
    report.fail(name, new TowlineError('not-found', what, { path, host: session.label, hint }));
  }
  return false;
}

async function isDirectory(channel: SftpChannel, path: string): Promise<boolean> {
  try {
    const { mode = 0 } = await channel.stat(path);
    return (mode & kindBits) === directoryBits;
  } catch (error) {
    if (hasCode(error, 'not-found')) return false;
    throw error;
  }
}

/** What was announced or is part of the protocol, and does not work all the same. */
function checkAbilities(report: Report, probed: Probed): void {
  const works = {
    posixRename: 'posix-rename',
    fsync: 'fsync',
    modes: 'modes',
    times: 'times',
    linkTimes: 'link times',
  };
  const names = Object.keys(works) as (keyof typeof works)[];
  const good = names.filter((name) => probed[name] === true).map((name) => works[name]);
  report.ok('remote-abilities', `tried there and working: ${good.length === 0 ? 'none' : good.join(', ')}`);
  const bad = names.filter((name) => probed[name] === false).map((name) => works[name]);
  if (bad.length === 0) return;
  report.warn(
    'remote-refused',
    `the server does not do there what it should: ${bad.join(', ')}`,
    'Its file system, or a mount option of it, may not carry them; Towline works around it, and compares sizes and contents instead',
  );
}

/** Above this, people who look at times on both sides would be misled. */
const clockWarnMs = 60_000;

function checkClock(report: Report, { made }: Probed): void {
  if (made === null) return;
  const offsetMs = offsetOf(made.mtimeMs, made.beforeMs, made.afterMs);
  const size = durationText(Math.abs(offsetMs));
  if (offsetMs === 0) report.ok('clock', "the server's clock and ours agree, to the second");
  else {
    const text = `the server's clock is ${size} ${offsetMs > 0 ? 'ahead of' : 'behind'} ours`;
    if (Math.abs(offsetMs) < clockWarnMs) report.ok('clock', text);
    else report.warn('clock', text, 'Have both clocks set by NTP (Towline allows for the difference)');
  }
}

const spaceWarnBytes = 100 * 1024 * 1024;

async function checkSpace(report: Report, channel: SftpChannel, path: string): Promise<void> {
  try {
    const { freeBytes } = await channel.space(path);
    const text = `${bytesText(freeBytes)} are free for us on the server`;
    if (freeBytes >= spaceWarnBytes) report.ok('free-space', text);
    else report.warn('free-space', text, 'Free some space there, or raise the quota');
  } catch (error) {
    if (hasCode(error, 'network')) throw error;
    report.skip('free-space', 'the server does not tell how much space is free');
  }
}
