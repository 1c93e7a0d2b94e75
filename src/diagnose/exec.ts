/** Whether the server runs commands, and which of those that we could use. */
import { randomBytes } from 'node:crypto';
import { hasCode } from '../core/errors.js';
import type { ExecSession } from '../ssh/channel.js';
import type { Report } from './check.js';
import { listText } from './words.js';

const tools = ['find', 'sha256sum', 'tar', 'inotifywait'] as const;
const execMs = 10_000;

/** A server that runs no commands may well say that it did: only what the command wrote counts. */
export async function checkExec(report: Report, session: ExecSession, signal: AbortSignal): Promise<void> {
  const nonce = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')] as const;
  const output = await run(session, scriptFor(nonce), signal);
  const lines = output.split('\n');
  if (!lines.includes(`towline=${nonce.join('-')}`)) {
    report.warn(
      'exec',
      'the server runs no commands for this account: all goes over SFTP, which is slower for many files',
      'Nothing has to be done; a ForceCommand or a shell such as nologin would have to go for more speed',
    );
    return;
  }
  const found = tools.flatMap((tool) => {
    const path = lines.find((line) => line.startsWith(`${tool}=`))?.slice(tool.length + 1) ?? '';
    return path === '' ? [] : [{ tool, path }];
  });
  const missing = tools.filter((tool) => !found.some((one) => one.tool === tool));
  const without = missing.length === 0 ? '' : `; not there: ${missing.join(', ')}`;
  report.ok('exec', `the server runs commands; ${listText(found.map(({ path }) => path))}${without}`);
  if (found.some(({ tool }) => tool === 'find') && !lines.includes('printf')) {
    report.ok('find', 'find has no -printf (it is not GNU find): listings go over SFTP');
  }
}

/** What it wrote; nothing when it did not run. */
async function run(session: ExecSession, command: string, signal: AbortSignal): Promise<string> {
  try {
    return (await session.exec(command, { timeoutMs: execMs, signal })).stdout;
  } catch (error) {
    if (hasCode(error, 'unsupported')) return '';
    throw error;
  }
}

/** The two halves of the nonce meet only in what a shell writes. No single quotes: the whole stands in them. */
function scriptFor([one, other]: readonly [string, string]): string {
  const script = [
    `printf "towline=%s-%s\\n" ${one} ${other}`,
    `for tool in ${tools.join(' ')}; do printf "%s=%s\\n" "$tool" "$(command -v "$tool")"; done`,
    'find . -maxdepth 0 -printf "printf\\n" 2>/dev/null',
  ].join('; ');
  return `sh -c '${script}'`;
}
