/** The state folder of a pair, and whether an agent works on it. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asTowlineError, errnoOf, hasCode, hasErrno, TowlineError } from '../core/errors.js';
import { askAgent } from '../serve/control-client.js';
import { lockHolder } from '../state/lock.js';
import { peekState } from '../state/peek.js';
import type { Report } from './check.js';
import { bytesText, shortPath } from './words.js';

const spaceWarnBytes = 100 * 1024 * 1024;
const agentAnswerMs = 2_000;
const name = 'state-folder';

export async function checkStateFolder(report: Report, folder: string): Promise<void> {
  const present = await nearestPresent(folder);
  try {
    await access(present, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    report.fail(name, notUsable(folder, present, error));
    return;
  }
  try {
    const state = present === folder ? await peekState({ folder, label: 'this pair' }, [], 0) : null;
    const known =
      state === null
        ? 'no state yet'
        : `${String(state.known)} paths known, ${String(state.counts.total)} waiting`;
    const { bavail, bsize } = await statfs(present);
    const text = `${shortPath(folder)} can be written (${known}); ${bytesText(bavail * bsize)} are free there`;
    if (bavail * bsize >= spaceWarnBytes) report.ok(name, text);
    else report.warn(name, text, 'Free some space there, or choose another place with --state-dir');
  } catch (error) {
    report.fail(name, asTowlineError(error));
  }
}

/** The folder itself, or the lowest one above it that is there. */
async function nearestPresent(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      await stat(path);
      return path;
    } catch (error) {
      const missing = hasErrno(error, 'ENOENT');
      // What cannot be looked at cannot be written either: `access` says why.
      if (!missing || path === dirname(path)) return path;
    }
  }
}

function notUsable(folder: string, present: string, cause: unknown): TowlineError {
  const code = errnoOf(cause) ?? 'unknown reason';
  return new TowlineError(
    'state',
    `the state of this pair cannot be kept in ${folder}: ${present} cannot be written (${code})`,
    {
      path: present,
      hint: 'Give this user write permission there, or choose another place with --state-dir',
      cause,
    },
  );
}

/** That one works on the pair is no fault: `status`, `pause` and the like speak to it. */
export async function checkAgent(report: Report, folder: string): Promise<void> {
  try {
    const { state } = await askAgent(folder, { ask: 'status' }, { timeoutMs: agentAnswerMs });
    const pid = lockHolder(folder);
    const who = pid === null ? 'an agent' : `an agent (process ${String(pid)})`;
    report.ok('agent', `${who} works on this pair${typeof state === 'string' ? `: ${state}` : ''}`);
  } catch (error) {
    const failure = asTowlineError(error);
    if (!hasCode(failure, 'not-found')) {
      report.warnOf('agent', failure, 'Look at its process, and restart it');
      return;
    }
    const pid = lockHolder(folder);
    if (pid === null) report.ok('agent', 'no other agent works on this pair');
    else report.ok('agent', `process ${String(pid)} works on this pair just now`);
  }
}
